// Files whose tags name another album than when they were imported. A release keeps its id, with all that people said
// of it, for the larger part of its files; the smaller part becomes, or joins, another.
#include "node/import/release_writer.h"
#include "sync/uuid.h"

namespace bae::node {

using sync::uuid_v5;

// Those that the group has more files of than stay behind; files that were given this key before count for it.
Result<std::optional<std::string>> ReleaseWriter::kept_release(const ReleaseGroup& group, Earlier known) {
    TRY(connection_.each(
        "SELECT DISTINCT f.release_id, f.id FROM local_files l JOIN release_files f ON f.id = l.file_id WHERE "
        "l.group_key = ?",
        [&](const auto& row) {
            if (!known.files.contains(row.string(1))) ++known.releases[row.string(0)];
        },
        group.key));
    std::map<std::string, size_t> kept;
    for (const auto& [release, count] : known.releases) {
        if (count > TRY(left_behind(group, release, known.files)).size()) kept[release] = count;
    }
    return most_common(kept, 1);
}

// Files of the release, other than the given, that are here and still tagged as another album.
Result<std::vector<std::string>> ReleaseWriter::left_behind(const ReleaseGroup& group, const std::string& release,
                                                            const std::set<std::string>& files) {
    std::set<std::string> out;
    TRY(connection_.each(
        "SELECT l.file_id, l.group_key FROM release_files f JOIN local_files l ON l.file_id = f.id WHERE f.release_id "
        "= ? AND l.state <> 'missing'",
        [&](const auto& row) {
            if (!files.contains(row.string(0)) && !keys_agree(row.blob(1), group.key)) out.insert(row.string(0));
        },
        release));
    return std::vector(out.begin(), out.end());
}

// Makes room for the group in its release, and gathers what was tagged like it earlier.
Result<void> ReleaseWriter::regroup(const ReleaseGroup& group, const Earlier& known, Target& target) {
    if (target.is_new) return {};
    const std::vector<std::string> others = TRY(left_behind(group, target.id, known.files));
    if (known.releases.contains(target.id) && !others.empty()) TRY(split_off(target.id, others));
    std::vector<std::pair<std::string, std::string>> apart;
    TRY(connection_.each(
        "SELECT DISTINCT f.id, f.release_id FROM local_files l JOIN release_files f ON f.id = l.file_id WHERE "
        "l.group_key = ? AND f.release_id <> ?",
        [&](const auto& row) { apart.emplace_back(row.string(0), row.string(1)); }, group.key, target.id));
    for (const auto& [file, release] : apart) {
        TRY(move_file(file, target.id));
        target.left.insert(release);
    }
    return {};
}

Result<void> ReleaseWriter::split_off(const std::string& release, const std::vector<std::string>& files) {
    std::vector<crypto::Hash256> hashes;
    for (const std::string& file : files) {
        TRY(connection_.each(
            "SELECT file_hash FROM release_files WHERE id = ?",
            [&](const auto& row) -> Result<void> {
                hashes.push_back(TRY(crypto::Hash256::from(row.blob(0))));
                return {};
            },
            file));
    }
    const crypto::Hash256 content = content_hash_of(std::move(hashes));
    const std::string other = uuid_v5({"releases", content.text()});
    if (other == release) return {};
    TRY(copy_release(release, other, content));
    for (const std::string& file : files) TRY(move_file(file, other));
    return {};
}

Result<void> ReleaseWriter::copy_release(const std::string& from, const std::string& to,
                                         const crypto::Hash256& content) {
    TRY(connection_.run(
        "INSERT INTO releases (id, album_id, title, date, label, catalog_number, barcode, country, media, status, "
        "language, script, disc_count, mbid, album_gain, album_peak, content_hash, key_epoch, blob_scheme, public, "
        "added_ms, _updated_at) SELECT ?2, album_id, title, date, label, catalog_number, barcode, country, media, "
        "status, language, script, disc_count, mbid, album_gain, album_peak, ?3, key_epoch, blob_scheme, public, "
        "added_ms, stamp() FROM releases WHERE id = ?1 ON CONFLICT (id) DO NOTHING",
        from, to, content.view()));
    return copy_belongings(from, to);
}

Result<void> ReleaseWriter::copy_belongings(const std::string& from, const std::string& to) {
    std::vector<std::string> tags;
    std::vector<std::pair<std::string, std::string>> identities;
    std::vector<crypto::Hash256> pictures;
    TRY(connection_.each(
        "SELECT tag_id FROM release_tags WHERE release_id = ?", [&](const auto& row) { tags.push_back(row.string(0)); },
        from));
    TRY(connection_.each(
        "SELECT source, external_id FROM release_identities WHERE release_id = ?",
        [&](const auto& row) { identities.emplace_back(row.string(0), row.string(1)); }, from));
    TRY(connection_.each(
        "SELECT file_hash FROM library_images WHERE owner_id = ?",
        [&](const auto& row) -> Result<void> {
            pictures.push_back(TRY(crypto::Hash256::from(row.blob(0))));
            return {};
        },
        from));
    for (const std::string& tag : tags)
        TRY(
            connection_.run("INSERT INTO release_tags (id, release_id, tag_id, _updated_at) VALUES (?, ?, ?, stamp()) "
                            "ON CONFLICT (id) DO NOTHING",
                            uuid_v5({"release_tags", to, tag}), to, tag));
    for (const auto& [source, external] : identities) TRY(add_identity(to, source, external, std::nullopt));
    for (const crypto::Hash256& hash : pictures)
        TRY(
            connection_.run("INSERT INTO library_images (id, owner_kind, owner_id, kind, file_hash, size, mime, width, "
                            "height, key_epoch, blob_scheme, _updated_at) SELECT ?1, owner_kind, ?2, kind, file_hash, "
                            "size, mime, width, height, key_epoch, blob_scheme, stamp() FROM library_images WHERE "
                            "owner_id = ?3 AND file_hash = ?4 ON CONFLICT (id) DO NOTHING",
                            uuid_v5({"library_images", to, hash.text()}), to, from, hash.view()));
    return {};
}

Result<void> ReleaseWriter::move_file(const std::string& file, const std::string& release) {
    TRY(connection_.run("UPDATE release_files SET release_id = ?, _updated_at = stamp() WHERE id = ?", release, file));
    return connection_.run("UPDATE tracks SET release_id = ?, _updated_at = stamp() WHERE file_id = ?", release, file);
}

// A release that all files left goes, and so does its album if it was the only one.
Result<void> ReleaseWriter::tidy_release(const std::string& release) {
    const auto album = TRY(album_of(release));
    const auto files = TRY(connection_.integer(
        "SELECT (SELECT count(*) FROM release_files WHERE release_id = ?1) + (SELECT count(*) FROM tracks WHERE "
        "release_id = ?1)",
        release));
    if (files.value_or(0) > 0) return update_content_hash(release);
    TRY(connection_.run("DELETE FROM releases WHERE id = ?", release));
    if (!album) return {};
    return connection_.run(
        "DELETE FROM albums WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM releases WHERE album_id = ?1)", *album);
}

}  // namespace bae::node
