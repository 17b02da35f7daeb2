#pragma once
// Replication's own rows (sql/0002_replication.sql), one function per thing done with them. All run on a connection the
// caller leases from Database: replicate() for those that write.
#include <map>
#include <optional>

#include "sync/head.h"
#include "sync/membership.h"
#include "sync/sqlite/connection.h"

namespace bae::sync {

struct LibraryRow {
    crypto::LibraryId id;
    Bytes founding;
    Bytes certificate;
    uint64_t sealed_number = 0;
    crypto::Hash256 sealed_hash;
    uint64_t head_counter = 0;
};
Result<std::optional<LibraryRow>> load_library(sqlite::Connection& connection);
Result<void> store_library(sqlite::Connection& connection, const LibraryRow& row);

struct EntryRow {
    int64_t position = 0;
    crypto::Hash256 hash;
    crypto::DeviceId device;
    MembershipEntry entry;
};
Result<std::vector<EntryRow>> load_entries(sqlite::Connection& connection, int64_t after_position);
Result<void> store_entry(sqlite::Connection& connection, const crypto::Hash256& hash, const crypto::DeviceId& device,
                         const MembershipEntry& entry);

Result<std::optional<crypto::Hash256>> object_hash_at(sqlite::Connection& connection, const crypto::DeviceId& device,
                                                      uint64_t number);
// Never in place of another: what was applied stays what others' claims are compared with.
Result<void> store_object_hash(sqlite::Connection& connection, const StreamReference& object);
Result<void> forget_objects_after(sqlite::Connection& connection, const crypto::DeviceId& device, uint64_t number);
Result<uint64_t> last_object_number(sqlite::Connection& connection, const crypto::DeviceId& device);  // 0: none

// The device this home is about to become (new_device.h).
struct Becoming {
    crypto::DeviceId device;
    uint64_t common = 0;
};
Result<std::optional<Becoming>> load_becoming(sqlite::Connection& connection);
Result<void> store_becoming(sqlite::Connection& connection, const Becoming& becoming);
Result<void> remove_becoming(sqlite::Connection& connection);

struct UncheckedObject {
    crypto::DeviceId device;
    uint64_t number = 0;
};
Result<std::vector<UncheckedObject>> load_unchecked(sqlite::Connection& connection, int64_t written_before_ms,
                                                    int limit);
Result<void> store_unchecked(sqlite::Connection& connection, const UncheckedObject& object, int64_t written_ms);
Result<void> store_damaged(sqlite::Connection& connection, const UncheckedObject& object);  // for the next round
Result<void> remove_unchecked(sqlite::Connection& connection, const UncheckedObject& object);

struct SeenHead {
    crypto::Hash256 hash;
    Head head;
};
Result<std::map<crypto::DeviceId, SeenHead>> load_heads(sqlite::Connection& connection);
Result<void> store_head(sqlite::Connection& connection, const crypto::DeviceId& device, const SeenHead& seen);

struct CarrierRow {
    uint64_t head_counter = 0;
    uint64_t head_size = 0;
    int64_t head_put_ms = 0;
    std::optional<Head> head;  // the own head there
};
Result<std::optional<CarrierRow>> load_carrier(sqlite::Connection& connection, std::string_view name);
Result<void> store_carrier(sqlite::Connection& connection, std::string_view name, const CarrierRow& row);
Result<std::vector<std::string>> carrier_names(sqlite::Connection& connection);
Result<void> forget_carriers(sqlite::Connection& connection);  // the next contact compares everything

struct CarrierHead {
    std::string version;  // empty: put by this device, its version not seen yet
    int64_t fetched_ms = 0;
    bool confirmed = false;
};
Result<std::map<crypto::DeviceId, CarrierHead>> load_carrier_heads(sqlite::Connection& connection,
                                                                   std::string_view carrier);
Result<void> store_carrier_head(sqlite::Connection& connection, std::string_view carrier,
                                const crypto::DeviceId& device, const CarrierHead& head);
Result<void> forget_carrier_head(sqlite::Connection& connection, std::string_view carrier,
                                 const crypto::DeviceId& device);

// What is to be sent. The rank follows from the path: what others need to read the rest goes first.
Result<std::vector<std::string>> load_outgoing(sqlite::Connection& connection, std::string_view carrier);
Result<void> add_outgoing(sqlite::Connection& connection, std::string_view carrier, std::string_view path);
Result<void> add_outgoing_everywhere(sqlite::Connection& connection, std::string_view path);  // on every known carrier
Result<void> remove_outgoing(sqlite::Connection& connection, std::string_view carrier, std::string_view path);
int send_rank(std::string_view path);

}  // namespace bae::sync
