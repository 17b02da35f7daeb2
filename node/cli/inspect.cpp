#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/cli/inspect_keys.h"
#include "node/cli/rows.h"
#include "node/files.h"
#include "node/output/escape.h"
#include "sync/change_object.h"
#include "sync/changes.h"
#include "sync/head.h"
#include "sync/membership_entry.h"

namespace bae::node {
namespace {

class Lines {
  public:
    explicit Lines(Output& out) : out_(out) {}
    void add(std::string_view name, std::string_view value) {
        out_.line(fmt::format("  {:<16}{}", name, shown(value)));
    }

  private:
    Output& out_;
};

void print_certificate(Lines& lines, const crypto::Certificate& certificate) {
    const crypto::CertificateBody& body = certificate.body();
    lines.add("certificate", certificate.hash().text());
    lines.add("identity", body.identity.text());
    lines.add("device", certificate.device_id().text());
    lines.add("keeper", body.keeper ? "yes" : "no");
    if (body.next) lines.add("next", body.next->text());
    if (body.continued) lines.add("continues", body.continued->text());
    lines.add("issued", date_text(body.issued_s * 1000));
    lines.add("expires", date_text(body.expires_s * 1000));
}

void print_certificate_bytes(Lines& lines, ByteView bytes) {
    const Result<crypto::Certificate> certificate = crypto::Certificate::parse(bytes);
    if (certificate)
        print_certificate(lines, *certificate);
    else
        lines.add("certificate", certificate.error().message);
}

Result<void> print_founding(Lines& lines, ByteView plain) {
    const sync::Founding founding = TRY(sync::decode_founding(plain));
    lines.add("library", sync::library_id_of(plain).text());
    lines.add("founder", founding.identity.text());
    lines.add("first key", founding.key.text());
    print_certificate_bytes(lines, founding.certificate);
    return {};
}

Result<void> print_entry(Lines& lines, ByteView plain) {
    const sync::MembershipEntry entry = TRY(sync::decode_entry(plain));
    lines.add("entry", fmt::format("{} of its device's chain", entry.number));
    lines.add("previous", entry.previous.text());
    for (const crypto::Hash256& hash : entry.read) lines.add("had read", hash.text());
    if (entry.kind == sync::EntryKind::device) print_certificate_bytes(lines, entry.content);
    if (entry.kind == sync::EntryKind::key)
        lines.add("introduces key", TRY(sync::decode_key_content(entry.content)).key.text());
    if (!sync::is_known(entry.kind))
        lines.add("kind", fmt::format("{}, of a newer version", static_cast<uint32_t>(entry.kind)));
    return {};
}

Result<void> print_head(Lines& lines, ByteView plain) {
    const sync::Head head = TRY(sync::decode_head(plain));
    lines.add("counter", std::to_string(head.counter));
    lines.add("date", date_text(head.date_ms));
    lines.add("stream", fmt::format("{} {}", head.number, head.hash.text()));
    for (const sync::StreamReference& applied : head.applied)
        lines.add("applied", fmt::format("{} up to {} {}", applied.device.text(), applied.number, applied.hash.text()));
    for (const sync::EntryReference& entry : head.membership)
        lines.add("had read", fmt::format("{} of {}", entry.hash.text(), entry.device.text()));
    lines.add("current key", head.key.text());
    lines.add("digest", head.digest ? hex_encode(head.digest->view()) : "not stated");
    lines.add("schema", std::to_string(head.schema_version));
    lines.add("program", head.program_version);
    return {};
}

class CountingVisitor : public sync::ChangeVisitor {
  public:
    explicit CountingVisitor(Lines& lines) : lines_(lines) {}
    ~CountingVisitor() override { end(); }
    Result<void> table(const sync::TableHeader& table) override {
        end();
        table_ = table.name;
        return {};
    }
    Result<void> insert(std::string_view, std::span<const sync::ValueView>) override {
        return ++inserts_, Result<void>();
    }
    Result<void> update(std::string_view, std::span<const sync::ColumnChange>) override {
        return ++updates_, Result<void>();
    }
    Result<void> remove(std::string_view) override { return ++removes_, Result<void>(); }

