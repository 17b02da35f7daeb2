// A file whose bytes changed since it was imported. Only the columns whose tags changed are written, so that what
// people edited in the library stays, unless they changed the same thing in the file as well.
#include "node/import/names.h"
#include "node/import/release_writer.h"
#include "sync/uuid.h"

namespace bae::node {
namespace {

// The names are constants of this program (tag_columns), never input.
Result<void> set_column(sync::sqlite::Connection& connection, const TagColumn& column, const TagValue& value,
                        const std::string& id) {
    const std::string sql = "UPDATE " + std::string(column.table) + " SET " + std::string(column.column) +
                            " = ?, _updated_at = stamp() WHERE id = ?";
    // what a row must have is kept when its tag is gone
    const bool required = column.column == "title" || column.column == "disc";
    if (std::holds_alternative<std::monostate>(value) && required) return {};
    if (std::holds_alternative<std::monostate>(value)) return connection.run(sql, nullptr, id);
    if (const auto* text = std::get_if<std::string>(&value)) return connection.run(sql, *text, id);
    if (const auto* number = std::get_if<int64_t>(&value)) return connection.run(sql, *number, id);
    return connection.run(sql, std::get<double>(value), id);
}

}  // namespace

Result<void> ReleaseWriter::update_file(const ReleaseGroup& group, const ImportFile& file, const ImportedFile& known) {
    const std::string track = sync::uuid_v5({"tracks", known.file_id, "1"});
    // a file that went to another release brought its tags along
    const auto release = TRY(connection_.text("SELECT release_id FROM release_files WHERE id = ?", known.file_id));
    const bool stayed = release == known.release_id;
    TRY(update_bytes(file, known.file_id));
    std::vector<TagColumn> of_album;
    bool artists = false;
    for (const size_t index : changed_columns(known.tag_marks, file.read.marks)) {
        const TagColumn& column = tag_columns()[index];
        const bool of_track = column.table == "tracks" || column.table.empty();
        if (column.column == "album_artists")
            artists = true;
        else if (column.table == "albums")
            of_album.push_back(column);
        else if (column.table.empty())
            TRY(update_rows(group, file.read.tags, column.column, track));
        else if (of_track || stayed)
            TRY(set_column(connection_, column, column.value(file.read.tags), of_track ? track : *release));
    }
    if (stayed && !of_album.empty()) TRY(update_album(group, of_album, file.read.tags, *release));
    if (stayed && artists) TRY(replace_album_artists(group, *release));
    return update_credit(track, file.read.tags, *release);
}

Result<void> ReleaseWriter::update_bytes(const ImportFile& file, const std::string& file_id) {
    const AudioProperties& audio = file.read.properties;
    TRY(connection_.run(
        "UPDATE release_files SET file_hash = ?, size = ?, audio_hash = NULL, _updated_at = stamp() WHERE id = ?",
        file.read.hash.view(), file.read.identity.size, file_id));
    // the stream begins elsewhere when tags grow; the rest is the same unless the music was replaced too
    return connection_.run(
        "UPDATE audio_formats SET audio_offset = ?, length_ms = ?, bitrate = ?, _updated_at = stamp() "
        "WHERE file_id = ?",
        audio.audio_offset, audio.length_ms, audio.bitrate, file_id);
}

// What a track that came from another release has there, and not here, from that release.
Result<void> ReleaseWriter::refile(const ImportFile& file, const std::string& file_id, const Target& target) {
    const std::string track = sync::uuid_v5({"tracks", file_id, "1"});
    TRY(add_track_tags(track, file.read.tags, target.genres));
    return update_credit(track, file.read.tags, target.id);
}

// A track's credit is NULL where it is the album's, so it must be written where the album's becomes another; one that
// differed stays what it is.
Result<void> ReleaseWriter::update_credit(const std::string& track, const FileTags& tags, const std::string& release) {
    if (!tags.artist_credit) return {};
    return connection_.run(
        "UPDATE tracks SET artist_credit = ?1, _updated_at = stamp() WHERE id = ?2 AND artist_credit IS NULL AND ?1 IS "
        "NOT (SELECT a.artist_credit FROM releases r JOIN albums a ON a.id = r.album_id WHERE r.id = ?3)",
        *tags.artist_credit, track, release);
}

Result<std::optional<std::string>> ReleaseWriter::album_of(const std::string& release) {
    return connection_.text("SELECT album_id FROM releases WHERE id = ?", release);
}

Result<bool> ReleaseWriter::is_alone(const std::string& album, const std::string& release) {
    const auto others =
        TRY(connection_.integer("SELECT count(*) FROM releases WHERE album_id = ? AND id <> ?", album, release));
    return others.value_or(0) == 0;
}

// An album of this release alone is changed; of several, this release goes to the album its tags now name.
Result<void> ReleaseWriter::update_album(const ReleaseGroup& group, const std::vector<TagColumn>& columns,
                                         const FileTags& tags, const std::string& release) {
    const auto album = TRY(album_of(release));
    if (!album) return {};
    if (!TRY(is_alone(*album, release))) {
        const std::string other = TRY(add_album(group));
        return connection_.run(
            "UPDATE releases SET album_id = ?1, _updated_at = stamp() WHERE id = ?2 AND album_id <> ?1", other,
            release);
    }
    for (const TagColumn& column : columns) {
        TagValue value = column.value(tags);
        if (column.column == "title") value = group.album_title;
        if (column.column == "artist_credit" && !group.artist_credit.empty()) value = group.artist_credit;
        TRY(set_column(connection_, column, value, *album));
    }
    return {};
}

Result<void> ReleaseWriter::replace_album_artists(const ReleaseGroup& group, const std::string& release) {
    const auto album = TRY(album_of(release));
    if (!album) return {};
    std::vector<std::string> before;
    if (TRY(is_alone(*album, release))) {
        TRY(connection_.each(
            "SELECT id FROM album_artists WHERE album_id = ?",
            [&](const auto& row) { before.push_back(row.string(0)); }, *album));
    }
    for (const Credit& credit : group.artists)
        std::erase(before, sync::uuid_v5({"album_artists", *album, TRY(add_artist(credit))}));
    for (const std::string& id : before) TRY(connection_.run("DELETE FROM album_artists WHERE id = ?", id));
    return add_album_artists(group, *album);
}

// Files that name the album artist joined those that name none: an album that stood there as anybody's is theirs.
Result<void> ReleaseWriter::credit_unnamed_album(const ReleaseGroup& group, const std::string& release) {
    if (!group.first<&FileTags::album_artist_credit>()) return {};
    const auto album = TRY(album_of(release));
    if (!album || !TRY(is_alone(*album, release))) return {};
    TRY(
        connection_.run("UPDATE albums SET artist_credit = ?1, is_compilation = ?2, _updated_at = stamp() WHERE id = "
                        "?3 AND (artist_credit IS NULL OR artist_credit = ?4) AND artist_credit IS NOT ?1",
                        group.artist_credit, group.compilation ? 1 : 0, *album, kVariousArtists));
    return connection_.changes() > 0 ? replace_album_artists(group, release) : Result<void>();
}

// New genres are added; old ones stay, because a person may have set the same tag.
Result<void> ReleaseWriter::update_rows(const ReleaseGroup& group, const FileTags& tags, std::string_view what,
                                        const std::string& track) {
    if (what == "genres") return add_track_tags(track, tags, group.common_genres());
    if (what == "artists") return replace_credit(track, tags.artists, "artist");
    TRY(replace_credit(track, tags.composers, "composer"));
    TRY(replace_credit(track, tags.conductors, "conductor"));
    TRY(replace_credit(track, tags.remixers, "remixer"));
    return replace_credit(track, tags.lyricists, "lyricist");
}

Result<void> ReleaseWriter::replace_credit(const std::string& track, const std::vector<Credit>& list,
                                           std::string_view role) {
    std::vector<std::string> before;
    TRY(connection_.each(
        "SELECT id FROM track_artists WHERE track_id = ? AND role = ?",
        [&](const auto& row) { before.push_back(row.string(0)); }, track, role));
    for (const Credit& credit : list) {
        std::erase(before, sync::uuid_v5({"track_artists", track, TRY(add_artist(credit)), role}));
    }
    for (const std::string& id : before) TRY(connection_.run("DELETE FROM track_artists WHERE id = ?", id));
    return add_credit(track, list, role);
}

}  // namespace bae::node
