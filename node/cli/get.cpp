#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "node/blobs/fetch.h"
#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/files.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

struct Totals {
    uint64_t releases = 0, files = 0, fetched = 0, present = 0, absent = 0, failed = 0, bytes = 0;
    uint64_t missing() const { return absent + failed; }
};

// The releases that an id stands for: itself, an album's, that of a track or file.
Result<std::vector<std::string>> releases_of(Session& session, sync::sqlite::Connection& connection,
                                             const std::string& id) {
    const RowName row = TRY(find_row(session, connection, {"releases", "albums", "tracks", "release_files"}, id));
    if (row.table == "releases") return std::vector<std::string>{row.id};
    const bool album = row.table == "albums";
    std::vector<std::string> found;
    TRY(connection.each(
        album ? std::string("SELECT id FROM releases WHERE album_id = ? ORDER BY id")
              : fmt::format("SELECT release_id FROM {} WHERE id = ?", row.table),
        [&](const sync::sqlite::Statement& release) { found.push_back(release.string(0)); }, row.id));
    if (found.empty())
        return fail(ErrorKind::not_found,
                    fmt::format("album {} has no release whose files could be fetched", shown(row.id)));
    return found;
}

Result<std::vector<std::string>> releases_of(Session& session, const std::vector<std::string>& ids) {
    const auto reader = TRY(TRY(session.database())->read());
    std::vector<std::string> all;
    for (const std::string& id : ids) {
        for (std::string& release : TRY(releases_of(session, *reader, id))) {
            if (std::find(all.begin(), all.end(), release) == all.end()) all.push_back(std::move(release));
        }
    }
    return all;
}

std::string_view to_string(FetchedFile::State state) {
    switch (state) {
        case FetchedFile::State::present:
            return "present";
        case FetchedFile::State::fetched:
            return "fetched";
        case FetchedFile::State::copied:
            return "copied";
        case FetchedFile::State::absent:
            return "absent";
        case FetchedFile::State::failed:
            return "failed";
    }
    return "failed";
}

bool is_here(FetchedFile::State state) {
    return state != FetchedFile::State::absent && state != FetchedFile::State::failed;
}

void count(Totals& totals, const FetchedFile& file, uint64_t size) {
    ++totals.files;
    if (file.state == FetchedFile::State::absent)
        ++totals.absent;
    else if (file.state == FetchedFile::State::failed)
        ++totals.failed;
    else if (file.state == FetchedFile::State::present)
        ++totals.present;
    else
        ++totals.fetched, totals.bytes += size;
}

// available, else the first reason that something is not.
std::string state_of(std::span<const FetchedFile> files) {
    for (const FetchedFile& file : files) {
        if (!is_here(file.state)) return file.state == FetchedFile::State::absent ? file.reason : "failed";
    }
    return "available";
}

void print_release(Output& out, const std::string& id, const std::string& label, std::span<const WantedFile> wanted,
                   std::span<const FetchedFile> files) {
    std::vector<JsonObject> json;
    std::string folder;
    for (size_t i = 0; i < files.size(); ++i) {
        if (is_here(files[i].state))
            folder = files[i].path.parent_path().native();
        else if (!out.json())
            out.warn(fmt::format("{}: {}", shown(wanted[i].blob.name), shown(files[i].reason)));
        json.push_back(JsonObject()
                           .text("id", wanted[i].blob.row_id)
                           .text("name", wanted[i].blob.name)
                           .text("state", to_string(files[i].state))
                           .text("path", files[i].path.native())
                           .text("reason", files[i].reason));
    }
    if (out.json())
        out.line(JsonObject()
                     .text("release", id)
                     .text("title", label)
                     .text("state", state_of(files))
                     .objects("files", json));
    else
        out.note(fmt::format("{}: {}{}", shown(label), shown(state_of(files)),
                             folder.empty() ? "" : " in " + shown(folder)));
}

