#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "node/cli/commands.h"
#include "node/cli/sync_round.h"
#include "node/files.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

struct LocalFile {
    std::string path, file_id, state;
    Bytes hash;
    int64_t size = 0, mtime_ns = 0;
};

Result<std::vector<LocalFile>> local_files(sync::Database& database) {
    std::vector<LocalFile> files;
    const auto reader = TRY(database.read());
    TRY(reader->each(
        "SELECT l.path, l.file_id, l.state, l.file_hash, l.size, l.mtime_ns FROM local_files l JOIN release_files f ON "
        "f.id = l.file_id ORDER BY l.path",
        [&](const sync::sqlite::Statement& row) {
            files.push_back({.path = row.string(0),
                             .file_id = row.string(1),
                             .state = row.string(2),
                             .hash = to_bytes(row.blob(3)),
                             .size = row.integer(4),
                             .mtime_ns = row.integer(5)});
        }));
    return files;
}

Result<bool> has_its_bytes(const LocalFile& wanted) {
    const File file = TRY(File::open_to_read(wanted.path));
    crypto::Sha256 sha;
    Bytes buffer(1 << 20);
    for (uint64_t at = 0;;) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const size_t size = TRY(file.read(at, buffer));
        if (size == 0) break;
        sha.update(ByteView(buffer).first(size));
        at += size;
    }
    return equal(sha.finish().view(), wanted.hash);
}

// Written since, or other bytes although nobody wrote it.
const char* state_of_other_bytes(const LocalFile& file) {
    struct stat info {};
    if (stat(file.path.c_str(), &info) != 0) return "missing";
    const int64_t mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    return info.st_size == file.size && mtime_ns == file.mtime_ns ? "damaged" : "changed";
}

struct Verdict {
    std::string state;    // as the table has it
    std::string problem;  // empty: it is as it should be
};

Result<Verdict> judge(const LocalFile& file) {
    const Result<bool> good = has_its_bytes(file);
    if (good && *good) return Verdict{.state = "present", .problem = {}};
    if (!good && good.error().kind == ErrorKind::cancelled) return tl::unexpected<Error>(good.error());
    if (!good && good.error().kind == ErrorKind::not_found)
        return Verdict{.state = "missing",
                       .problem = good.error().message +
                                  " (bring it back, import it from where it is now, or `bae get` its release)"};
    if (!good) return Verdict{.state = file.state, .problem = good.error().message};
    return Verdict{
        .state = state_of_other_bytes(file),
        .problem = fmt::format("{}: its bytes are not those that were imported (import it again, or `bae get` its "
                               "release)",
                               shown(file.path))};
}

// What was found is remembered, so that `get` fetches what is not here as it should be.
Result<void> mark(sync::Database& database, const std::vector<std::pair<std::string, std::string>>& marks) {
    if (marks.empty()) return {};
    return database.replicate([&](sync::sqlite::Connection& connection) -> Result<void> {
        for (const auto& [path, state] : marks)
            TRY(connection.run("UPDATE local_files SET state = ? WHERE path = ?", state, as_bytes(path)));
        return {};
    });
}

// A file of which another good copy lies here is no problem.
Result<uint64_t> check_files(Session& session, std::vector<std::string>& problems) {
    sync::Database* database = TRY(session.database());
    const std::vector<LocalFile> files = TRY(local_files(*database));
    std::vector<std::pair<std::string, std::string>> marks, bad;
    std::set<std::string> good;
    for (size_t i = 0; i < files.size(); ++i) {
        Verdict verdict = TRY(judge(files[i]));
        if (verdict.state != files[i].state) marks.emplace_back(files[i].path, verdict.state);
        if (verdict.problem.empty())
            good.insert(files[i].file_id);
        else
            bad.emplace_back(files[i].file_id, std::move(verdict.problem));
        session.out().progress("files", i + 1, files.size(), files[i].path);
    }
    TRY(mark(*database, marks));
    for (auto& [file, problem] : bad) {
        if (!good.contains(file)) problems.push_back(std::move(problem));
    }
    return files.size();
}

Result<void> check_state(Session& session, std::vector<std::string>& problems) {
    sync::Database* database = TRY(session.database());
    const sync::Digest kept = TRY(database->digest());
    if (TRY(database->recompute_digest()) != kept)
        problems.push_back(
            "the digest kept of the state is not that of the rows: the database was changed by something else");
    Output& out = session.out();
    const sync::SyncOptions options{
        .on_progress = [&out](const sync::SyncProgress& at) { out.progress(at.phase, at.done, at.total); },
        .cancelled = interrupted};
    for (std::string& problem : TRY(TRY(session.replica())->verify(options))) problems.push_back(std::move(problem));
    return {};
}

Result<BlobAudit> check_bucket(Session& session, AuditDepth depth) {
    Carrier* carrier = TRY(session.carrier());
    if (!TRY(session.replica())->holds_library(carrier->bucket()))
        return fail(ErrorKind::not_found,
                    fmt::format("{} cannot be read, or does not hold this library now, so what lies there was not "
                                "compared (`bae sync` says more)",
                                shown(carrier->url())));
    return audit_blobs(TRY(blob_round(session)), depth);
}

void print(Output& out, const std::vector<std::string>& problems, uint64_t files, const BlobAudit& audit) {
    out.end_progress();
    if (out.json()) {
        out.line(JsonObject()
                     .texts("problems", problems)
                     .count("files", files)
                     .count("blobs", audit.blobs)
                     .count("blobs_to_send", audit.to_send)
                     .count("blobs_missing", audit.missing));
        return;
    }
    for (const std::string& problem : problems) out.line(shown(problem));
    if (audit.to_send > 0) out.note(fmt::format("{} files and pictures are sent again by `bae sync`", audit.to_send));
}

std::string all_is_well(const VerifyCommand& command, uint64_t files, const BlobAudit& audit) {
    std::string what = command.files || command.bucket ? "every object, the state" : "every object and the state";
    if (command.files) what += fmt::format("{}{} files", command.bucket ? ", " : " and ", files);
    if (command.bucket) what += fmt::format(" and {} files and pictures in the bucket", audit.blobs);
    return what + " are as they should be";
}

}  // namespace

Result<ExitCode> run(Session& session, const VerifyCommand& command) {
    std::vector<std::string> problems;
    TRY(check_state(session, problems));
    uint64_t files = 0;
    if (command.files) files = TRY(check_files(session, problems));
    BlobAudit audit;
    if (command.bucket) audit = TRY(check_bucket(session, command.read_data ? AuditDepth::data : AuditDepth::listing));
    problems.insert(problems.end(), audit.problems.begin(), audit.problems.end());
    print(session.out(), problems, files, audit);
    if (problems.empty()) session.out().note(all_is_well(command, files, audit));
    return problems.empty() ? ExitCode::done : ExitCode::failed;
}

}  // namespace bae::node
