#include "node/blobs/fetch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "node/blobs/availability.h"
#include "node/blobs/carrier_health.h"
#include "node/blobs/incoming_file.h"
#include "node/blobs/tasks.h"
#include "node/blobs/workers.h"
#include "node/files.h"
#include "node/import/names.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBatch = 64;

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
    size_t index = 0;
    std::optional<crypto::BlobKey> key;
    fs::path part;
    std::string absence;
    FetchedFile result;
    bool arrived = false;
    std::optional<Error> stopped;
};

Result<void> remember_file(sync::sqlite::Connection& connection, const Task& task) {
    struct stat info {};
    if (stat(task.result.path.c_str(), &info) != 0)
        return tl::unexpected<Error>(errno_error(errno, shown(task.result.path.native())));
    const Blob& blob = task.wanted->blob;
    const int64_t mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    return connection.run(
        "INSERT INTO local_files (path, file_id, file_hash, size, mtime_ns, inode, state, group_key, tag_marks) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'present', x'', x'') ON CONFLICT (path) DO UPDATE SET "
        "file_id = ?2, file_hash = ?3, size = ?4, mtime_ns = ?5, inode = ?6, state = 'present'",
        as_bytes(task.result.path.native()), blob.row_id, blob.hash.view(), blob.size, mtime_ns, info.st_ino);
}

class Fetching {
  public:
    Fetching(const BlobRound& round, const std::vector<WantedFile>& wanted, bool remember, const OnFetched& told)
        : round_(round), wanted_(wanted), remember_(remember), told_(told), ledger_(round.database, round.carrier_url) {
        for (const WantedFile& one : wanted) total_bytes_ += one.blob.size;
        results_.resize(wanted.size(), FetchedFile{.reason = "not reached"});
    }

    Result<std::vector<FetchedFile>> run() {
        run_work({.threads = round_.workers,
                  .run = [this](size_t i) { carry_out(tasks_.at(i)); },
                  .done = [this](size_t i) { collect(i); },
                  .more = [this] { return more(); },
                  .tick = [this] { tick(); },
                  .stop = [this] { return health_.verdict() || interrupted(); }});
        round_.out.end_progress();
        TRY(recorded_);
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        return std::move(results_);
    }

  private:
    size_t more() {
        size_t added = 0;
        for (; recorded_ && added < kBatch && next_ < wanted_.size(); ++added, ++next_) {
            Result<Task> task = prepare(next_);
            if (!task) {
                recorded_ = tl::unexpected<Error>(task.error());
                break;
            }
            tasks_.add(std::move(*task));
        }
        return added;
    }

    Result<Task> prepare(size_t index) {
        const WantedFile& wanted = wanted_[index];
        Task task{.wanted = &wanted, .index = index};
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
        task.absence = TRY(absence_of(*TRY(round_.database.read()), round_.device, wanted.blob.author));
        Result<crypto::BlobKey> key = key_of(round_.replica, wanted.blob);
        if (key)
            task.key = std::move(*key);
        else
            task.result.reason = key.error().message;
        return task;
    }

    void carry_out(Task& task) {
        FileMeter meter(bytes_, task.wanted->blob.size);
        if (task.result.state == FetchedFile::State::present || !task.wanted->unsound.empty()) return;
        Result<fs::path> arrived = receive(task, meter);
        if (arrived) {
            task.result.path = std::move(*arrived);
            task.arrived = true;
            if (task.result.state == FetchedFile::State::fetched) health_.succeeded();
            return;
        }
        const Error& error = arrived.error();
        const bool asked = task.result.state == FetchedFile::State::fetched;
        const bool absent = error.kind == ErrorKind::not_found;
        task.result = {.state = absent ? FetchedFile::State::absent : FetchedFile::State::failed,
                       .path = {},
                       .reason = absent ? task.absence : error.message};
        if (asked && error.kind == ErrorKind::corrupt) task.result.reason += kDamageRemedy;
        if (error.kind == ErrorKind::cancelled) task.stopped = error;
        if (asked) judge(error);
    }

    // Damage is about one file, and so is another process that is at it.
    void judge(const Error& error) {
        if (error.kind == ErrorKind::not_found || error.kind == ErrorKind::corrupt)
            health_.succeeded();
        else if (error.cause != Cause::locked)
            health_.failed(error);
    }

    Result<fs::path> receive(Task& task, FileMeter& meter) {
        const IncomingFile incoming{.part = task.part,
                                    .destination = task.wanted->destination,
                                    .hash = task.wanted->blob.hash,
                                    .replaces = task.wanted->replaces,
                                    .shared = !remember_,
                                    .meter = &meter};
        if (!task.wanted->here.empty()) {
            task.result.state = FetchedFile::State::copied;
            Result<fs::path> copied = receive_copy(task.wanted->here, task.wanted->blob.size, incoming);
            if (copied || copied.error().kind == ErrorKind::cancelled) return copied;
        }
        if (!round_.bucket)
            return fail(ErrorKind::invalid_input,
                        "not on this disk, and there is no place to fetch it from: `bae bucket use URL`");
        if (!task.key) return fail(ErrorKind::unsupported, task.result.reason);
        task.result.state = FetchedFile::State::fetched;
        return receive_blob(*round_.bucket, blob_path(BlobKind::file, task.key->id()), *task.key, incoming);
    }

    // Recorded at once, so that what an interrupt or a crash leaves is known.
    void collect(size_t index) {
        Task& task = tasks_.at(index);
        ++done_;
        if (recorded_) recorded_ = record(task);
        FetchedFile& result = results_[task.index] = std::move(task.result);
        if (told_ && !task.stopped) told_(task.index, result);
        tasks_.drop(index);
    }

    Result<void> record(const Task& task) {
        const bool tried = task.key && !task.stopped && task.result.state != FetchedFile::State::present;
        if (!remember_ || (!task.arrived && !tried)) return {};
        return round_.database.replicate([&](sync::sqlite::Connection& connection) -> Result<void> {
            if (task.arrived) TRY(remember_file(connection, task));
            return tried ? ledger_.record(connection, outcome_of(task)) : Result<void>();
        });
    }

    static BlobOutcome outcome_of(const Task& task) {
        const bool fetched = task.result.state == FetchedFile::State::fetched;
        return {.blob = task.wanted->blob,
                .blob_id = task.key->id().text(),
                .state = fetched ? BlobOutcome::State::fetched : BlobOutcome::State::waiting,
                .up = false,
                .reason = task.result.reason};
    }

    void tick() {
        round_.out.progress(
            {.phase = "getting", .done = done_, .total = wanted_.size(), .bytes = bytes_, .total_bytes = total_bytes_});
    }

    const BlobRound& round_;
    const std::vector<WantedFile>& wanted_;
    const bool remember_;
    const OnFetched& told_;
    BlobLedger ledger_;
    size_t next_ = 0;
    Tasks<Task> tasks_;
    CarrierHealth health_;
    std::vector<FetchedFile> results_;
    Result<void> recorded_;
    uint64_t done_ = 0, total_bytes_ = 0;
    std::atomic<uint64_t> bytes_ = 0;
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
                                             bool remember, const OnFetched& done) {
    return Fetching(round, wanted, remember, done).run();
}

}  // namespace bae::node
