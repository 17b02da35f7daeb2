#include "node/blobs/ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace bae::node {
namespace {

constexpr int kBlobColumns = 7;

// Does the row of a queue entry `q` still stand for bytes that are here or to be had?
constexpr const char* kStands =
    "CASE WHEN q.kind LIKE '%image' THEN EXISTS (SELECT 1 FROM library_images WHERE id = q.owner_id) "
    "ELSE EXISTS (SELECT 1 FROM release_files f JOIN local_files l ON l.file_id = f.id "
    "WHERE f.id = q.owner_id AND l.state = 'present' AND l.file_hash = f.file_hash) END";

// Are the bytes of blob (?1 kind, ?2 row, ?3 owner, ?4 hash, ?5 epoch) still what the row stands for, and carrier ?6
// the one in use? Another process may have chosen another place, or an import moved or replaced the file meanwhile.
constexpr const char* kStillWanted =
    "SELECT coalesce((SELECT url FROM carriers WHERE current = 1), '') = ?6 AND CASE ?1 WHEN 'file' THEN "
    "EXISTS (SELECT 1 FROM release_files f JOIN releases r ON r.id = f.release_id WHERE f.id = ?2 AND f.release_id = "
    "?3 "
    "AND f.file_hash = ?4 AND coalesce(r.key_epoch, '') = ?5) ELSE "
    "EXISTS (SELECT 1 FROM library_images f LEFT JOIN releases r ON r.id = f.owner_id WHERE f.id = ?2 AND f.owner_id = "
    "?3 "
    "AND f.file_hash = ?4 AND coalesce(f.key_epoch, r.key_epoch, '') = ?5) END";

// How often it was tried in vain.
constexpr const char* kTried =
    "coalesce((SELECT max(attempts) FROM transfers t WHERE t.owner_id = q.owner_id AND t.state = 'waiting'), 0)";

std::string queue_sql(BlobKind kind) {
    if (kind == BlobKind::image)
        return fmt::format(
            "SELECT q.owner_id, f.size FROM blob_queue q JOIN library_images f ON f.id = q.owner_id WHERE q.kind = "
            "'image' ORDER BY {}, f.owner_id, f.id",
            kTried);
    return fmt::format(
        "SELECT q.owner_id, f.size FROM blob_queue q JOIN release_files f ON f.id = q.owner_id WHERE q.kind = 'file' "
        "ORDER BY {}, f.release_id, f.name, f.id",
        kTried);
}

std::string load_sql(BlobKind kind) {
    if (kind == BlobKind::image) {
        return fmt::format(
            "SELECT {}, b.owner_id IS NOT NULL FROM blob_queue q JOIN library_images f ON f.id = q.owner_id LEFT JOIN "
            "releases r ON r.id = f.owner_id "
            "LEFT JOIN carried_blobs b ON b.carrier = ?1 AND b.owner_id = f.id AND b.file_hash = f.file_hash AND "
            "b.key_epoch = coalesce(f.key_epoch, r.key_epoch) WHERE q.kind = 'image' AND q.owner_id = ?2",
            image_columns());
    }
    return fmt::format(
        "SELECT {}, b.owner_id IS NOT NULL, l.path, c.chunk_hashes FROM blob_queue q JOIN release_files f ON f.id = "
        "q.owner_id JOIN releases r ON r.id = f.release_id "
        "JOIN local_files l ON l.path = (SELECT path FROM local_files p WHERE p.file_id = f.id AND p.state = 'present' "
        "AND p.file_hash = f.file_hash LIMIT 1) "
        "LEFT JOIN file_chunks c ON c.file_hash = f.file_hash "
        "LEFT JOIN carried_blobs b ON b.carrier = ?1 AND b.owner_id = f.id AND b.file_hash = f.file_hash AND "
        "b.key_epoch = r.key_epoch WHERE q.kind = 'file' AND q.owner_id = ?2",
        file_columns());
}

Result<bool> still_wanted(sync::sqlite::Connection& connection, const Blob& blob, const std::string& carrier) {
    const auto wanted =
        TRY(connection.integer(kStillWanted, std::string(blob.kind == BlobKind::file ? "file" : "image"), blob.row_id,
                               blob.owner_id, blob.hash.view(), blob.epoch, carrier));
    return wanted.value_or(0) != 0;
}

QueuedBlob queued_blob(const sync::sqlite::Statement& row, BlobKind kind) {
    Result<Blob> blob = read_blob(row, 0, kind);
    QueuedBlob queued{.carried = row.integer(kBlobColumns) != 0};
    if (blob)
        queued.blob = std::move(*blob);
    else
        queued = {.blob = unsound_blob(row, 0, kind), .unsound = blob.error().message};
    if (kind == BlobKind::file) {
        queued.path = row.string(kBlobColumns + 1);
        queued.chunk_hashes = to_bytes(row.blob(kBlobColumns + 2));
    }
    return queued;
}

}  // namespace

Result<uint64_t> BlobLedger::queued(sync::sqlite::Connection& connection) {
    const auto count = TRY(connection.integer("SELECT count(*) FROM blob_queue WHERE kind IN ('file', 'image')"));
    return static_cast<uint64_t>(count.value_or(0));
}

