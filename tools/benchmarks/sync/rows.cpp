#include "rows.h"

#include <fmt/core.h>

#include <random>

namespace bae::benchmarks {

namespace {

constexpr const char* kWords[] = {"night",  "river",  "stone",  "blue",  "winter", "song",   "of",
                                  "the",    "last",   "garden", "light", "road",   "fire",   "dream",
                                  "silver", "shadow", "north",  "wind",  "old",    "harbour"};

class Maker {
  public:
    explicit Maker(uint64_t seed) : random_(seed) {}

    ReleaseRow release() {
        ReleaseRow r{uuid(), uuid(), words(), words(), "", uuid(), "", hash(), {}};
        r.date = fmt::format("{}-{:02}-{:02}", 1960 + random_() % 60, 1 + random_() % 12, 1 + random_() % 28);
        r.catalog_number = fmt::format("CAT {}", random_() % 100000);
        for (int64_t number = 1; number <= 12; number++) r.tracks.push_back(track(number));
        return r;
    }

  private:
    TrackRow track(int64_t number) {
        TrackRow t{uuid(), uuid(), words(), "", uuid(), hash(), 0, 0, number, 0, 0};
        t.name = fmt::format("{:02} {}.flac", number, t.title);
        t.size = static_cast<int64_t>(8'000'000 + random_() % 40'000'000);
        t.length_ms = static_cast<int64_t>(90'000 + random_() % 400'000);
        t.gain = -static_cast<double>(random_() % 1200) / 100;
        t.peak = 1 - static_cast<double>(random_() % 1000) / 10000;
        return t;
    }
    std::string uuid() {
        const uint64_t high = random_(), low = random_();
        return fmt::format("{:08x}-{:04x}-5{:03x}-a{:03x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xfff,
                           low >> 52, low & 0xffff'ffff'ffff);
    }
    Bytes hash() {
        Bytes bytes(32);
        for (size_t i = 0; i < 4; i++) write_big_endian(ByteSpan(bytes).subspan(i * 8, 8), random_());
        return bytes;
    }
    std::string words() {
        std::string text;
        for (size_t i = 0, count = 1 + random_() % 4; i < count; i++)
            text += (i ? " " : "") + std::string(kWords[random_() % 20]);
        return text;
    }
    std::mt19937_64 random_;
};

// A statement whose last parameter is the stamp, if it is one.
class Insert {
  public:
    static Result<Insert> prepare(sync::sqlite::Connection& c, std::string_view table, std::string_view columns,
                                  int count, const std::string* stamp) {
        std::string marks;
        for (int i = 0; i < count; i++) marks += "?, ";
        return Insert(TRY(c.cached(fmt::format("INSERT INTO {} ({}, _updated_at) VALUES ({}{})", table, columns, marks,
                                               stamp ? "?" : "stamp()"))),
                      stamp);
    }
    template <class... Args>
    Result<void> row(const Args&... args) {
        if (stamp_) return statement_->with(args..., *stamp_).run();
        return statement_->with(args...).run();
    }

  private:
    Insert(sync::sqlite::Statement* statement, const std::string* stamp) : statement_(statement), stamp_(stamp) {}
    sync::sqlite::Statement* statement_;
    const std::string* stamp_;
};

Result<void> insert(sync::sqlite::Connection& c, const Batch& batch, const std::string* stamp) {
    auto albums = TRY(Insert::prepare(c, "albums", "id, title, artist_credit, original_date, mbid", 5, stamp));
    auto releases = TRY(Insert::prepare(
        c, "releases", "id, album_id, date, catalog_number, disc_count, mbid, content_hash, added_ms", 8, stamp));
    auto files = TRY(Insert::prepare(c, "release_files", "id, release_id, name, file_hash, size", 5, stamp));
    auto tracks = TRY(Insert::prepare(
        c, "tracks", "id, release_id, title, number, length_ms, file_id, recording_mbid, track_gain, track_peak", 9,
        stamp));
    for (const ReleaseRow& r : batch.releases) {
        TRY(albums.row(r.album_id, r.title, r.artist, r.date, r.mbid));
        TRY(releases.row(r.id, r.album_id, r.date, r.catalog_number, 1, r.mbid, r.content_hash,
                         int64_t{1'700'000'000'000}));
        for (const TrackRow& t : r.tracks) {
            TRY(files.row(t.file_id, r.id, t.name, t.file_hash, t.size));
            TRY(tracks.row(t.id, r.id, t.title, t.number, t.length_ms, t.file_id, t.recording_mbid, t.gain, t.peak));
        }
    }
    return {};
}

}  // namespace

size_t Batch::rows() const {
    size_t count = 0;
    for (const ReleaseRow& release : releases) count += 2 + 2 * release.tracks.size();
    return count;
}

Batch make_batch(uint64_t number) {
    Maker maker(number + 1);
    Batch batch;
    for (size_t i = 0; i < kReleasesPerBatch; i++) batch.releases.push_back(maker.release());
    return batch;
}

Result<void> insert_batch(sync::sqlite::Connection& connection, const Batch& batch) {
    return insert(connection, batch, nullptr);
}

Result<void> insert_batch_stamped(sync::sqlite::Connection& connection, const Batch& batch, const std::string& stamp) {
    return insert(connection, batch, &stamp);
}

}  // namespace bae::benchmarks
