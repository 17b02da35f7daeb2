#include <fmt/format.h>

#include <algorithm>

#include "node/blobs/availability.h"
#include "node/blobs/ledger.h"
#include "node/cli/commands.h"
#include "node/cli/holds.h"
#include "node/cli/rows.h"
#include "node/output/escape.h"
#include "node/output/table.h"
#include "node/runtime/node_state.h"

namespace bae::node {
namespace {

constexpr size_t kShownHolds = 20;
constexpr size_t kShownReleases = 20;

struct NotAvailable {
    UnavailableRelease release;
    std::string title;
    uint64_t files = 0;
};

struct Status {
    HomeRecord record;
    std::string bucket;
    sync::ReplicaStatus replica;
    std::vector<Waiting> waiting;
    std::vector<std::string> names;  // of replica.devices
    uint64_t blobs_pending = 0;
    LibraryAvailability availability;
    std::vector<NotAvailable> not_available;  // the first of them
    std::optional<NodeState> node;            // the daemon, if it runs
};

// How many files a release has, and how many of them are why it is not available: counted anew, because the library's
// count may have ended before.
Result<NotAvailable> not_available(sync::sqlite::Connection& connection, const UnavailableRelease& release) {
    NotAvailable one{.release = release, .title = TRY(label_of(connection, {"releases", release.id}))};
    uint64_t waiting = 0;
    TRY(connection.each(
        "SELECT EXISTS (SELECT 1 FROM blob_queue q WHERE q.owner_id = f.id) OR EXISTS (SELECT 1 FROM transfers t WHERE "
        "t.owner_id = f.id) FROM release_files f WHERE f.release_id = ?",
        [&](const sync::sqlite::Statement& row) { ++one.files, waiting += row.integer(0) != 0 ? 1 : 0; }, release.id));
    one.release.waiting = std::max(one.release.waiting, waiting);
    return one;
}

Result<void> add_availability(sync::sqlite::Connection& connection, Status& status) {
    const std::string self = TRY(device_name(connection, status.record.device));
    status.availability = TRY(availability_of_library(connection, status.bucket, self));
    for (const UnavailableRelease& release : status.availability.unavailable) {
        if (status.not_available.size() == kShownReleases) break;
        status.not_available.push_back(TRY(not_available(connection, release)));
    }
    return {};
}

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
    TRY(add_availability(*reader, status));
    status.node = TRY(read_node_state(TRY(session.paths())));
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

JsonObject json_of_releases(const Status& status) {
    std::vector<JsonObject> some;
    for (const NotAvailable& one : status.not_available)
        some.push_back(JsonObject()
                           .text("id", one.release.id)
                           .text("title", one.title)
                           .text("state", one.release.state)
                           .count("files", one.files)
                           .count("waiting", one.release.waiting));
    const LibraryAvailability& all = status.availability;
    return JsonObject()
        .count("total", all.releases)
        .count("available", all.releases - std::min(all.releases, all.unavailable.size()))
        .count("uploading", all.uploading)
        .count("missing", all.missing)
        .count("failed", all.failed)
        .boolean("more", all.more)
        .objects("unavailable", some);
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
    if (status.node)
        object.object("node", json_of(*status.node));
    else
        object.null("node");
    out.line(object.objects("devices", devices)
                 .count("pending", status.replica.pending)
                 .count("unsealed", status.replica.unsealed)
                 .count("blobs_pending", status.blobs_pending)
                 .object("releases", json_of_releases(status))
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

void print_releases(Output& out, const Status& status) {
    const LibraryAvailability& all = status.availability;
    if (status.not_available.empty()) return;
    out.line(fmt::format("{}{} of {} releases {} not available everywhere:", all.more ? "at least " : "",
                         all.unavailable.size(), all.releases, all.unavailable.size() == 1 ? "is" : "are"));
    Table table({{"release"}, {"state"}, {"files", Table::Align::right}});
    for (const NotAvailable& one : status.not_available)
        table.add({one.title, one.release.state, fmt::format("{} of {}", one.release.waiting, one.files)});
    out.print(table.text(out.width(), out.color()));
    if (all.unavailable.size() > status.not_available.size())
        out.line(fmt::format("and {} more", all.unavailable.size() - status.not_available.size()));
}

std::string headline(const Status& status) {
    const std::string state = state_of(status);
    if (state == "local" && status.replica.unsealed > 0)
        return fmt::format(
            "This library is on this device only, {} changes not even in its mirror yet: `bae bucket use URL`, then "
            "`bae sync`",
            status.replica.unsealed);
    if (state == "local") return "This library is on this device only: `bae bucket use URL`, then `bae sync`";
    if (state == "synced") return "Everything is sent.";
    const bool nothing = status.replica.pending == 0 && status.blobs_pending == 0;
    const std::string pending = nothing ? "Everything is sent"
                                        : fmt::format("{} changes and {} files and pictures are to be sent or fetched",
                                                      status.replica.pending, status.blobs_pending);
    if (state == "pending") return pending + (status.node ? "." : ": `bae sync`, or `bae node` all the time");
    const size_t troubles = status.waiting.size() + status.replica.alarms.size();
    return fmt::format("{}. {} {}:", pending, troubles,
                       troubles == 1 ? "thing needs attention" : "things need attention");
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
    if (status.node) {
        for (const std::string& line : lines_of(*status.node)) out.line(line);
    }
    print_devices(out, status);
    print_releases(out, status);
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
