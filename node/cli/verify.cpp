#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/files.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

struct LocalFile {
    std::string path;
    Bytes hash;
};

Result<std::vector<LocalFile>> local_files(sync::Database& database) {
    std::vector<LocalFile> files;
    const auto reader = TRY(database.read());
    TRY(reader->each("SELECT path, file_hash FROM local_files WHERE state = 'present' ORDER BY path",
                     [&](const sync::sqlite::Statement& row) {
                         files.push_back({row.string(0), to_bytes(row.blob(1))});
                     }));
    return files;
}

// What is wrong with it, or nothing.
Result<std::string> check_file(const LocalFile& wanted) {
    const Result<File> file = File::open_to_read(wanted.path);
    if (!file) return file.error().message + " (bring it back, or import it from where it is now)";
    crypto::Sha256 sha;
    Bytes buffer(1 << 20);
    for (uint64_t at = 0;;) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const Result<size_t> size = file->read(at, buffer);
        if (!size) return size.error().message;
        if (*size == 0) break;
        sha.update(ByteView(buffer).first(*size));
        at += *size;
    }
    if (equal(sha.finish().view(), wanted.hash)) return std::string();
    return fmt::format("{}: its bytes are not those that were imported (import it again, or `bae get` its release)",
                       shown(wanted.path));
}

Result<uint64_t> check_files(Session& session, std::vector<std::string>& problems) {
    const std::vector<LocalFile> files = TRY(local_files(*TRY(session.database())));
    for (size_t i = 0; i < files.size(); ++i) {
        std::string problem = TRY(check_file(files[i]));
        if (!problem.empty()) problems.push_back(std::move(problem));
        session.out().progress("files", i + 1, files.size(), files[i].path);
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

}  // namespace

Result<ExitCode> run(Session& session, const VerifyCommand& command) {
    std::vector<std::string> problems;
    TRY(check_state(session, problems));
    uint64_t files = 0;
    if (command.files) files = TRY(check_files(session, problems));
    Output& out = session.out();
    out.end_progress();
    if (out.json())
        out.line(JsonObject().texts("problems", problems).count("files", files));
    else
        for (const std::string& problem : problems) out.line(shown(problem));
    if (problems.empty())
        out.note(command.files ? fmt::format("every object, the state and {} files are as they should be", files)
                               : "every object and the state are as they should be");
    return problems.empty() ? ExitCode::done : ExitCode::failed;
}

}  // namespace bae::node
