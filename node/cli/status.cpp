#include <fmt/format.h>

#include <algorithm>

#include "node/blobs/ledger.h"
#include "node/cli/commands.h"
#include "node/cli/holds.h"
#include "node/cli/rows.h"
#include "node/output/escape.h"
#include "node/output/table.h"

namespace bae::node {
namespace {

constexpr size_t kShownHolds = 20;

struct Status {
    HomeRecord record;
    std::string bucket;
    sync::ReplicaStatus replica;
    std::vector<Waiting> waiting;
    std::vector<std::string> names;  // of replica.devices
    uint64_t blobs_pending = 0;
};

Result<Status> status_of(Session& session) {
    Status status{.record = TRY(session.record()),
                  .bucket = TRY(session.carrier_url()),
                  .replica = TRY(TRY(session.replica())->status())};
    sync::Database* database = TRY(session.database());
    const auto reader = TRY(database->read());
    for (const sync::Hold& hold : status.replica.holds) status.waiting.push_back(waiting_of(hold));
    for (const std::vector<Waiting>& more : {TRY(waiting_blobs(*reader)), TRY(waiting_rows(*database))}) {
        status.waiting.insert(status.waiting.end(), more.begin(), more.end());
    }
    for (const sync::DeviceState& device : status.replica.devices)
        status.names.push_back(TRY(device_name(*reader, device.id)));
    status.blobs_pending = TRY(BlobLedger::queued(*reader));
    return status;
}

std::string state_of(const Status& status) {
    if (!status.replica.alarms.empty()) return "alarm";
    if (!status.waiting.empty()) return "waiting";
    if (status.bucket.empty()) return "local";
    return status.replica.pending > 0 || status.blobs_pending > 0 ? "pending" : "synced";
}

JsonObject json_of_device(const sync::DeviceState& device, const std::string& name) {
    return JsonObject()
        .text("id", device.id.text())
        .text("name", name)
        .boolean("self", device.self)
        .boolean("keeper", device.keeper)
        .count("applied", device.applied)
        .count("published", device.published)
        .integer("last_heard_ms", device.last_heard_ms)
        .text("program", device.program_version)
        .boolean("same_state", device.same_state);
}

void print_json(Output& out, const Status& status) {
    std::vector<JsonObject> devices, holds, alarms;
    for (size_t i = 0; i < status.names.size(); ++i)
        devices.push_back(json_of_device(status.replica.devices[i], status.names[i]));
    for (const Waiting& waiting : status.waiting) holds.push_back(json_of(waiting));
    for (const sync::Alarm& alarm : status.replica.alarms) alarms.push_back(json_of(alarm));
    JsonObject object;
    object.text("state", state_of(status))
        .text("library_id", status.record.library.text())
        .text("device_id", status.record.device.text());
    if (status.bucket.empty())
        object.null("bucket");
    else
        object.text("bucket", status.bucket);
    out.line(object.objects("devices", devices)
                 .count("pending", status.replica.pending)
                 .count("unsealed", status.replica.unsealed)
                 .count("blobs_pending", status.blobs_pending)
                 .objects("holds", holds)
                 .objects("alarms", alarms));
}

void print_devices(Output& out, const Status& status) {
    using enum Table::Align;
    Table table({{"device"}, {"id"}, {"last heard"}, {"applied", right}, {"published", right}, {"state"}});
    for (size_t i = 0; i < status.names.size(); ++i) {
        const sync::DeviceState& device = status.replica.devices[i];
        const std::string heard = device.last_heard_ms > 0 ? date_text(device.last_heard_ms) : "never";
        const std::string state = device.self ? "this device" : device.same_state ? "the same" : "";
        table.add({status.names[i], device.id.text(), device.self ? "" : heard, std::to_string(device.applied),
                   std::to_string(device.published), state});
    }
    out.print(table.text(out.width(), out.color()));
}

std::string headline(const Status& status) {
    const std::string state = state_of(status);
    if (state == "local" && status.replica.unsealed > 0)
        return fmt::format(
            "This library is on this device only, {} changes not even in its mirror yet: `bae bucket use "
            "file:///path`, then `bae sync`",
            status.replica.unsealed);
    if (state == "local") return "This library is on this device only: `bae bucket use file:///path`, then `bae sync`";
    if (state == "synced") return "Everything is sent.";
    if (state == "pending")
        return fmt::format("{} changes and {} files and pictures are to be sent or fetched: `bae sync`",
                           status.replica.pending, status.blobs_pending);
    return fmt::format("{} changes are to be sent. {} {}", status.replica.pending,
                       status.waiting.size() + status.replica.alarms.size(), "things need attention:");
}

void print_people(Output& out, const Status& status) {
    out.line(fmt::format("library {}{}", status.record.library.text().substr(0, 16),
                         status.bucket.empty() ? "" : " through " + shown(status.bucket)));
    out.line(headline(status));
    for (const sync::Alarm& alarm : status.replica.alarms)
        out.line(fmt::format("  ALARM  {}: {}", shown(alarm.subject), shown(alarm.message)));
    for (size_t i = 0; i < std::min(status.waiting.size(), kShownHolds); ++i)
        out.line("  waits  " + text_of(status.waiting[i]));
    if (status.waiting.size() > kShownHolds)
        out.line(fmt::format("  and {} more, see --json", status.waiting.size() - kShownHolds));
    print_devices(out, status);
}

}  // namespace

Result<ExitCode> run(Session& session, const StatusCommand& command) {
    const Status status = TRY(status_of(session));
    if (session.out().json())
        print_json(session.out(), status);
    else
        print_people(session.out(), status);
    if (!command.seen) return ExitCode::done;
    for (const sync::Alarm& alarm : status.replica.alarms)
        TRY(TRY(session.replica())->acknowledge(alarm.subject, alarm.reason));
    return ExitCode::done;
}

}  // namespace bae::node