  private:
    void end() {
        if (!table_.empty())
            lines_.add("",
                       fmt::format("{}: {} inserted, {} updated, {} removed", table_, inserts_, updates_, removes_));
        inserts_ = updates_ = removes_ = 0;
    }
    Lines& lines_;
    std::string table_;
    uint64_t inserts_ = 0, updates_ = 0, removes_ = 0;
};

Result<void> print_change(Lines& lines, ByteView plain) {
    const sync::ChangeObject object = TRY(sync::decode_change_object(plain));
    lines.add("previous", object.previous.text());
    lines.add("schema", std::to_string(object.schema_version));
    for (const sync::EntryReference& entry : object.membership)
        lines.add("had read", fmt::format("{} of {}", entry.hash.text(), entry.device.text()));
    lines.add("transactions", std::to_string(object.transactions.size()));
    for (const sync::IncomingTransaction& transaction : object.transactions) {
        lines.add("transaction", fmt::format("{} ({}) \"{}\"", transaction.stamp.text(),
                                             date_text(transaction.stamp.ms), transaction.message));
        for (const sync::SeenStamp& seen : transaction.seen) lines.add("  had seen", seen.stamp.text());
        CountingVisitor visitor(lines);
        TRY(sync::read_changes(transaction.changes, visitor));
    }
    return {};
}

Result<void> print_plaintext(Lines& lines, crypto::ObjectKind kind, ByteView plain) {
    switch (kind) {
        case crypto::ObjectKind::founding:
            return print_founding(lines, plain);
        case crypto::ObjectKind::membership:
            return print_entry(lines, plain);
        case crypto::ObjectKind::head:
            return print_head(lines, plain);
        case crypto::ObjectKind::change:
            return print_change(lines, plain);
        default:
            lines.add("plaintext", fmt::format("{} bytes", plain.size()));
            return {};
    }
}

void print_signature(Lines& lines, const InspectKeys& keys, const crypto::ObjectAddress& address, ByteView object) {
    const auto certificate = keys.certificates.find(crypto::certificate_of(object));
    if (certificate == keys.certificates.end())
        return lines.add("signature", "by a device whose certificate is not here");
    const Result<void> signature = crypto::verify_object(object, address, certificate->second.body().device.signing);
    lines.add("signature",
              signature ? "good, by device " + certificate->second.device_id().text() : signature.error().message);
}

Result<void> print_object(Output& out, const std::filesystem::path& file, ByteView object, const InspectKeys* keys) {
    Lines lines(out);
    const crypto::ObjectHeader header = TRY(crypto::parse_object(object));
    const std::string path = object_path(file);
    lines.add("kind", crypto::to_string(header.kind));
    lines.add("version", std::to_string(header.version));
    lines.add("path", path.empty() ? "(not the path of an object)" : path);
    lines.add("key", header.key_id.text());
    lines.add("hash", crypto::object_hash(object).text());
    lines.add("signed under", crypto::certificate_of(object).text());
    if (!keys || path.empty()) {
        lines.add("content",
                  keys ? "sealed for its path, which is not known" : "sealed; name a home with --home to open it");
        return {};
    }
    const std::string address = address_of(path);
    print_signature(lines, *keys, {keys->library, address}, object);
    const auto master = keys->masters.find(header.key_id);
    if (header.kind == crypto::ObjectKind::key)
        return lines.add("box", master == keys->masters.end() ? "for somebody else" : "of a key that this home has"),
               Result<void>();
    if (master == keys->masters.end())
        return lines.add("content", "sealed under a key this home does not have"), Result<void>();
    return print_plaintext(lines, header.kind,
                           TRY(crypto::open_object(object, {keys->library, address}, master->second)));
}

Result<void> inspect(Output& out, const std::filesystem::path& file, const InspectKeys* keys) {
    const std::string bytes = TRY(read_small_file(file, crypto::kMaxObjectBytes));
    out.line(fmt::format("{} ({} bytes)", shown(file.native()), bytes.size()));
    Lines lines(out);
    if (bytes.starts_with("BAESEC")) {
        lines.add("kind", "secret store");
        lines.add("passphrase", bytes.size() > 7 && bytes[7] == 1 ? "needed" : "none");
        return {};
    }
    if (bytes.starts_with("bae library ")) {
        lines.add("kind", "record of a home");
        lines.add("library", TRY(HomeRecord::parse(bytes)).library.text());
        return {};
    }
    if (bytes.starts_with("BAE")) return print_object(out, file, as_bytes(bytes), keys);
    const Result<crypto::Certificate> certificate = crypto::Certificate::parse(as_bytes(bytes));
    if (!certificate)
        return fail(ErrorKind::corrupt,
                    "nothing that bae writes, or a blob, which looks like noise to everybody without its row");
    lines.add("kind", "certificate");
    print_certificate(lines, *certificate);
    return {};
}

}  // namespace

Result<ExitCode> run(Session& session, const InspectCommand& command) {
    std::optional<InspectKeys> keys;
    if (read_home(TRY(session.paths()))) keys = TRY(inspect_keys(session));
    bool failed = false;
    for (const std::string& file : command.files) {
        const Result<void> done = inspect(session.out(), file, keys ? &*keys : nullptr);
        if (done) continue;
        session.out().error(fmt::format("{}: {}", shown(file), shown(done.error().message)));
        failed = true;
    }
    return failed ? ExitCode::failed : ExitCode::done;
}

}  // namespace bae::node
