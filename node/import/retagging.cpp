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

Result<void> ReleaseWriter::update_file(const ReleaseGroup& group, const ImportFile& file, const Known& known) {
    const AudioProperties& audio = file.read.properties;
    const std::string track = sync::uuid_v5({"tracks", known.file_id, "1"});
    TRY(connection_.run(
        "UPDATE release_files SET file_hash = ?, size = ?, audio_hash = NULL, _updated_at = stamp() WHERE id = ?",
        file.read.hash.view(), file.read.identity.size, known.file_id));
    // the stream begins elsewhere when tags grow; the rest is the same unless the music was replaced too
    TRY(
        connection_.run("UPDATE audio_formats SET audio_offset = ?, length_ms = ?, bitrate = ?, _updated_at = stamp() "
                        "WHERE file_id = ?",
                        audio.audio_offset, audio.length_ms, audio.bitrate, known.file_id));
    std::vector<TagColumn> of_album;
    for (const size_t index : changed_columns(known.marks, file.read.marks)) {
        const TagColumn& column = tag_columns()[index];
        if (column.table == "albums")
            of_album.push_back(column);
        else if (column.table.empty())
            TRY(update_rows(group, file.read.tags, column.column, track, known.release_id));
        else
            TRY(set_column(connection_, column, column.value(file.read.tags),
                           column.table == "tracks" ? track : known.release_id));
    }
    return of_album.empty() ? Result<void>() : update_album(group, of_album, file.read.tags, known.release_id);
}

// An album of this release alone is changed; of several, this release goes to the album its tags now name.
Result<void> ReleaseWriter::update_album(const ReleaseGroup& group, const std::vector<TagColumn>& columns,
                                         const FileTags& tags, const std::string& release) {
    const auto album = TRY(connection_.text("SELECT album_id FROM releases WHERE id = ?", release));
    if (!album) return {};
    const auto others =
        TRY(connection_.integer("SELECT count(*) FROM releases WHERE album_id = ? AND id <> ?", *album, release));
    if (others.value_or(0) > 0) {
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

// New genres are added; old ones stay, because a person may have set the same tag.
Result<void> ReleaseWriter::update_rows(const ReleaseGroup& group, const FileTags& tags, std::string_view what,
                                        const std::string& track, const std::string& release) {
    if (what == "genres") return add_track_tags(track, tags, group.common_genres());
    if (what == "artists") return replace_credit(track, tags.artists, "artist");
    if (what == "credits") {
        TRY(replace_credit(track, tags.composers, "composer"));
        TRY(replace_credit(track, tags.conductors, "conductor"));
        TRY(replace_credit(track, tags.remixers, "remixer"));
        return replace_credit(track, tags.lyricists, "lyricist");
    }
    const auto album = TRY(connection_.text("SELECT album_id FROM releases WHERE id = ?", release));
    return album ? add_album_artists(group, *album) : Result<void>();
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
