#include "property/device.h"

#include <fmt/core.h>

#include "property/lost_writes.h"
#include "property/schema.h"

namespace bae::property {

namespace {

using sync::sqlite::Connection;

tl::unexpected<Error> differs(std::string what) { return fail(ErrorKind::internal, std::move(what)); }

TransactionPtr difference(const Rows& before, const Rows& after) {
    Transaction made;
    for (const auto& [key, row] : after) {
        const auto old = before.find(key);
        if (old != before.end() && old->second == row) continue;
        Change change{old == before.end() ? Kind::insert : Kind::update, {}};
        for (const auto& [column, value] : row)
            if (column != "_updated_at" && (old == before.end() || old->second.at(column) != value))
                change.values[column] = value;
        made.changes[key] = std::move(change);
    }
    for (const auto& [key, row] : before)
        if (!after.contains(key)) made.changes[key] = {Kind::remove, {}};
    return made.changes.empty() ? nullptr : std::make_shared<const Transaction>(std::move(made));
}

std::vector<sync::IncomingObject> incoming(const std::vector<ObjectPtr>& objects) {
    std::vector<sync::IncomingObject> list;
    for (const ObjectPtr& object : objects) {
        sync::IncomingObject in{object->stream, object->number, object->hash, {}};
        for (const auto& t : object->transactions) in.transactions.push_back({t.stamp, t.seen, t.changes, t.message});
        list.push_back(std::move(in));
    }
    return list;
}

Result<std::unique_ptr<sync::Database>> open_database(const std::filesystem::path& path, crypto::DeviceId id,
                                                      uint32_t version, sync::Clock* clock) {
    return sync::Database::open({path, std::span(kMigrations).first(version), id, clock});
}

}  // namespace

const Schema& Device::schema_of_histories() { return schema(); }

Result<std::unique_ptr<Device>> Device::open(const std::filesystem::path& path, crypto::DeviceId id, uint32_t version) {
    auto device = std::unique_ptr<Device>(new Device);
    device->path_ = path;
    TRY(device->reopen(id, version));
    return device;
}

Result<void> Device::reopen(crypto::DeviceId id, uint32_t version) {
    database_.reset();
    if (id != id_) sealed_ = 0;  // a new stream
    id_ = id;
    version_ = version;
    database_ = TRY_CONTEXT(open_database(path_, id, version, &clock_), "open");
    return {};
}

Result<std::unique_ptr<Device>> Device::copy_to(const std::filesystem::path& path) const {
    for (const char* ending : {"", "-wal"})
        if (std::filesystem::exists(path_.string() + ending))
            std::filesystem::copy_file(path_.string() + ending, path.string() + ending);
    auto copy = std::unique_ptr<Device>(new Device);
    copy->path_ = path;
    copy->id_ = id_;
    copy->version_ = version_;
    copy->clock_ = clock_;
    copy->model_ = model_;
    copy->applied_ = applied_;
    copy->unsealed_ = unsealed_;
    copy->known_ = known_;
    copy->cursors_ = cursors_;
    copy->sealed_ = sealed_;
    copy->database_ = TRY_CONTEXT(open_database(path, id_, version_, &copy->clock_), "open the copy");
    return copy;
}

void Device::give(const TransactionPtr& transaction) {
    model_.apply(*transaction);
    applied_.push_back(transaction);
    const auto raise = [&](const std::string& device, const std::string& stamp) {
        known_[device] = std::max(known_[device], stamp);
    };
    raise(transaction->stamp.substr(19), transaction->stamp);
    for (const auto& [device, stamp] : transaction->seen) raise(device, stamp);
}

Result<TransactionPtr> Device::write(const Work& work) {
    TransactionPtr made;
    const sync::Written written = TRY(database_->write("a step", [&](Connection& connection) -> Result<void> {
        const Rows before = TRY(image(connection, schema(), version_));
        TRY(work(connection));
        made = difference(before, TRY(image(connection, schema(), version_)));
        return {};
    }));
    if (!made != !written.stamp)
        return differs(made ? "a write that changed rows has no stamp" : "a write that changed nothing has a stamp");
    if (!made) return made;
    Transaction stamped = *made;
    stamped.stamp = *written.stamp;
    stamped.seen = known_;
    made = std::make_shared<const Transaction>(std::move(stamped));
    give(made);
    unsealed_.push_back(made);
    return made;
}

Result<ObjectPtr> Device::seal(size_t max_bytes) {
    if (unsealed_.empty()) return ObjectPtr();
    Object object{id_, sealed_ + 1, {}, {}, {}};
    object.hash.bytes[0] = static_cast<std::byte>(object.number);
    object.hash.bytes[1] = id_.bytes[0];
    TRY(database_->replicate([&](Connection& connection) -> Result<void> {
        object.transactions = TRY(database_->unsealed(connection, max_bytes));
        if (object.transactions.empty()) return differs("the outbox lacks an own transaction");
        return database_->mark_sealed(connection, object.transactions.back().position, object.number, object.hash);
    }));
    TRY(database_->replicate([&](Connection& connection) { return database_->mark_sent(connection, object.number); }));
    for (const auto& transaction : object.transactions) {
        if (unsealed_.empty() || unsealed_.front()->stamp != transaction.stamp.text())
            return differs("the outbox holds " + transaction.stamp.text() + " where another own transaction is next");
        object.meaning.push_back(unsealed_.front());
        unsealed_.erase(unsealed_.begin());
    }
    sealed_ = object.number;
    return std::make_shared<const Object>(std::move(object));
}

uint64_t Device::cursor(crypto::DeviceId stream) const {
    const auto found = cursors_.find(stream);
    return found == cursors_.end() ? 0 : found->second;
}

Result<void> Device::merge(const std::vector<ObjectPtr>& objects) {
    const auto list = incoming(objects);
    TRY_CONTEXT(database_->merge(list, {}), "merge");
    for (const ObjectPtr& object : objects) {
        if (object->number <= cursor(object->stream)) continue;
        cursors_[object->stream] = object->number;
        for (const TransactionPtr& transaction : object->meaning) give(transaction);
    }
    return {};
}

// --- checks
// -----------------------------------------------------------------------------------------------------------

Result<void> Device::check(bool thorough) {
    TRY(check_rows());
    TRY(check_digest(thorough));
    TRY(check_bookkeeping());
    return thorough ? check_parked() : Result<void>();
}

Result<void> Device::check_rows() {
    auto reader = TRY(database_->read());
    const std::string difference = first_difference(TRY(image(*reader, schema(), version_)), model_.visible(version_));
    if (!difference.empty()) return differs("rows: " + difference);
    const auto broken = TRY(reader->integer("SELECT count(*) FROM pragma_foreign_key_check"));
    if (broken != 0) return differs("rows without the row they belong to");
    return {};
}

Result<void> Device::check_digest(bool recompute) {
    sync::Digest expected;
    const Sum sum = model_.digest();
    write_big_endian(ByteSpan(expected.bytes).first(8), static_cast<uint64_t>(sum >> 64));
    write_big_endian(ByteSpan(expected.bytes).last(8), static_cast<uint64_t>(sum));
    const sync::Digest kept = TRY(database_->digest());
    if (recompute && TRY(database_->recompute_digest()) != kept)
        return differs("the kept digest is not the recomputed one");
    if (kept != expected)
        return differs(
            fmt::format("digest {} where the oracle says {}", hex_encode(kept.bytes), hex_encode(expected.bytes)));
    return {};
}

Result<void> Device::check_bookkeeping() {
    const uint64_t waiting = TRY(database_->outbox_size());
    if (waiting != unsealed_.size())
        return differs(fmt::format("{} transactions in the outbox, {} were written", waiting, unsealed_.size()));
    for (const auto& position : TRY(database_->positions()))
        if (position.device != id_ && position.number != cursor(position.device))
            return differs(fmt::format("stream {} stands at {} instead of {}", position.device.text(), position.number,
                                       cursor(position.device)));
    const std::string last = TRY(database_->last_stamp()).text().substr(0, 18);  // the reading, whoever's
    for (const TransactionPtr& transaction : applied_)
        if (last < transaction->stamp.substr(0, 18)) return differs("the clock is behind: " + transaction->stamp);
    return {};
}

Result<void> Device::check_parked() {
    std::set<RowKey> expected = model_.alive(), listed;
    std::erase_if(expected, [&](const RowKey& key) {
        return std::ranges::find(schema(), key.first, &Table::name)->since > version_;
    });
    for (const auto& [key, row] : model_.visible(version_)) expected.erase(key);
    for (const auto& row : TRY(database_->parked())) listed.insert({row.table, row.id});
    for (const RowKey& key : expected)
        if (!listed.contains(key)) return differs("not listed as parked: " + readable(key));
    for (const RowKey& key : listed)
        if (!expected.contains(key)) return differs("wrongly listed as parked: " + readable(key));
    return {};
}

static std::string readable(const LostWrite& lost) {
    return fmt::format("{}.{} = {} of {} replaced by {}", readable(RowKey{lost.table, lost.id}), lost.column,
                       readable(lost.value), lost.lost_stamp, lost.won_stamp);
}

Result<void> Device::check_conflicts() {
    std::set<LostWrite> expected = lost_writes(applied_, schema()), listed;
    for (const auto& c : TRY(database_->conflicts()))
        listed.insert({c.table, c.id, c.column, c.lost_stamp, c.won_stamp, Value(as_text(c.lost_value))});
    for (const LostWrite& lost : expected)
        if (!listed.contains(lost)) return differs("a conflict is missing: " + readable(lost));
    for (const LostWrite& lost : listed)
        if (!expected.contains(lost)) return differs("not a conflict: " + readable(lost));
    return {};
}

// --- images
// -----------------------------------------------------------------------------------------------------------

Value value_in(const sync::sqlite::Statement& row, int column) {
    using sync::sqlite::ColumnType;
    Bytes out;
    Packer packer(out);
    switch (row.type(column)) {
        case ColumnType::integer:
            packer.sint(row.integer(column));
            break;
        case ColumnType::real:
            packer.real(row.real(column));
            break;
        case ColumnType::text:
            packer.text(row.text(column));
            break;
        case ColumnType::blob:
            packer.bin(row.blob(column));
            break;
        case ColumnType::null:
            packer.nil();
            break;
    }
    return Value(as_text(out));
}

Result<Rows> image(Connection& connection, const Schema& schema, uint32_t version) {
    Rows rows;
    for (const Table& table : schema) {
        if (table.since > version) continue;
        std::string sql = "SELECT id, _updated_at";
        for (const Column& column : table.columns)
            if (column.since <= version) sql += ", " + column.name;
        sync::sqlite::Statement* select = TRY(connection.cached(sql + " FROM " + table.name));
        while (TRY(select->step())) {
            Values& values = rows[{table.name, select->string(0)}];
            for (int i = 1; i < select->column_count(); i++)
                values.emplace(select->column_name(i), value_in(*select, i));
        }
    }
    return rows;
}

std::string readable(const Value& value) {
    const ByteView bytes = as_bytes(value);
    Unpacker in(bytes);
    switch (in.peek()) {
        case Unpacker::Type::nil:
            return "NULL";
        case Unpacker::Type::uint:
        case Unpacker::Type::sint:
            return std::to_string(in.sint().value_or(0));
        case Unpacker::Type::real:
            return fmt::format("{:?<}", in.real().value_or(0));
        case Unpacker::Type::text:
            return fmt::format("'{}'", in.text(SIZE_MAX).value_or(""));
        default:
            return "0x" + hex_encode(bytes);
    }
}

std::string readable(const RowKey& key) {
    return key.first + "/" + key.second.substr(key.second.size() < 4 ? 0 : key.second.size() - 4);
}

std::string readable(const Transaction& transaction) {
    std::string text = transaction.stamp + ":";
    for (const auto& [key, change] : transaction.changes) {
        text += change.kind == Kind::insert ? " +" : change.kind == Kind::update ? " ~" : " -";
        text += readable(key);
        for (const auto& [column, value] : change.values) text += " " + column + "=" + readable(value);
    }
    return text;
}

std::string first_difference(const Rows& ours, const Rows& expected) {
    for (const auto& [key, row] : expected) {
        const auto found = ours.find(key);
        if (found == ours.end()) return readable(key) + " is missing";
        for (const auto& [column, value] : row)
            if (found->second.at(column) != value)
                return fmt::format("{}.{} is {} instead of {}", readable(key), column,
                                   readable(found->second.at(column)), readable(value));
    }
    for (const auto& [key, row] : ours)
        if (!expected.contains(key)) return readable(key) + " should not be there";
    return "";
}

}  // namespace bae::property
