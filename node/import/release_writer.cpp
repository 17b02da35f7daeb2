#include "node/import/release_writer.h"

#include "node/import/descriptor.h"
#include "sync/uuid.h"

namespace bae::node {
namespace {

ByteView bytes_of(const std::string& path) { return as_bytes(path); }

}  // namespace

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

Result<GroupOutcome> ReleaseWriter::write(const ReleaseGroup& group) {
    GroupOutcome outcome;
    Target target = TRY(find_release(group));
    if (target.is_new)
        TRY(add_release(group, target));
    else
        TRY(read_genres(target));
    for (const ImportFile& file : group.files) TRY(place_file(group, file, target, outcome));
    for (const std::string& left : target.left) TRY(tidy_release(left));
    outcome.changed = outcome.files > 0 || outcome.updated > 0 || outcome.tracks > 0;
    if (outcome.changed && !target.is_new) TRY(update_content_hash(target.id));
    if (outcome.files > 0 && !target.is_new) TRY(credit_unnamed_album(group, target.id));
    if (outcome.changed) TRY(add_picture(group, target.id));
    using What = ImportedRelease::What;
    const What what = target.is_new ? What::added : outcome.files > 0 ? What::joined : What::updated;
    outcome.release = {what, target.id, group.album_title, group.artist_credit, outcome.tracks + outcome.updated};
    return outcome;
}

Result<ReleaseWriter::Target> ReleaseWriter::find_release(const ReleaseGroup& group) {
    Target target;
    const crypto::Hash256 content = group.content_hash();
    const Earlier known = TRY(earlier(group));
    std::optional<std::string> found =
        known.regrouped ? TRY(kept_release(group, known)) : most_common(known.releases, 1);
    if (!found)
        found =
            TRY(connection_.text("SELECT id FROM releases WHERE content_hash = ? ORDER BY id LIMIT 1", content.view()));
    if (!found) found = TRY(release_of_key(group));
    if (!found) found = TRY(release_of_hashes(group));
    target.is_new = !found;
    target.id = found ? *found : sync::uuid_v5({"releases", content.text()});
    if (known.regrouped) TRY(regroup(group, known, target));
    return target;
}

Result<void> ReleaseWriter::read_genres(Target& target) {
    return connection_.each(
        "SELECT t.name FROM release_tags r JOIN tags t ON t.id = r.tag_id WHERE r.release_id = ? ORDER BY t.id",
        [&](const auto& row) { target.genres.push_back(row.string(0)); }, target.id);
}

// A copy stands for the source that it was made of, also where a retagged source got a copy of another name.
Result<std::optional<ImportedFile>> ReleaseWriter::known_file(const ImportFile& file) {
    std::optional<ImportedFile> known = TRY(imported_at(connection_, file.path));
    if (!known && (options_.copy_to || options_.dry_run)) known = TRY(imported_from(connection_, file.source));
    return known;
}

Result<ReleaseWriter::Earlier> ReleaseWriter::earlier(const ReleaseGroup& group) {
    Earlier out;
    for (const ImportFile& file : group.files) {
        const std::optional<ImportedFile> known = TRY(known_file(file));
        if (!known || !out.files.insert(known->file_id).second) continue;
        ++out.releases[known->release_id];
        out.regrouped = out.regrouped || !keys_agree(known->group_key, group.key);
    }
    return out;
}

// The release of files with the same key; else, where one side names no album artist, the only release of that album in
// the folder, unless it is another artist's.
Result<std::optional<std::string>> ReleaseWriter::release_of_key(const ReleaseGroup& group) {
    std::set<std::string> same, of_title;
    bool agree = true;
    const Bytes first = to_bytes(without_artist(group.key));
    Bytes last = first;
    last.resize(first.size() + 9, std::byte{0xff});
    TRY(connection_.each(
        "SELECT DISTINCT f.release_id, l.group_key FROM local_files l JOIN release_files f ON f.id = l.file_id WHERE "
        "l.group_key >= ? AND l.group_key < ?",
        [&](const auto& row) {
            if (equal(row.blob(1), group.key)) same.insert(row.string(0));
            of_title.insert(row.string(0));
            agree = agree && keys_agree(row.blob(1), group.key);
        },
        first, last));
    if (!same.empty()) return std::optional(*same.begin());
    return of_title.size() == 1 && agree ? std::optional(*of_title.begin()) : std::nullopt;
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

Result<void> ReleaseWriter::place_file(const ReleaseGroup& group, const ImportFile& file, Target& target,
                                       GroupOutcome& outcome) {
    if (const std::optional<ImportedFile> known = TRY(known_file(file))) {
        target.bound.insert(known->file_id);
        TRY(update_known(group, file, *known, target, outcome));
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

Result<void> ReleaseWriter::update_known(const ReleaseGroup& group, const ImportFile& file, const ImportedFile& known,
                                         Target& target, GroupOutcome& outcome) {
    const bool elsewhere = known.release_id != target.id && !keys_agree(known.group_key, group.key);
    if (elsewhere) {
        target.left.insert(known.release_id);
        TRY(move_file(known.file_id, target.id));
    }
    if (known.hash != file.read.hash) {
        TRY(update_file(group, file, known));
        ++outcome.updated;
    }
    if (elsewhere) TRY(refile(file, known.file_id, target));
    if (options_.again && !TRY(connection_.integer("SELECT 1 FROM tracks WHERE file_id = ? LIMIT 1", known.file_id))) {
        TRY(add_track(group, file, target, known.file_id));
        ++outcome.tracks;
    }
    if (known.path == file.path || known.path == file.source) return {};
    outcome.superseded.push_back(known.path);
    return connection_.run("DELETE FROM local_files WHERE path = ?", bytes_of(known.path));
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
        "INSERT INTO local_files (path, file_id, file_hash, size, mtime_ns, inode, state, group_key, tag_marks, "
        "audio_mark) VALUES (?, ?, ?, ?, ?, ?, 'present', ?, ?, ?) ON CONFLICT (path) DO UPDATE SET file_id = "
        "excluded.file_id, "
        "file_hash = excluded.file_hash, size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode, "
        "state = 'present', group_key = excluded.group_key, tag_marks = excluded.tag_marks, "
        "audio_mark = excluded.audio_mark",
        bytes_of(file.path), file_id, file.read.hash.view(), identity.size, identity.mtime_ns, identity.inode,
        group.key, file.read.marks, file.read.audio_mark));
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
