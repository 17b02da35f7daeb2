#include "node/blobs/fetch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <set>

#include "node/blobs/availability.h"
#include "node/blobs/incoming_file.h"
#include "node/blobs/workers.h"
#include "node/files.h"
#include "node/import/names.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

// Unlike anything a tag can say, so that two releases never share a folder.
Result<std::string> folder_name(sync::sqlite::Connection& connection, const std::string& release_id) {
    const auto text =
        TRY(connection.text("SELECT coalesce(a.artist_credit || ' - ', '') || coalesce(r.title, a.title) FROM releases "
                            "r JOIN albums a ON a.id = r.album_id WHERE r.id = ?",
                            release_id));
    return fmt::format("{} [{}]", safe_file_name(shown(text.value_or("")), 100), path_id(release_id).substr(0, 8));
}

struct Task {
    const WantedFile* wanted = nullptr;
    std::optional<crypto::BlobKey> key;
    fs::path part;
    std::string absence;
    FetchedFile result;
    std::optional<ArrivedFile> arrived;
    std::optional<Error> stopped;
};

Result<void> remember_file(sync::sqlite::Connection& connection, const Task& task) {
    struct stat info {};
    if (stat(task.arrived->path.c_str(), &info) != 0)
        return tl::unexpected<Error>(errno_error(errno, shown(task.arrived->path.native())));
    const Blob& blob = task.wanted->blob;
    const int64_t mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    TRY(connection.run(
        "INSERT INTO local_files (path, file_id, file_hash, size, mtime_ns, inode, state, group_key, tag_marks) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'present', x'', x'') ON CONFLICT (path) DO UPDATE SET "
        "file_id = ?2, file_hash = ?3, size = ?4, mtime_ns = ?5, inode = ?6, state = 'present'",
        as_bytes(task.arrived->path.native()), blob.row_id, blob.hash.view(), blob.size, mtime_ns, info.st_ino));
    return connection.run("INSERT INTO file_chunks (file_hash, chunk_hashes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                          blob.hash.view(), task.arrived->chunk_hashes);
}

class Fetching {
  public:
    Fetching(const BlobRound& round, bool remember)
        : round_(round), remember_(remember), ledger_(round.database, round.carrier ? round.carrier->url() : "") {}

    Result<std::vector<FetchedFile>> run(const std::vector<WantedFile>& wanted) {
        for (const WantedFile& one : wanted) tasks_.push_back(TRY(prepare(one)));
        Result<void> recorded;
        run_work({.count = tasks_.size(),
                  .threads = round_.workers,
                  .run = [this](size_t i) { carry_out(tasks_[i]); },
                  .done =
                      [&](size_t i) {
                          round_.out.progress("getting", ++done_, tasks_.size(), tasks_[i].wanted->blob.name);
                          if (recorded) recorded = record(tasks_[i]);
                      },
                  .stop = [this] { return stop_ || interrupted(); }});
        round_.out.end_progress();
        TRY(recorded);
        return results();
    }

  private:
    Result<Task> prepare(const WantedFile& wanted) {
        Task task{.wanted = &wanted};
        if (wanted.here == wanted.destination) {
            task.result = {.state = FetchedFile::State::present, .path = wanted.here};
            return task;
        }
        if (!wanted.unsound.empty()) {
            task.result.reason = wanted.unsound;
            return task;
        }
        task.part = (remember_ ? round_.home.cache() : wanted.destination.parent_path()) /
                    fmt::format(".{}.part", path_id(wanted.blob.row_id));
        const auto reader = TRY(round_.database.read());
        task.absence = TRY(absence_of(*reader, round_.device, wanted.blob.author));
        Result<crypto::BlobKey> key = key_of(round_.replica, wanted.blob);
        if (key)
            task.key = std::move(*key);
        else
            task.result.reason = key.error().message;
        return task;
    }

    void carry_out(Task& task) {
        if (task.result.state == FetchedFile::State::present || !task.wanted->unsound.empty()) return;
        Result<ArrivedFile> arrived = receive(task);
        if (arrived) {
            task.result.path = arrived->path;
            task.arrived = std::move(*arrived);
            return;
        }
        const Error& error = arrived.error();
        const bool absent = error.kind == ErrorKind::not_found;
        task.result = {.state = absent ? FetchedFile::State::absent : FetchedFile::State::failed,
                       .path = {},
                       .reason = absent ? task.absence : error.message};
        if (error.kind == ErrorKind::cancelled) task.stopped = error;
        if (error.kind == ErrorKind::retry || error.kind == ErrorKind::denied || error.kind == ErrorKind::cancelled)
            stop_ = true;
    }

    Result<ArrivedFile> receive(Task& task) {
        const IncomingFile incoming{.part = task.part,
                                    .destination = task.wanted->destination,
                                    .hash = task.wanted->blob.hash,
                                    .replaces = task.wanted->replaces,
                                    .shared = !remember_};
        if (!task.wanted->here.empty()) {
            task.result.state = FetchedFile::State::copied;
            Result<ArrivedFile> copied = receive_copy(task.wanted->here, task.wanted->blob.size, incoming);
            if (copied || copied.error().kind == ErrorKind::cancelled) return copied;
        }
        if (!round_.carrier)
            return fail(ErrorKind::invalid_input,
                        "not on this disk, and there is no place to fetch it from: `bae bucket use file:///path`");
        if (!task.key) return fail(ErrorKind::unsupported, task.result.reason);
        task.result.state = FetchedFile::State::fetched;
        return receive_blob(round_.carrier->bucket(), blob_path(BlobKind::file, task.key->id()), *task.key, incoming);
    }

    // At once, so that what an interrupt or a crash leaves is known.
    Result<void> record(const Task& task) {
        if (!remember_) return {};
        if (task.arrived)
            TRY(round_.database.replicate(
                [&](sync::sqlite::Connection& connection) { return remember_file(connection, task); }));
        if (!task.key || task.stopped || task.result.state == FetchedFile::State::present) return {};
        BlobOutcome outcome{
            .blob = task.wanted->blob, .blob_id = task.key->id().text(), .up = false, .reason = task.result.reason};
        if (task.result.state == FetchedFile::State::fetched) outcome.state = BlobOutcome::State::fetched;
        return ledger_.record({outcome});
    }

    Result<std::vector<FetchedFile>> results() {
        std::vector<FetchedFile> all;
        for (Task& task : tasks_) {
            if (task.stopped) return tl::unexpected<Error>(*task.stopped);
            if (task.result.state == FetchedFile::State::failed && task.result.reason.empty())
                task.result.reason = "not reached";
            all.push_back(std::move(task.result));
        }
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        return all;
    }

    const BlobRound& round_;
    const bool remember_;
    BlobLedger ledger_;
    std::vector<Task> tasks_;
    uint64_t done_ = 0;
    std::atomic<bool> stop_ = false;
};

// Where it lies unchanged, as far as size says; what is damaged inside is found, and marked, by `verify --files`.
fs::path local_copy(const std::string& path, uint64_t size) {
    std::error_code missing;
    return !path.empty() && fs::file_size(path, missing) == size && !missing ? fs::path(path) : fs::path();
}

WantedFile wanted_file(const sync::sqlite::Statement& row) {
    Result<Blob> blob = read_blob(row, 0, BlobKind::file);
    if (!blob) return {.blob = unsound_blob(row, 0, BlobKind::file), .unsound = blob.error().message};
    WantedFile one{.blob = std::move(*blob)};
    one.here = local_copy(row.string(7), one.blob.size);
    return one;
}

bool is_below(const fs::path& path, const fs::path& directory) {
    return !path.empty() && path.native().starts_with(directory.native() + "/");
}

}  // namespace

