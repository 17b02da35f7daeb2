// The INSERTs of an import. A row that is there already stays as it is: somebody may have edited it.
#include "node/import/names.h"
#include "node/import/release_writer.h"
#include "sync/uuid.h"

namespace bae::node {
namespace {

using sync::uuid_v5;

// Zero of a parser means "unknown".
std::optional<int64_t> known_number(int64_t value) { return value > 0 ? std::optional(value) : std::nullopt; }

std::optional<std::string> text_or_null(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

std::string artist_id(const Credit& credit) {
    return credit.mbid.empty() ? uuid_v5({"artists", "name", normalised(credit.name)})
                               : uuid_v5({"artists", "musicbrainz", credit.mbid});
}

// Albums that only their folders name are not the same album because the folders are called alike.
std::string album_id(const ReleaseGroup& group) {
    if (const auto mbid = group.first<&FileTags::release_group_mbid>())
        return uuid_v5({"albums", "musicbrainz", *mbid});
    if (group.titled_by_folder) return uuid_v5({"albums", "content", group.content_hash().text()});
    return uuid_v5({"albums", "name", normalised(group.artist_credit), normalised(group.album_title)});
}

}  // namespace

Result<void> ReleaseWriter::add_release(const ReleaseGroup& group, Target& target) {
    const std::string album = TRY(add_album(group));
    TRY(connection_.run(
        "INSERT INTO releases (id, album_id, date, label, catalog_number, barcode, country, media, status, language, "
        "script, disc_count, mbid, "
        "album_gain, album_peak, content_hash, key_epoch, added_ms, _updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
        target.id, album, group.first<&FileTags::date>(), group.first<&FileTags::label>(),
        group.first<&FileTags::catalog_number>(), group.first<&FileTags::barcode>(), group.first<&FileTags::country>(),
        group.first<&FileTags::media>(), group.first<&FileTags::status>(), group.first<&FileTags::language>(),
        group.first<&FileTags::script>(), group.first<&FileTags::disc_count>(), group.first<&FileTags::release_mbid>(),
        group.first<&FileTags::album_gain>(), group.first<&FileTags::album_peak>(), group.content_hash().view(),
        options_.key_epoch, now_ms_));
    TRY(add_identity(target.id, "musicbrainz", group.first<&FileTags::release_mbid>(),
                     group.first<&FileTags::release_group_mbid>()));
    TRY(add_identity(target.id, "discogs", group.first<&FileTags::discogs_release>(), std::nullopt));
    TRY(add_identity(target.id, "amazon", group.first<&FileTags::asin>(), std::nullopt));
    target.genres = group.common_genres();
    for (const std::string& genre : target.genres) {
        const std::string tag = TRY(add_tag(genre));
        TRY(
            connection_.run("INSERT INTO release_tags (id, release_id, tag_id, _updated_at) VALUES (?, ?, ?, stamp()) "
                            "ON CONFLICT (id) DO NOTHING",
                            uuid_v5({"release_tags", target.id, tag}), target.id, tag));
    }
    return {};
}

Result<std::string> ReleaseWriter::add_album(const ReleaseGroup& group) {
    std::string id = album_id(group);
    TRY(
        connection_.run("INSERT INTO albums (id, title, sort_title, artist_credit, release_type, original_date, "
                        "is_compilation, mbid, _updated_at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
                        id, group.album_title, group.first<&FileTags::album_sort>(), text_or_null(group.artist_credit),
                        group.first<&FileTags::release_type>(), group.first<&FileTags::original_date>(),
                        group.compilation ? 1 : 0, group.first<&FileTags::release_group_mbid>()));
    TRY(add_album_artists(group, id));
    return id;
}

Result<void> ReleaseWriter::add_album_artists(const ReleaseGroup& group, const std::string& album) {
    int position = 0;
    for (const Credit& credit : group.artists) {
        const std::string artist = TRY(add_artist(credit));
        TRY(
            connection_.run("INSERT INTO album_artists (id, album_id, artist_id, position, _updated_at) VALUES (?, ?, "
                            "?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
                            uuid_v5({"album_artists", album, artist}), album, artist, position++));
    }
    return {};
}

Result<std::string> ReleaseWriter::add_artist(const Credit& credit) {
    std::string id = artist_id(credit);
    if (!added_.insert(id).second) return id;
    TRY(
        connection_.run("INSERT INTO artists (id, name, sort_name, mbid, _updated_at) VALUES (?, ?, ?, ?, stamp()) ON "
                        "CONFLICT (id) DO NOTHING",
                        id, credit.name, text_or_null(credit.sort_name == credit.name ? "" : credit.sort_name),
                        text_or_null(credit.mbid)));
    return id;
}

Result<std::string> ReleaseWriter::add_tag(const std::string& name) {
    std::string id = uuid_v5({"tags", normalised(name)});
    if (!added_.insert(id).second) return id;
    TRY(connection_.run("INSERT INTO tags (id, name, _updated_at) VALUES (?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
                        id, name));
    return id;
}

Result<void> ReleaseWriter::add_identity(const std::string& release, std::string_view source,
                                         const std::optional<std::string>& external,
                                         const std::optional<std::string>& group_id) {
    if (!external) return {};
    return connection_.run(
        "INSERT INTO release_identities (id, release_id, source, external_id, group_id, _updated_at) VALUES (?, ?, ?, "
        "?, ?, stamp()) "
        "ON CONFLICT (id) DO NOTHING",
        uuid_v5({"release_identities", release, source, *external}), release, source, *external, group_id);
}

Result<void> ReleaseWriter::add_picture(const ReleaseGroup& group, const std::string& release) {
    if (!group.picture) return {};
    const StoredPicture& picture = *group.picture;
    // one cover per release: a track that joins later does not bring another
    if (TRY(connection_.integer("SELECT 1 FROM library_images WHERE owner_id = ? LIMIT 1", release))) return {};
    return connection_.run(
        "INSERT INTO library_images (id, owner_kind, owner_id, kind, file_hash, size, mime, width, height, key_epoch, "
        "_updated_at) "
        "VALUES (?, 'release', ?, 'front', ?, ?, ?, ?, ?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
        uuid_v5({"library_images", release, picture.hash.text()}), release, picture.hash.view(), picture.size,
        picture.format.mime, known_number(picture.format.width), known_number(picture.format.height),
        options_.key_epoch);
}

Result<void> ReleaseWriter::add_file(const ReleaseGroup& group, const ImportFile& file, Target& target,
                                     GroupOutcome& outcome) {
    const std::string id = TRY(new_file_id(file, target));
    target.bound.insert(id);
    TRY(connection_.run(
        "INSERT INTO release_files (id, release_id, name, file_hash, size, _updated_at) VALUES (?, ?, ?, ?, ?, "
        "stamp()) ON CONFLICT (id) DO NOTHING",
        id, target.id, clean_text(file_name(file.source)), file.read.hash.view(), file.read.identity.size));
    TRY(add_format(file, id));
    TRY(add_track(group, file, target, id));
    ++outcome.files;
    ++outcome.tracks;
    return remember(group, file, id);
}

// Of equal files in one release each has a number of its own.
Result<std::string> ReleaseWriter::new_file_id(const ImportFile& file, const Target& target) {
    for (int copy = 0;; ++copy) {
        std::string id = uuid_v5({"release_files", target.id, file.read.hash.text(), std::to_string(copy)});
        if (target.bound.contains(id)) continue;
        if (target.is_new || !TRY(connection_.integer("SELECT 1 FROM release_files WHERE id = ?", id))) return id;
    }
}

Result<void> ReleaseWriter::add_format(const ImportFile& file, const std::string& file_id) {
    const AudioProperties& audio = file.read.properties;
    const std::optional<ByteView> seek_table =
        audio.seek_table.empty() ? std::nullopt : std::optional<ByteView>(audio.seek_table);
    return connection_.run(
        "INSERT INTO audio_formats (id, file_id, codec, container, sample_rate, bits_per_sample, channels, bitrate, "
        "length_ms, audio_offset, "
        "seek_table, _updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, stamp()) ON CONFLICT (id) DO NOTHING",
        uuid_v5({"audio_formats", file_id}), file_id, audio.codec, audio.container, known_number(audio.sample_rate),
        known_number(audio.bits_per_sample), known_number(audio.channels), known_number(audio.bitrate),
        known_number(audio.length_ms), audio.audio_offset, seek_table);
}

Result<void> ReleaseWriter::add_track(const ReleaseGroup& group, const ImportFile& file, const Target& target,
                                      const std::string& file_id) {
    const FileTags& tags = file.read.tags;
    const std::string id = uuid_v5({"tracks", file_id, "1"});
    const std::optional<std::string> credit =
        tags.artist_credit == group.artist_credit ? std::nullopt : tags.artist_credit;
    TRY(
        connection_.run("INSERT INTO tracks (id, release_id, title, sort_title, artist_credit, disc, disc_title, "
                        "number, length_ms, file_id, recording_mbid, "
                        "track_mbid, isrc, track_gain, track_peak, _updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                        "?, ?, ?, ?, ?, stamp()) "
                        "ON CONFLICT (id) DO NOTHING",
                        id, target.id, file.title(), tags.title_sort, credit, file.disc(), tags.disc_title,
                        file.number(), known_number(file.read.properties.length_ms), file_id, tags.recording_mbid,
                        tags.track_mbid, tags.isrc, tags.track_gain, tags.track_peak));
    TRY(add_credits(id, tags));
    return add_track_tags(id, tags, target.genres);
}

Result<void> ReleaseWriter::add_credits(const std::string& track, const FileTags& tags) {
    TRY(add_credit(track, tags.artists, "artist"));
    TRY(add_credit(track, tags.composers, "composer"));
    TRY(add_credit(track, tags.conductors, "conductor"));
    TRY(add_credit(track, tags.remixers, "remixer"));
    return add_credit(track, tags.lyricists, "lyricist");
}

Result<void> ReleaseWriter::add_credit(const std::string& track, const std::vector<Credit>& list,
                                       std::string_view role) {
    int position = 0;
    for (const Credit& credit : list) {
        const std::string artist = TRY(add_artist(credit));
        TRY(
            connection_.run("INSERT INTO track_artists (id, track_id, artist_id, role, position, _updated_at) VALUES "
                            "(?, ?, ?, ?, ?, stamp()) "
                            "ON CONFLICT (id) DO NOTHING",
                            uuid_v5({"track_artists", track, artist, role}), track, artist, role, position++));
    }
    return {};
}

Result<void> ReleaseWriter::add_track_tags(const std::string& track, const FileTags& tags,
                                           const std::vector<std::string>& of_release) {
    for (const std::string& genre : tags.genres) {
        const std::string tag = TRY(add_tag(genre));
        bool on_release = false;
        for (const std::string& other : of_release) on_release = on_release || normalised(other) == normalised(genre);
        if (on_release) continue;
        TRY(
            connection_.run("INSERT INTO track_tags (id, track_id, tag_id, _updated_at) VALUES (?, ?, ?, stamp()) ON "
                            "CONFLICT (id) DO NOTHING",
                            uuid_v5({"track_tags", track, tag}), track, tag));
    }
    return {};
}

}  // namespace bae::node
