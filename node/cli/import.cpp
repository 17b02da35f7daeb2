#include "node/import/import.h"

#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/files.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

Result<ImportOptions> options_of(Session& session, const ImportCommand& command) {
    const HomePaths home = TRY(session.paths());
    ImportOptions options{.paths = command.paths,
                          .artwork_dir = home.artwork().native(),
                          .dry_run = command.dry_run,
                          .again = command.again};
    options.threads = static_cast<unsigned>(session.config().import_threads);
    options.cancelled = interrupted;
    options.on_progress = [&out = session.out()](const ImportProgress& at) {
        const char* phase = at.phase == ImportProgress::Phase::looking   ? "looking"
                            : at.phase == ImportProgress::Phase::reading ? "reading"
                                                                         : "finishing";
        out.progress(phase, at.files_done, at.files_total, at.current);
    };
    if (command.dry_run) return options;
    TRY(make_directories(home.artwork()));
    options.key_epoch = TRY(session.replica())->current_key().text();
    if (!command.copy) return options;
    TRY(make_directories(home.files()));
    options.copy_to = home.files().native();
    return options;
}

std::vector<JsonObject> json_of(const std::vector<FailedFile>& files) {
    std::vector<JsonObject> objects;
    for (const FailedFile& file : files)
        objects.push_back(JsonObject().text("path", file.path).text("reason", file.reason));
    return objects;
}

void print_json(Output& out, const ImportReport& report, bool dry_run) {
    out.line(JsonObject()
                 .boolean("dry_run", dry_run)
                 .count("releases", report.releases)
                 .count("tracks", report.tracks)
                 .count("files", report.files)
                 .count("skipped", report.skipped_unchanged)
                 .count("updated", report.updated)
                 .count("known", report.known)
                 .count("moved", report.moved)
                 .count("missing", report.missing)
                 .objects("failed", json_of(report.failed))
                 .objects("notes", json_of(report.notes)));
}

void print_changes(Output& out, const ImportReport& report, bool dry_run) {
    for (const ImportedRelease& release : report.changes) {
        const char* what = release.what == ImportedRelease::What::added    ? "+"
                           : release.what == ImportedRelease::What::joined ? "*"
                                                                           : "~";
        if (dry_run)
            out.line(fmt::format("{} {} - {} ({} tracks)", what, shown(release.artist), shown(release.title),
                                 release.tracks));
    }
}

void print_people(Output& out, const ImportReport& report, bool dry_run) {
    print_changes(out, report, dry_run);
    for (const FailedFile& file : report.failed) out.warn(fmt::format("{}: {}", shown(file.path), shown(file.reason)));
    std::string line =
        fmt::format("{}{} releases, {} tracks, {} files; {} skipped, {} failed", dry_run ? "would add " : "",
                    report.releases, report.tracks, report.files, report.skipped_unchanged, report.failed.size());
    if (report.updated > 0) line += fmt::format(", {} updated", report.updated);
    if (report.moved > 0) line += fmt::format(", {} moved", report.moved);
    if (report.known > 0) line += fmt::format(", {} known already", report.known);
    if (report.missing > 0) line += fmt::format(", {} missing", report.missing);
    out.line(line);
}

// A library without a carrier has nothing but its mirror to be restored from.
Result<void> seal_without_carrier(Session& session) {
    return TRY(session.carrier_url()).empty() ? TRY(session.replica())->seal() : Result<void>();
}

}  // namespace

Result<ExitCode> run(Session& session, const ImportCommand& command) {
    TRY(session.record());
    const ImportOptions options = TRY(options_of(session, command));
    const Result<ImportReport> report = run_import(*TRY(session.database()), options);
    session.out().end_progress();
    if (!report) return tl::unexpected<Error>(report.error());
    if (!command.dry_run) TRY(seal_without_carrier(session));
    if (session.out().json())
        print_json(session.out(), *report, command.dry_run);
    else
        print_people(session.out(), *report, command.dry_run);
    return report->failed.empty() ? ExitCode::done : ExitCode::partly;
}

}  // namespace bae::node