Result<BlobRound> round_of(Session& session) {
    BlobRound round{.database = *TRY(session.database()),
                    .replica = *TRY(session.replica()),
                    .home = TRY(session.paths()),
                    .device = TRY(session.record()).device,
                    .workers = session.config().bucket_workers,
                    .out = session.out()};
    if (TRY(session.carrier_url()).empty()) return round;
    Carrier* carrier = TRY(session.carrier());
    round.bucket = &carrier->bucket();
    round.carrier_url = carrier->url();
    return round;
}

// What is wanted of one release: a part of all that is.
struct WantedRelease {
    std::string id, label;
    size_t first = 0, count = 0, left = 0;
};

// All releases at once, so that the last file of one holds up no file of the next.
class Getting {
  public:
    Getting(Session& session, const BlobRound& round) : out_(session.out()), round_(round) {}

    Result<void> add(const std::string& id, const std::filesystem::path& to) {
        std::vector<WantedFile> files = TRY(wanted_files(round_.database, round_.home, to, id));
        releases_.push_back({.id = id,
                             .label = TRY(label_of(*TRY(round_.database.read()), {"releases", id})),
                             .first = wanted_.size(),
                             .count = files.size(),
                             .left = files.size()});
        release_of_.resize(wanted_.size() + files.size(), releases_.size() - 1);
        std::move(files.begin(), files.end(), std::back_inserter(wanted_));
        return {};
    }

    Result<Totals> run(bool remember) {
        files_.resize(wanted_.size());
        const std::vector<FetchedFile> files =
            TRY(fetch_files(round_, wanted_, remember, [this](size_t i, const FetchedFile& file) { note(i, file); }));
        Totals totals{.releases = releases_.size()};
        for (size_t i = 0; i < files.size(); ++i) count(totals, files[i], wanted_[i].blob.size);
        files_ = files;
        for (WantedRelease& release : releases_) {
            if (release.left > 0 || release.count == 0) print(release);
        }
        return totals;
    }

  private:
    void note(size_t index, const FetchedFile& file) {
        files_[index] = file;
        WantedRelease& release = releases_[release_of_[index]];
        if (--release.left == 0) print(release);
    }
    void print(const WantedRelease& release) const {
        print_release(out_, release.id, release.label, std::span(wanted_).subspan(release.first, release.count),
                      std::span(files_).subspan(release.first, release.count));
    }

    Output& out_;
    const BlobRound& round_;
    std::vector<WantedRelease> releases_;
    std::vector<WantedFile> wanted_;
    std::vector<size_t> release_of_;  // of each file
    std::vector<FetchedFile> files_;
};

void print_totals(Output& out, const Totals& totals) {
    if (out.json()) {
        out.line(JsonObject()
                     .count("releases", totals.releases)
                     .count("files", totals.files)
                     .count("fetched", totals.fetched)
                     .count("present", totals.present)
                     .count("absent", totals.absent)
                     .count("failed", totals.failed)
                     .count("bytes", totals.bytes));
        return;
    }
    out.note(fmt::format("{} files: {} got ({}), {} were here, {} could not be had", totals.files, totals.fetched,
                         size_text(totals.bytes), totals.present, totals.missing()));
}

}  // namespace

Result<ExitCode> run(Session& session, const GetCommand& command) {
    std::filesystem::path to;
    if (command.to) {
        std::error_code failed;
        to = std::filesystem::absolute(*command.to, failed).lexically_normal();
        TRY(make_directories(to, 0777));
    }
    const std::vector<std::string> releases = TRY(releases_of(session, command.ids));
    const BlobRound round = TRY(round_of(session));
    Getting getting(session, round);
    for (const std::string& id : releases) TRY(getting.add(id, to));
    const Totals totals = TRY(getting.run(to.empty()));
    print_totals(session.out(), totals);
    if (totals.missing() == 0) return ExitCode::done;
    return totals.missing() == totals.files ? ExitCode::failed : ExitCode::partly;
}

}  // namespace bae::node
