// read_changes: refuses, or what it hands over serialises to the same bytes.
#include "sync/changes.h"

namespace {

using namespace bae;

// Writes what it receives in the form of changes.h.
class Writer : public sync::ChangeVisitor {
  public:
    Result<void> table(const sync::TableHeader& header) override {
        close();
        Packer out(bytes_);
        open_ = true;
        tables_++;
        columns_ = static_cast<uint32_t>(header.columns.size());
        out.array(5);
        out.text(header.name);
        out.array(columns_);
        for (const auto& column : header.columns) out.text(column);
        return {};
    }
    Result<void> insert(std::string_view id, std::span<const sync::ValueView> values) override {
        CHECK(values.size() == columns_);
        Packer out(rows_[0]);
        counts_[0]++;
        out.array(columns_ + 1);
        out.text(id);
        for (const auto& value : values) sync::pack_value(out, value);
        return {};
    }
    Result<void> update(std::string_view id, std::span<const sync::ColumnChange> changes) override {
        Packer out(rows_[1]);
        counts_[1]++;
        out.array(static_cast<uint32_t>(2 * changes.size() + 1));
        out.text(id);
        for (const auto& change : changes) {
            CHECK(change.column < columns_);
            out.uint(change.column);
            sync::pack_value(out, change.value);
        }
        return {};
    }
    Result<void> remove(std::string_view id) override {
        counts_[2]++;
        Packer(rows_[2]).text(id);
        return {};
    }
    Bytes finish() {
        close();
        Bytes all;
        Packer out(all);
        out.array(tables_);
        out.raw(bytes_);
        return all;
    }

  private:
    void close() {
        if (!open_) return;
        Packer out(bytes_);
        for (int i = 0; i < 3; i++) {
            out.array(counts_[i]);
            out.raw(rows_[i]);
            rows_[i].clear();
            counts_[i] = 0;
        }
    }
    Bytes bytes_, rows_[3];
    uint32_t tables_ = 0, columns_ = 0, counts_[3] = {};
    bool open_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    if (!sync::check_changes(input)) return 0;
    Writer writer;
    CHECK(sync::read_changes(input, writer).has_value());
    CHECK(equal(writer.finish(), input));
    return 0;
}
