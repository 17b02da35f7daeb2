#pragma once
// Made-up releases with what an import would store of them, and the statements that store them. The same batch number
// gives the same rows.
#include <string>
#include <vector>

#include "sync/sqlite/connection.h"

namespace bae::benchmarks {

struct TrackRow {
    std::string id, file_id, title, name, recording_mbid;
    Bytes file_hash;
    int64_t size = 0, length_ms = 0, number = 0;
    double gain = 0, peak = 0;
};
struct ReleaseRow {
    std::string id, album_id, title, artist, date, mbid, catalog_number;
    Bytes content_hash;
    std::vector<TrackRow> tracks;
};
struct Batch {
    std::vector<ReleaseRow> releases;
    size_t rows() const;
};

constexpr size_t kReleasesPerBatch = 38;  // of 12 tracks: 988 rows

Batch make_batch(uint64_t number);
// `stamp` is an SQL expression: "stamp()", or a parameter bound to `stamp_text`.
Result<void> insert_batch(sync::sqlite::Connection& connection, const Batch& batch);
Result<void> insert_batch_stamped(sync::sqlite::Connection& connection, const Batch& batch, const std::string& stamp);

}  // namespace bae::benchmarks
