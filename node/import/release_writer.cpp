#include "node/import/release_writer.h"

#include <map>

#include "node/import/descriptor.h"
#include "sync/uuid.h"

namespace bae::node {
namespace {

ByteView bytes_of(const std::string& path) { return as_bytes(path); }

// The id named most often; of several the least, so that the choice does not depend on the order of rows.
std::optional<std::string> most_common(const std::map<std::string, size_t>& counts, size_t at_least) {
    std::optional<std::string> best;
    size_t most = 0;
    for (const auto& [id, count] : counts) {
        if (count < at_least || count <= most) continue;
        best = id;
        most = count;
    }
    return best;
}

}  // namespace

Result<GroupOutcome> ReleaseWriter::write(const ReleaseGroup& group) {
    GroupOutcome outcome;
    Target target = TRY(find_release(group));
    if (target.is_new)
        TRY(add_release(group, target));
    else
        TRY(read_genres(target));
    for (const ImportFile& file : group.files) TRY(place_file(group, file, target, outcome));
    outcome.changed = outcome.files > 0 || outcome.updated > 0;
    if (outcome.changed && !target.is_new) TRY(update_content_hash(target.id));
    if (outcome.files > 0) TRY(add_picture(group, target.id));
    using What = ImportedRelease::What;
    const What what = target.is_new ? What::added : outcome.files > 0 ? What::joined : What::updated;
    outcome.release = {what, target.id, group.album_title, group.artist_credit, outcome.tracks + outcome.updated};
    return outcome;
}

Result<ReleaseWriter::Target> ReleaseWriter::find_release(const ReleaseGroup& group) {
    Target target;
    const crypto::Hash256 content = group.content_hash();
    std::optional<std::string> found = TRY(release_of_paths(group));
    if (!found)
        found =
            TRY(connection_.text("SELECT id FROM releases WHERE content_hash = ? ORDER BY id LIMIT 1", content.view()));
    if (!found) {
        found = TRY(connection_.text(
            "SELECT f.release_id FROM local_files l JOIN release_files f ON f.id = l.file_id WHERE l.group_key = ? "
            "ORDER BY f.release_id LIMIT 1",
            group.key));
    }
    if (!found) found = TRY(release_of_hashes(group));
    target.is_new = !found;
    target.id = found ? *found : sync::uuid_v5({"releases", content.text()});
    return target;
}

Result<void> ReleaseWriter::read_genres(Target& target) {
    return connection_.each(
        "SELECT t.name FROM release_tags r JOIN tags t ON t.id = r.tag_id WHERE r.release_id = ? ORDER BY t.id",
        [&](const auto& row) { target.genres.push_back(row.string(0)); }, target.id);
}

// Where files of this group were imported to before, if their tags changed since.
Result<std::optional<std::string>> ReleaseWriter::release_of_paths(const ReleaseGroup& group) {
    std::map<std::string, size_t> counts;
    for (const ImportFile& file : group.files) {
        const std::optional<Known> known = TRY(known_at(file.path));
        if (known) ++counts[known->release_id];
    }
    return most_common(counts, 1);
}

// A release that half of these files are in already: they were moved here together with new ones.
Result<std::optional<std::string>> ReleaseWriter::release_of_hashes(const ReleaseGroup& group) {
    std::map<std::string, size_t> counts;
    for (const ImportFile& file : group.files) {
        const auto id =
            TRY(connection_.text("SELECT release_id FROM release_files WHERE file_hash = ? ORDER BY release_id LIMIT 1",
                                 file.read.hash.view()));
        if (id) ++counts[*id];
    }
    return most_common(counts, (group.files.size() + 1) / 2);
}

Result<std::optional<ReleaseWriter::Known>> ReleaseWriter::known_at(const std::string& path) {
    auto* row =
        TRY(connection_.cached("SELECT l.file_id, f.release_id, l.file_hash, l.tag_marks FROM local_files l "
                               "JOIN release_files f ON f.id = l.file_id WHERE l.path = ?"));
    if (!TRY(row->with(bytes_of(path)).step())) return std::optional<Known>();
    Known known{row->string(0), row->string(1), TRY(crypto::Hash256::from(row->blob(2))), to_bytes(row->blob(3))};
    row->reset();
    return std::optional(std::move(known));
}

Result<void> ReleaseWriter::place_file(const ReleaseGroup& group, const ImportFile& file, Target& target,
                                       GroupOutcome& outcome) {
    if (const std::optional<Known> known = TRY(known_at(file.path))) {
        if (known->hash != file.read.hash) {
            TRY(update_file(group, file, *known));
            ++outcome.updated;
        }
        target.bound.insert(known->file_id);
        return remember(group, file, known->file_id);
    }
    const std::optional<std::string> same = target.is_new ? std::nullopt : TRY(same_content(group, file, target));
    if (!same) return add_file(group, file, target, outcome);
    target.bound.insert(*same);
    if (TRY(forget_moved(*same, file)))
        ++outcome.moved;
    else
        ++outcome.known;
    return remember(group, file, *same);
}

// A file of the release with these bytes that no other file of the folder is.
Result<std::optional<std::string>> ReleaseWriter::same_content(const ReleaseGroup& group, const ImportFile& file,
                                                               const Target& target) {
    std::vector<std::string> ids;
    TRY(connection_.each(
        "SELECT id FROM release_files WHERE file_hash = ? AND release_id = ? ORDER BY id",
        [&](const auto& row) { ids.push_back(row.string(0)); }, file.read.hash.view(), target.id));
    for (std::string& id : ids) {
        if (!target.bound.contains(id) && !TRY(lies_elsewhere(group, file, id))) return std::optional(std::move(id));
    }
    return std::optional<std::string>();
}

// Two equal files side by side are two tracks (silence between songs); an equal one in another folder is a copy of the
// same.
Result<bool> ReleaseWriter::lies_elsewhere(const ReleaseGroup& group, const ImportFile& file,
                                           const std::string& file_id) {
    bool elsewhere = false;
    TRY(connection_.each(
        "SELECT path FROM local_files WHERE file_id = ? AND group_key = ? AND path <> ?",
        [&](const auto& row) { elsewhere = elsewhere || !file_is_gone(row.string(0)); }, file_id, group.key,
        bytes_of(file.path)));
    return elsewhere;
}

// True if the file lay somewhere it no longer lies.
Result<bool> ReleaseWriter::forget_moved(const std::string& file_id, const ImportFile& file) {
    std::vector<std::string> gone;
    TRY(connection_.each(
        "SELECT path FROM local_files WHERE file_id = ? AND path <> ?",
        [&](const auto& row) {
            if (file_is_gone(row.string(0))) gone.push_back(row.string(0));
        },
        file_id, bytes_of(file.path)));
    for (const std::string& path : gone) TRY(connection_.run("DELETE FROM local_files WHERE path = ?", bytes_of(path)));
    return !gone.empty();
}

Result<void> ReleaseWriter::remember(const ReleaseGroup& group, const ImportFile& file, const std::string& file_id) {
    const FileIdentity& identity = file.read.identity;
    TRY(connection_.run(
        "INSERT INTO local_files (path, file_id, file_hash, size, mtime_ns, inode, state, group_key, tag_marks) "
        "VALUES (?, ?, ?, ?, ?, ?, 'present', ?, ?) ON CONFLICT (path) DO UPDATE SET file_id = excluded.file_id, "
        "file_hash = excluded.file_hash, size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode, "
        "state = 'present', group_key = excluded.group_key, tag_marks = excluded.tag_marks",
        bytes_of(file.path), file_id, file.read.hash.view(), identity.size, identity.mtime_ns, identity.inode,
        group.key, file.read.marks));
    return connection_.run(
        "INSERT INTO file_chunks (file_hash, chunk_hashes) VALUES (?, ?) ON CONFLICT (file_hash) DO NOTHING",
        file.read.hash.view(), file.read.chunk_hashes);
}

Result<void> ReleaseWriter::update_content_hash(const std::string& release_id) {
    std::vector<crypto::Hash256> hashes;
    TRY(connection_.each(
        "SELECT file_hash FROM release_files WHERE release_id = ?",
        [&](const auto& row) -> Result<void> {
            hashes.push_back(TRY(crypto::Hash256::from(row.blob(0))));
            return {};
        },
        release_id));
    const crypto::Hash256 content = content_hash_of(std::move(hashes));
    return connection_.run(
        "UPDATE releases SET content_hash = ?1, audio_hash = NULL, _updated_at = stamp() WHERE id = ?2 AND "
        "content_hash IS NOT ?1",
        content.view(), release_id);
}

}  // namespace bae::node