Result<std::vector<WantedFile>> wanted_files(sync::Database& database, const HomePaths& home, const fs::path& to,
                                             const std::string& release_id) {
    const auto reader = TRY(database.read());
    const fs::path folder = (to.empty() ? home.files() : to) / TRY(folder_name(*reader, release_id));
    std::vector<WantedFile> wanted;
    std::set<std::string> names;
    TRY(reader->each(
        fmt::format(
            "SELECT {}, (SELECT path FROM local_files l WHERE l.file_id = f.id AND l.state = 'present' AND l.file_hash "
            "= f.file_hash LIMIT 1), (SELECT path FROM local_files l WHERE l.file_id = f.id AND l.state = 'damaged' "
            "AND l.file_hash = f.file_hash LIMIT 1) "
            "FROM release_files f JOIN releases r ON r.id = f.release_id WHERE f.release_id = ? ORDER BY f.name, f.id",
            file_columns()),
        [&](const sync::sqlite::Statement& row) -> Result<void> {
            WantedFile one = wanted_file(row);
            const std::string name = safe_file_name(shown(one.blob.name));
            // Two files of one name, such as those of two discs, are told apart by their ids.
            const bool first = names.insert(name).second;
            one.destination =
                folder / (first ? name : fmt::format("{} {}", path_id(one.blob.row_id).substr(0, 8), name));
            const fs::path damaged = row.string(8);
            if (to.empty() && !one.here.empty()) {
                one.destination = one.here;
            } else if (to.empty() && is_below(damaged, home.files())) {
                one.destination = damaged;
                one.replaces = true;
            }
            wanted.push_back(std::move(one));
            return {};
        },
        release_id));
    return wanted;
}

Result<std::vector<FetchedFile>> fetch_files(const BlobRound& round, const std::vector<WantedFile>& wanted,
                                             bool remember) {
    return Fetching(round, remember).run(wanted);
}

}  // namespace bae::node