Result<void> BlobLedger::set_apart() {
    const std::string dead = fmt::format("kind IN ('file', 'image') AND NOT {}", kStands);
    const std::string back = fmt::format("kind LIKE 'gone %' AND {}", kStands);
    {
        const auto reader = TRY(database_.read());
        const auto any = TRY(
            reader->integer(fmt::format("SELECT EXISTS (SELECT 1 FROM blob_queue q WHERE ({}) OR ({}))", dead, back)));
        if (any.value_or(0) == 0) return {};
    }
    return database_.replicate([&](sync::sqlite::Connection& connection) -> Result<void> {
        TRY(connection.run(fmt::format("UPDATE blob_queue AS q SET kind = 'gone ' || kind WHERE {}", dead)));
        return connection.run(fmt::format("UPDATE blob_queue AS q SET kind = substr(kind, 6) WHERE {}", back));
    });
}

Result<std::vector<QueueEntry>> BlobLedger::queue(BlobKind kind) {
    std::vector<QueueEntry> found;
    const auto reader = TRY(database_.read());
    TRY(reader->each(queue_sql(kind), [&](const sync::sqlite::Statement& row) {
        found.push_back({row.string(0), static_cast<uint64_t>(std::max<int64_t>(row.integer(1), 0))});
    }));
    return found;
}

Result<std::vector<QueuedBlob>> BlobLedger::load(BlobKind kind, std::span<const QueueEntry> entries) {
    std::vector<QueuedBlob> found;
    const auto reader = TRY(database_.read());
    sync::sqlite::Statement statement = TRY(reader->prepare(load_sql(kind)));
    for (const QueueEntry& entry : entries) {
        statement.with(carrier_, entry.row_id);
        while (TRY(statement.step())) found.push_back(queued_blob(statement, kind));
        statement.reset();
    }
    return found;
}

Result<void> BlobLedger::record(sync::sqlite::Connection& connection, const BlobOutcome& outcome) {
    const Blob& blob = outcome.blob;
    if (!outcome.chunk_hashes.empty()) {
        TRY(connection.run("INSERT INTO file_chunks (file_hash, chunk_hashes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                           blob.hash.view(), outcome.chunk_hashes));
    }
    // Else it stays queued, for what it is to be now.
    if (outcome.state != BlobOutcome::State::waiting && !TRY(still_wanted(connection, blob, carrier_))) return {};
    const bool settled = outcome.state == BlobOutcome::State::carried || outcome.state == BlobOutcome::State::fetched;
    if (settled) {
        TRY(connection.run(
            "INSERT INTO carried_blobs (carrier, owner_id, file_hash, key_epoch) VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT DO UPDATE SET file_hash = ?3, key_epoch = ?4",
            carrier_, blob.row_id, blob.hash.view(), blob.epoch));
        TRY(connection.run("DELETE FROM transfers WHERE owner_id = ?", blob.row_id));
    } else {
        TRY(connection.run(
            "INSERT INTO transfers (blob_id, direction, owner_kind, owner_id, state, attempts, reason) VALUES (?1, ?2, "
            "?3, ?4, ?5, 1, ?6) "
            "ON CONFLICT DO UPDATE SET state = ?5, attempts = attempts + 1, reason = ?6",
            outcome.blob_id, outcome.up ? "up" : "down", blob.kind == BlobKind::file ? "file" : "image", blob.row_id,
            outcome.state == BlobOutcome::State::refused ? "failed" : "waiting", outcome.reason));
    }
    if (outcome.state == BlobOutcome::State::refused && !outcome.path.empty()) {
        TRY(connection.run("UPDATE local_files SET state = 'changed' WHERE path = ? AND file_hash = ?",
                           as_bytes(outcome.path.native()), blob.hash.view()));
    }
    if (outcome.state == BlobOutcome::State::waiting) return {};
    return connection.run("DELETE FROM blob_queue WHERE owner_id = ?", blob.row_id);
}

Result<void> BlobLedger::record(const std::vector<BlobOutcome>& outcomes) {
    if (outcomes.empty()) return {};
    return database_.replicate([&](sync::sqlite::Connection& connection) -> Result<void> {
        for (const BlobOutcome& outcome : outcomes) TRY(record(connection, outcome));
        return {};
    });
}

Result<void> BlobLedger::send_again(sync::sqlite::Connection& connection, BlobKind kind, const std::string& row_id) {
    TRY(connection.run("DELETE FROM carried_blobs WHERE carrier = ? AND owner_id = ?", carrier_, row_id));
    return connection.run("INSERT INTO blob_queue (owner_id, kind) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET kind = ?2",
                          row_id, std::string(kind == BlobKind::file ? "file" : "image"));
}

Result<void> BlobLedger::forget_absence(sync::sqlite::Connection& connection, const std::string& row_id) {
    return connection.run("DELETE FROM transfers WHERE owner_id = ? AND +direction = 'down' AND +state = 'waiting'",
                          row_id);
}

Result<void> BlobLedger::start_over(sync::sqlite::Connection& connection, const std::string& carrier_url) {
    TRY(connection.run("DELETE FROM carried_blobs WHERE carrier = ?", carrier_url));
    TRY(connection.run("DELETE FROM transfers WHERE direction = 'up' AND state = 'waiting'"));
    TRY(
        connection.run("INSERT INTO blob_queue (owner_id, kind) SELECT DISTINCT file_id, 'file' FROM local_files WHERE "
                       "state = 'present' ON CONFLICT DO NOTHING"));
    return connection.run(
        "INSERT INTO blob_queue (owner_id, kind) SELECT id, 'image' FROM library_images WHERE true ON CONFLICT DO "
        "NOTHING");
}

}  // namespace bae::node
