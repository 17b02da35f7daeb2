#include "node/blobs/availability.h"

#include <fmt/format.h>

#include <algorithm>

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

Result<std::string> absence_of(sync::sqlite::Connection& connection, const crypto::DeviceId& self,
                               std::string_view author_stamp) {
    const Result<sync::Stamp> stamp = sync::Stamp::parse(author_stamp);
    if (!stamp || stamp->device == self) return std::string("missing");
    const auto name =
        TRY(connection.text("SELECT name FROM devices WHERE device_id = ? ORDER BY id LIMIT 1", stamp->device.text()));
    return "uploading on " + name.value_or(stamp->device.text());
}

}  // namespace bae::node
