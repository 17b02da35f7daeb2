#include "sync/replica_store.h"

namespace bae::sync {

namespace {

template <class T>
T id_at(const sqlite::Statement& row, int column) {
    T id;
    const ByteView blob = row.blob(column);
    if (blob.size() == id.bytes.size()) std::memcpy(id.bytes.data(), blob.data(), blob.size());
    return id;
}

uint64_t number_at(const sqlite::Statement& row, int column) { return static_cast<uint64_t>(row.integer(column)); }

}  // namespace

Result<std::optional<LibraryRow>> load_library(sqlite::Connection& connection) {
    std::optional<LibraryRow> found;
    TRY(connection.each(
        "SELECT id, founding, certificate, sealed_number, sealed_hash, head_counter FROM sync_library",
        [&](const sqlite::Statement& row) {
            found = LibraryRow{
                id_at<crypto::LibraryId>(row, 0), to_bytes(row.blob(1)), to_bytes(row.blob(2)), number_at(row, 3),
                id_at<crypto::Hash256>(row, 4),   number_at(row, 5)};
        }));
    return found;
}

Result<void> store_library(sqlite::Connection& connection, const LibraryRow& row) {
    return connection.run("INSERT OR REPLACE INTO sync_library VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)", row.id.view(),
                          row.founding, row.certificate, row.sealed_number, row.sealed_hash.view(), row.head_counter);
}

Result<std::vector<EntryRow>> load_entries(sqlite::Connection& connection, int64_t after_position) {
    std::vector<EntryRow> entries;
    TRY(connection.each(
        "SELECT position, hash, device, body FROM sync_entries WHERE position > ?1 ORDER BY position",
        [&](const sqlite::Statement& row) -> Result<void> {
            entries.push_back({row.integer(0), id_at<crypto::Hash256>(row, 1), id_at<crypto::DeviceId>(row, 2),
                               TRY(decode_entry(row.blob(3)))});
            return {};
        },
        after_position));
    return entries;
}

Result<void> store_entry(sqlite::Connection& connection, const crypto::Hash256& hash, const crypto::DeviceId& device,
                         const MembershipEntry& entry) {
    return connection.run("INSERT OR IGNORE INTO sync_entries (hash, device, body) VALUES (?1, ?2, ?3)", hash.view(),
                          device.view(), encode_entry(entry));
}

Result<std::optional<crypto::Hash256>> object_hash_at(sqlite::Connection& connection, const crypto::DeviceId& device,
                                                      uint64_t number) {
    std::optional<crypto::Hash256> hash;
    TRY(connection.each(
        "SELECT hash FROM sync_objects WHERE device = ?1 AND number = ?2",
        [&](const sqlite::Statement& row) { hash = id_at<crypto::Hash256>(row, 0); }, device.view(), number));
    return hash;
}

Result<void> store_object_hash(sqlite::Connection& connection, const StreamReference& object) {
    return connection.run("INSERT OR IGNORE INTO sync_objects VALUES (?1, ?2, ?3)", object.device.view(), object.number,
                          object.hash.view());
}

Result<void> forget_objects_after(sqlite::Connection& connection, const crypto::DeviceId& device, uint64_t number) {
    return connection.run("DELETE FROM sync_objects WHERE device = ?1 AND number > ?2", device.view(), number);
}

Result<uint64_t> last_object_number(sqlite::Connection& connection, const crypto::DeviceId& device) {
    const auto number =
        TRY(connection.integer("SELECT max(number) FROM sync_objects WHERE device = ?1", device.view()));
    return static_cast<uint64_t>(number.value_or(0));
}

Result<std::optional<Becoming>> load_becoming(sqlite::Connection& connection) {
    std::optional<Becoming> found;
    TRY(connection.each("SELECT device, common FROM sync_becoming", [&](const sqlite::Statement& row) {
        found = Becoming{id_at<crypto::DeviceId>(row, 0), number_at(row, 1)};
    }));
    return found;
}

Result<void> store_becoming(sqlite::Connection& connection, const Becoming& becoming) {
    return connection.run("INSERT OR REPLACE INTO sync_becoming VALUES (1, ?1, ?2)", becoming.device.view(),
                          becoming.common);
}

Result<void> remove_becoming(sqlite::Connection& connection) { return connection.run("DELETE FROM sync_becoming"); }

Result<std::vector<UncheckedObject>> load_unchecked(sqlite::Connection& connection, int64_t written_before_ms,
                                                    int limit) {
    std::vector<UncheckedObject> objects;
    TRY(connection.each(
        "SELECT device, number FROM sync_unchecked WHERE written_ms < ?1 ORDER BY written_ms LIMIT ?2",
        [&](const sqlite::Statement& row) {
            objects.push_back({id_at<crypto::DeviceId>(row, 0), number_at(row, 1)});
        },
        written_before_ms, limit));
    return objects;
}

Result<void> store_unchecked(sqlite::Connection& connection, const UncheckedObject& object, int64_t written_ms) {
    return connection.run("INSERT OR REPLACE INTO sync_unchecked VALUES (?1, ?2, ?3)", object.device.view(),
                          object.number, written_ms);
}

Result<void> store_damaged(sqlite::Connection& connection, const UncheckedObject& object) {
    return connection.run("INSERT OR IGNORE INTO sync_unchecked VALUES (?1, ?2, 0)", object.device.view(),
                          object.number);
}

Result<void> remove_unchecked(sqlite::Connection& connection, const UncheckedObject& object) {
    return connection.run("DELETE FROM sync_unchecked WHERE device = ?1 AND number = ?2", object.device.view(),
                          object.number);
}

Result<std::map<crypto::DeviceId, SeenHead>> load_heads(sqlite::Connection& connection) {
    std::map<crypto::DeviceId, SeenHead> heads;
    TRY(connection.each("SELECT device, hash, body FROM sync_heads", [&](const sqlite::Statement& row) -> Result<void> {
        heads.emplace(id_at<crypto::DeviceId>(row, 0),
                      SeenHead{id_at<crypto::Hash256>(row, 1), TRY(decode_head(row.blob(2)))});
        return {};
    }));
    return heads;
}

Result<void> store_head(sqlite::Connection& connection, const crypto::DeviceId& device, const SeenHead& seen) {
    return connection.run("INSERT OR REPLACE INTO sync_heads VALUES (?1, ?2, ?3)", device.view(), seen.hash.view(),
                          encode_head(seen.head));
}

Result<std::optional<CarrierRow>> load_carrier(sqlite::Connection& connection, std::string_view name) {
    std::optional<CarrierRow> found;
    TRY(connection.each(
        "SELECT head_counter, head_size, head_put_ms, head FROM sync_carriers WHERE name = ?1",
        [&](const sqlite::Statement& row) -> Result<void> {
            found = CarrierRow{number_at(row, 0), number_at(row, 1), row.integer(2), std::nullopt};
            if (!row.blob(3).empty()) found->head = TRY(decode_head(row.blob(3)));
            return {};
        },
        name));
    return found;
}

Result<void> store_carrier(sqlite::Connection& connection, std::string_view name, const CarrierRow& row) {
    return connection.run("INSERT OR REPLACE INTO sync_carriers VALUES (?1, ?2, ?3, ?4, ?5)", name, row.head_counter,
                          row.head_size, row.head_put_ms, row.head ? encode_head(*row.head) : Bytes());
}

Result<std::vector<std::string>> carrier_names(sqlite::Connection& connection) {
    std::vector<std::string> names;
    TRY(connection.each("SELECT name FROM sync_carriers ORDER BY name",
                        [&](const sqlite::Statement& row) { names.push_back(row.string(0)); }));
    return names;
}

Result<void> forget_carriers(sqlite::Connection& connection) {
    TRY(connection.run("DELETE FROM sync_carriers"));
    TRY(connection.run("DELETE FROM sync_carrier_heads"));
    return connection.run("DELETE FROM sync_outgoing");
}

Result<std::map<crypto::DeviceId, CarrierHead>> load_carrier_heads(sqlite::Connection& connection,
                                                                   std::string_view carrier) {
    std::map<crypto::DeviceId, CarrierHead> heads;
    TRY(connection.each(
        "SELECT device, version, fetched_ms, confirmed FROM sync_carrier_heads WHERE carrier = ?1",
        [&](const sqlite::Statement& row) {
            heads.emplace(id_at<crypto::DeviceId>(row, 0),
                          CarrierHead{row.string(1), row.integer(2), row.integer(3) != 0});
        },
        carrier));
    return heads;
}

Result<void> store_carrier_head(sqlite::Connection& connection, std::string_view carrier,
                                const crypto::DeviceId& device, const CarrierHead& head) {
    return connection.run("INSERT OR REPLACE INTO sync_carrier_heads VALUES (?1, ?2, ?3, ?4, ?5)", carrier,
                          device.view(), head.version, head.fetched_ms, head.confirmed);
}

Result<void> forget_carrier_head(sqlite::Connection& connection, std::string_view carrier,
                                 const crypto::DeviceId& device) {
    return connection.run("DELETE FROM sync_carrier_heads WHERE carrier = ?1 AND device = ?2", carrier, device.view());
}

int send_rank(std::string_view path) {
    constexpr std::string_view kOrder[] = {"library.bae", "keys/", "membership/", "changes/", "heads/"};
    int rank = 0;
    for (const std::string_view start : kOrder) {
        if (path.starts_with(start)) return rank;
        rank++;
    }
    return rank;
}

Result<std::vector<std::string>> load_outgoing(sqlite::Connection& connection, std::string_view carrier) {
    std::vector<std::string> paths;
    TRY(connection.each(
        "SELECT path FROM sync_outgoing WHERE carrier = ?1 ORDER BY rank, path",
        [&](const sqlite::Statement& row) { paths.push_back(row.string(0)); }, carrier));
    return paths;
}

Result<void> add_outgoing(sqlite::Connection& connection, std::string_view carrier, std::string_view path) {
    return connection.run("INSERT OR IGNORE INTO sync_outgoing VALUES (?1, ?2, ?3)", carrier, send_rank(path), path);
}

Result<void> add_outgoing_everywhere(sqlite::Connection& connection, std::string_view path) {
    return connection.run("INSERT OR IGNORE INTO sync_outgoing SELECT name, ?1, ?2 FROM sync_carriers", send_rank(path),
                          path);
}

Result<void> remove_outgoing(sqlite::Connection& connection, std::string_view carrier, std::string_view path) {
    return connection.run("DELETE FROM sync_outgoing WHERE carrier = ?1 AND rank = ?2 AND path = ?3", carrier,
                          send_rank(path), path);
}

}  // namespace bae::sync
