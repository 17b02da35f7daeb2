#include "node/import/import.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "crypto/base/crash_point.h"
#include "node/import/copies.h"
#include "node/import/descriptor.h"
#include "node/import/known_files.h"
#include "node/import/names.h"
#include "node/import/read_pool.h"
#include "node/import/release_writer.h"

namespace bae::node {
namespace {

using Phase = ImportProgress::Phase;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kFilesPerBatch = 500;  // about six rows each; what a kill costs, against one fsync or more per batch
constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr auto kBatchInterval = std::chrono::seconds(2);  // slow disks: what was read is not kept waiting

int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// "import of 12 releases from Music": the last name only, because the message travels with the change.
std::string describe(size_t releases, const std::vector<std::string>& roots) {
    std::string from = clean_text(file_name(roots[0]), 100);
    if (roots.size() > 1) from += " and " + std::to_string(roots.size() - 1) + " more";
    return "import of " + std::to_string(releases) + (releases == 1 ? " release" : " releases") +
           (from.empty() ? "" : " from " + from);
}

class Import {
  public:
    Import(sync::Database& database, const ImportOptions& options) : database_(database), options_(options) {}
    Result<ImportReport> run();

  private:
    Result<void> look();
    Result<void> read_and_write();
    Result<void> add(PreparedFolder folder);
    Result<void> set_damaged_aside(ReleaseGroup& group);
    Result<void> place_copies_of(ReleaseGroup& group);
    Result<void> flush();
    Result<void> write_batch(sync::sqlite::Connection& connection, std::vector<GroupOutcome>& outcomes);
    Result<void> note_sources(sync::sqlite::Connection& connection);
    Result<void> start_job(sync::sqlite::Connection& connection);
    Result<void> finish(std::string_view state);
    Result<void> mark_files(sync::sqlite::Connection& connection);
    bool has_marks() const { return !missing_.empty() || !unchanged_.back.empty() || !damaged_.empty(); }
    void remove_superseded(const std::vector<GroupOutcome>& outcomes) const;
    void count(std::vector<GroupOutcome> outcomes);
    void report_progress(bool now = false);
    bool cancelled() const { return options_.cancelled && options_.cancelled(); }

