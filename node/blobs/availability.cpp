#include "node/blobs/availability.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

namespace bae::node {

std::string ReleaseAvailability::text() const {
    if (files == 0) return "no files";
    if (here == files) return "available";
    std::string out = here > 0 ? fmt::format("{} of {} here", here, files) : "";
    if (elsewhere > 0) out += fmt::format("{}{} to fetch with `bae get`", out.empty() ? "" : ", ", elsewhere);
    for (const std::string& reason : waiting) out += (out.empty() ? "" : ", ") + reason;
    return out;
}

Result<ReleaseAvailability> availability_of(sync::sqlite::Connection& connection, const std::string& release_id) {
    ReleaseAvailability found;
    TRY(connection.each(
        "SELECT EXISTS (SELECT 1 FROM local_files l WHERE l.file_id = f.id AND l.state = 'present' AND l.file_hash = "
        "f.file_hash), "
        "(SELECT t.reason FROM transfers t WHERE t.owner_id = f.id AND t.direction = 'down' AND t.state = 'waiting' "
        "LIMIT 1) "
        "FROM release_files f WHERE f.release_id = ?",
        [&](const sync::sqlite::Statement& row) {
            ++found.files;
            if (row.integer(0) != 0)
                ++found.here;
            else if (row.is_null(1))
                ++found.elsewhere;
            else if (std::find(found.waiting.begin(), found.waiting.end(), row.text(1)) == found.waiting.end())
                found.waiting.push_back(row.string(1));
        },
        release_id));
    return found;
}

namespace {

constexpr int kMostFiles = 1000;

// Files that are not to be had now: the release, and a state or NULL for "queued here". Of a file that cannot be sent
// any more nobody has the bytes, unless they lie on the carrier (?1) already.
constexpr const char* kUnavailableFiles =
    "SELECT f.release_id, t.reason FROM transfers t JOIN release_files f ON f.id = t.owner_id "
    "WHERE t.state = 'waiting' AND t.direction = 'down' "
    "UNION ALL "
    "SELECT f.release_id, 'missing' FROM transfers t JOIN release_files f ON f.id = t.owner_id "
    "WHERE t.state = 'failed' AND NOT EXISTS (SELECT 1 FROM carried_blobs b WHERE b.carrier = ?1 AND b.owner_id = f.id "
    "AND b.file_hash = f.file_hash) "
    "UNION ALL "
    "SELECT f.release_id, CASE WHEN q.kind = 'gone file' THEN 'missing' END FROM blob_queue q JOIN release_files f ON "
    "f.id = q.owner_id WHERE ?1 <> '' AND q.kind IN ('file', 'gone file') AND NOT EXISTS (SELECT 1 FROM carried_blobs "
    "b "
    "WHERE b.carrier = ?1 AND b.owner_id = f.id AND b.file_hash = f.file_hash) "
    "LIMIT ?2";

enum class Trouble { uploading, failed, missing };  // of several in one release the last counts

Trouble trouble_of(std::string_view state) {
    if (state == "missing") return Trouble::missing;
    return state.starts_with("uploading on ") ? Trouble::uploading : Trouble::failed;
}

void add(UnavailableRelease& release, std::string state) {
    ++release.waiting;
    if (release.state.empty() || trouble_of(state) > trouble_of(release.state)) release.state = std::move(state);
}

}  // namespace

Result<LibraryAvailability> availability_of_library(sync::sqlite::Connection& connection,
                                                    const std::string& carrier_url, const std::string& self) {
    LibraryAvailability all;
    all.releases = static_cast<uint64_t>(TRY(connection.integer("SELECT count(*) FROM releases")).value_or(0));
    std::map<std::string, UnavailableRelease> found;
    int files = 0;
    TRY(connection.each(
        kUnavailableFiles,
        [&](const sync::sqlite::Statement& row) {
            all.more = ++files > kMostFiles;
            if (!all.more) add(found[row.string(0)], row.is_null(1) ? "uploading on " + self : row.string(1));
        },
        carrier_url, kMostFiles + 1));
    for (auto& [id, release] : found) {
        const Trouble trouble = trouble_of(release.state);
        ++(trouble == Trouble::uploading ? all.uploading : trouble == Trouble::missing ? all.missing : all.failed);
        release.id = id;
        all.unavailable.push_back(std::move(release));
    }
    std::ranges::stable_sort(all.unavailable, std::greater(),
                             [](const UnavailableRelease& release) { return trouble_of(release.state); });
    return all;
}

Result<std::string> absence_of(sync::sqlite::Connection& connection, const crypto::DeviceId& self,
                               std::string_view author_stamp) {
    const Result<sync::Stamp> stamp = sync::Stamp::parse(author_stamp);
    if (!stamp || stamp->device == self) return std::string("missing");
    const auto name =
        TRY(connection.text("SELECT name FROM devices WHERE device_id = ? ORDER BY id LIMIT 1", stamp->device.text()));
    return "uploading on " + name.value_or(stamp->device.text());
}

}  // namespace bae::node