    sync::Database& database_;
    const ImportOptions& options_;
    std::vector<std::string> roots_;
    Scan scan_;
    Unchanged unchanged_;
    std::vector<std::string> missing_, damaged_;
    bool any_known_ = false;
    std::vector<ReleaseGroup> batch_;
    size_t batch_files_ = 0;
    SteadyClock::time_point last_flush_ = SteadyClock::now(), last_progress_;
    std::optional<int64_t> job_;
    const ReadPool* pool_ = nullptr;
    ImportProgress progress_;
    ImportReport report_;
};

Result<ImportReport> Import::run() {
    if (options_.paths.empty()) return fail(ErrorKind::invalid_input, "nothing to import: name a folder");
    report_progress(true);
    TRY(look());
    if (options_.copy_to && !options_.dry_run) remove_stale_copies(*options_.copy_to);
    const Result<void> done = read_and_write();
    progress_.phase = Phase::finishing;
    report_progress(true);
    const bool stopped = !done && done.error().kind == ErrorKind::cancelled;
    const Result<void> finished = finish(done ? "done" : stopped ? "cancelled" : "failed");
    if (!done) return tl::unexpected(done.error());
    if (!finished) return tl::unexpected(finished.error());
    std::stable_sort(report_.failed.begin(), report_.failed.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(report_);
}

Result<void> Import::look() {
    for (const std::string& path : options_.paths) roots_.push_back(TRY(real_path(path)));
    scan_ = TRY(scan_paths(roots_, options_.cancelled));
    report_.failed = std::move(scan_.failed);
    sync::Database::Reader reader = TRY(database_.read());
    KnownFiles known = TRY(known_files(*reader, roots_));
    KnownFiles copied = options_.copy_to ? TRY(known_sources(*reader, roots_)) : KnownFiles();
    any_known_ = !known.empty() || options_.copy_to.has_value();
    if (!options_.again) unchanged_ = drop_unchanged(scan_, options_.copy_to ? copied : known);
    report_.skipped_unchanged = unchanged_.skipped;
    for (const auto& [path, file] : known) {
        if (file.present && !file.found && file_is_gone(path)) missing_.push_back(path);
    }
    std::sort(missing_.begin(), missing_.end());
    progress_.files_total = scan_.files;
    progress_.bytes_total = scan_.bytes;
    return {};
}

Result<void> Import::read_and_write() {
    ReadPool pool(std::exchange(scan_.folders, {}), options_);
    pool_ = &pool;
    progress_.phase = Phase::reading;
    Result<void> result;
    while (result && !pool.finished()) {
        if (cancelled())
            result = fail(ErrorKind::cancelled, "import stopped; what was imported stays");
        else if (std::optional<PreparedFolder> folder = pool.next())
            result = add(std::move(*folder));
        report_progress();
    }
    // what is whole is kept, also when the rest is not wanted any more
    if (result || result.error().kind == ErrorKind::cancelled) {
        const Result<void> flushed = flush();
        if (!flushed) result = flushed;
    }
    report_progress(true);
    pool_ = nullptr;
    return result;
}

Result<void> Import::add(PreparedFolder folder) {
    std::move(folder.failed.begin(), folder.failed.end(), std::back_inserter(report_.failed));
    std::move(folder.notes.begin(), folder.notes.end(), std::back_inserter(report_.notes));
    std::move(folder.damaged.begin(), folder.damaged.end(), std::back_inserter(damaged_));
    for (ReleaseGroup& group : folder.groups) {
        if (any_known_) TRY(set_damaged_aside(group));
        if (group.files.empty()) continue;
        if (options_.copy_to && !options_.dry_run) TRY(place_copies_of(group));
        batch_files_ += group.files.size();
        batch_.push_back(std::move(group));
    }
    const bool late = SteadyClock::now() - last_flush_ > kBatchInterval;
    return batch_files_ >= kFilesPerBatch || late ? flush() : Result<void>();
}

Result<void> Import::set_damaged_aside(ReleaseGroup& group) {
    sync::Database::Reader reader = TRY(database_.read());
    for (FailedFile& file : TRY(take_damaged(*reader, group, options_))) {
        damaged_.push_back(file.path);
        report_.failed.push_back(std::move(file));
    }
    return {};
}

Result<void> Import::place_copies_of(ReleaseGroup& group) {
    sync::Database::Reader reader = TRY(database_.read());
    return place_copies(*reader, *options_.copy_to, group);
}

Result<void> Import::flush() {
    last_flush_ = SteadyClock::now();
    if (batch_.empty()) return {};
    std::vector<GroupOutcome> outcomes;
    const auto body = [&](sync::sqlite::Connection& connection) -> Result<void> {
        TRY(write_batch(connection, outcomes));
        if (options_.dry_run) return fail(ErrorKind::cancelled, "dry run");
        CRASH_POINT("import: before commit");
        return {};
    };
    const Result<sync::Written> written = database_.write(describe(batch_.size(), roots_), body);
    const bool rehearsed = options_.dry_run && !written && written.error().kind == ErrorKind::cancelled;
    if (!written && !rehearsed) return tl::unexpected(context(written.error(), "cannot write the library"));
    CRASH_POINT("import: after commit");
    remove_superseded(outcomes);
    count(std::move(outcomes));
    batch_.clear();
    batch_files_ = 0;
    last_flush_ = SteadyClock::now();
    return {};
}

// Of these, the copies that this program made. What a crash leaves of them is in nobody's way.
void Import::remove_superseded(const std::vector<GroupOutcome>& outcomes) const {
    if (!options_.copy_to || options_.dry_run) return;
    for (const GroupOutcome& outcome : outcomes) {
        for (const std::string& path : outcome.superseded) {
            if (path.starts_with(*options_.copy_to + "/")) ::unlink(path.c_str());
        }
    }
}

Result<void> Import::write_batch(sync::sqlite::Connection& connection, std::vector<GroupOutcome>& outcomes) {
    TRY(start_job(connection));
    ReleaseWriter writer(connection, options_, wall_ms());
    uint64_t releases = 0, tracks = 0, files = 0;
    for (const ReleaseGroup& group : batch_) {
        outcomes.push_back(TRY(writer.write(group)));
        releases += outcomes.back().release.what == ImportedRelease::What::added;
        tracks += outcomes.back().tracks;
        files += outcomes.back().files;
    }
    if (options_.copy_to) TRY(note_sources(connection));
    return connection.run(
        "UPDATE import_jobs SET releases = releases + ?, tracks = tracks + ?, files = files + ? WHERE id = ?", releases,
        tracks, files, *job_);
}

Result<void> Import::note_sources(sync::sqlite::Connection& connection) {
    for (const ReleaseGroup& group : batch_) {
        for (const ImportFile& file : group.files) {
            const FileIdentity& identity = file.source_identity;
            TRY(connection.run(
                "INSERT INTO import_items (path, job_id, size, mtime_ns, inode, outcome, copy_path) VALUES (?, ?, ?, "
                "?, ?, 'copied', ?) "
                "ON CONFLICT (path) DO UPDATE SET job_id = excluded.job_id, size = excluded.size, mtime_ns = "
                "excluded.mtime_ns, "
                "inode = excluded.inode, outcome = 'copied', copy_path = excluded.copy_path, reason = NULL",
                as_bytes(file.source), *job_, identity.size, identity.mtime_ns, identity.inode, as_bytes(file.path)));
        }
    }
    return {};
}

// With the first rows, so that an import that finds nothing to do writes nothing.
Result<void> Import::start_job(sync::sqlite::Connection& connection) {
    if (job_ && !options_.dry_run) return {};
    Bytes roots;
    for (const std::string& root : roots_) {
        append(roots, as_bytes(root));
        roots.push_back(std::byte{0});
    }
    TRY(connection.run("INSERT INTO import_jobs (roots, copied, state, started_ms) VALUES (?, ?, 'running', ?)", roots,
                       options_.copy_to.has_value(), wall_ms()));
    job_ = TRY(connection.integer("SELECT last_insert_rowid()"));
    return {};
}

Result<void> Import::finish(std::string_view state) {
    if (options_.dry_run) {
        report_.missing = missing_.size() - std::min<uint64_t>(missing_.size(), report_.moved);
        return {};
    }
    if (!job_ && !has_marks()) return {};
    const auto body = [&](sync::sqlite::Connection& connection) -> Result<void> {
        TRY(mark_files(connection));
        if (!job_) return {};
        return connection.run("UPDATE import_jobs SET state = ?, finished_ms = ?, failed = ? WHERE id = ?", state,
                              wall_ms(), report_.failed.size(), *job_);
    };
    const Result<sync::Written> written = database_.write("import finished", body);
    if (!written) return tl::unexpected(written.error());
    return {};
}

Result<void> Import::mark_files(sync::sqlite::Connection& connection) {
    for (const std::string& path : missing_) {
        // a file that moved has no row at this path any more
        TRY(connection.run("UPDATE local_files SET state = 'missing' WHERE path = ? AND state = 'present'",
                           as_bytes(path)));
        report_.missing += static_cast<uint64_t>(connection.changes());
    }
    for (const std::string& path : unchanged_.back)
        TRY(connection.run("UPDATE local_files SET state = 'present' WHERE path = ?", as_bytes(path)));
    for (const std::string& path : damaged_)
        TRY(connection.run("UPDATE local_files SET state = 'damaged' WHERE path = ?", as_bytes(path)));
    return {};
}

void Import::count(std::vector<GroupOutcome> outcomes) {
    for (GroupOutcome& outcome : outcomes) {
        report_.releases += outcome.changed && outcome.release.what == ImportedRelease::What::added;
        report_.tracks += outcome.tracks;
        report_.files += outcome.files;
        report_.updated += outcome.updated;
        report_.known += outcome.known;
        report_.moved += outcome.moved;
        if (outcome.changed) report_.changes.push_back(std::move(outcome.release));
    }
}

void Import::report_progress(bool now) {
    if (!options_.on_progress) return;
    const auto time = SteadyClock::now();
    if (!now && time - last_progress_ < kProgressInterval) return;
    last_progress_ = time;
    if (pool_) pool_->add_progress(progress_);
    options_.on_progress(progress_);
}

}  // namespace

Result<ImportReport> run_import(sync::Database& database, const ImportOptions& options) {
    return Import(database, options).run();
}

}  // namespace bae::node
