#include "node/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "crypto/base/crash_point.h"
#include "node/files.h"
#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kFirstLine = "bae library 1\n";
constexpr size_t kMaxRecordBytes = 4096;

fs::path founding(const HomePaths& home) { return home.root / ".founding"; }
fs::path founded(const HomePaths& home) { return home.root / ".founded"; }

// The record goes last: until it stands in the home, nobody takes the rest for a library.
Result<void> move_up(const HomePaths& home) {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(founded(home), failed)) names.push_back(entry.path().filename());
    if (failed) return tl::unexpected<Error>(errno_error(failed.value(), shown(founded(home).native())));
    const std::string last = home.record().filename();
    for (const bool record : {false, true}) {
        for (const std::string& name : names) {
            if ((name == last) != record) continue;
            TRY(rename_file(founded(home) / name, home.root / name));
            CRASH_POINT("home: part moved");
        }
        TRY(sync_directory(home.root));
    }
    fs::remove(founded(home), failed);
    return {};
}

Result<int> lock_home(const HomePaths& home) {
    const int lock = open(home.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) return tl::unexpected<Error>(errno_error(errno, shown(home.root.native())));
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
    close(lock);
    return tl::unexpected<Error>(
        {ErrorKind::retry,
         fmt::format("{}: another bae is making a library here; wait until it is done", shown(home.root.native())),
         Cause::locked});
}

Result<void> finish_founding(const HomePaths& home) {
    const int lock = TRY(lock_home(home));
    const Result<void> moved = file_exists(founded(home)) ? move_up(home) : Result<void>();
    close(lock);
    return moved;
}

template <class T>
Result<T> field(std::string_view& text, std::string_view name) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == text.npos || !line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') {
        return fail(ErrorKind::corrupt, fmt::format("the line \"{}\" is missing", name));
    }
    text.remove_prefix(end + 1);
    return T::parse(line.substr(name.size() + 1));
}

}  // namespace

std::string HomeRecord::text() const {
    return fmt::format("{}library {}\ndevice {}\nidentity {}\n", kFirstLine, library.text(), device.text(),
                       identity.text());
}

Result<HomeRecord> HomeRecord::parse(std::string_view text) {
    if (!text.starts_with(kFirstLine)) {
        const bool newer = text.starts_with("bae library ");
        return fail(newer ? ErrorKind::upgrade_needed : ErrorKind::corrupt,
                    newer ? "made by a newer version of bae: upgrade this one" : "this is not what bae wrote");
    }
    text.remove_prefix(kFirstLine.size());
    HomeRecord record;
    record.library = TRY(field<crypto::LibraryId>(text, "library"));
    record.device = TRY(field<crypto::DeviceId>(text, "device"));
    record.identity = TRY(field<crypto::IdentityPublicKey>(text, "identity"));
    if (!text.empty()) return fail(ErrorKind::corrupt, "there is more in it than bae wrote");
    return record;
}

Result<HomePaths> locate_home(const std::optional<fs::path>& explicit_home, Environment environment) {
    std::error_code failed;
    if (explicit_home) {
        if (explicit_home->empty()) return fail(ErrorKind::invalid_input, "the home is empty text; name a directory");
        return HomePaths{fs::absolute(*explicit_home, failed).lexically_normal()};
    }
    if (const auto xdg = environment("XDG_DATA_HOME")) return HomePaths{fs::path(*xdg) / "bae"};
    if (const auto home = environment("HOME")) return HomePaths{fs::path(*home) / ".local/share/bae"};
    return fail(ErrorKind::invalid_input, "neither $XDG_DATA_HOME nor $HOME is set: name the library with --home DIR");
}

Result<HomeRecord> read_home(const HomePaths& home) {
    if (!file_exists(home.record())) {
        if (file_exists(founded(home))) TRY_CONTEXT(finish_founding(home), "finishing the new library");
    }
    const Result<std::string> text = read_small_file(home.record(), kMaxRecordBytes);
    if (!text && text.error().kind == ErrorKind::not_found) {
        return fail(
            ErrorKind::not_found,
            fmt::format("there is no library in {}: make one with `bae init`, bring yours here with `bae restore`, "
                        "or name another place with --home DIR",
                        shown(home.root.native())));
    }
    if (!text) return tl::unexpected<Error>(text.error());
    return TRY_CONTEXT(HomeRecord::parse(*text), shown(home.record().native()));
}

NewHome::NewHome(HomePaths home, int lock) : home_(std::move(home)), staging_{founding(home_)}, lock_(lock) {}

NewHome::NewHome(NewHome&& other) noexcept
    : home_(std::move(other.home_)), staging_(std::move(other.staging_)), lock_(std::exchange(other.lock_, -1)) {}

NewHome::~NewHome() {
    if (lock_ < 0) return;
    std::error_code ignored;
    fs::remove_all(staging_.root, ignored);
    close(lock_);
}

Result<NewHome> NewHome::begin(const HomePaths& home) {
    TRY(make_directories(home.root));
    NewHome made(home, TRY(lock_home(home)));
    if (file_exists(founded(home))) TRY(move_up(home));
    for (const fs::path& taken : {home.record(), home.database(), home.mirror()}) {
        if (!file_exists(taken)) continue;
        return fail(ErrorKind::conflict,
                    fmt::format("{} holds a library already ({} is there); use another --home for a new one",
                                shown(home.root.native()), taken.filename().native()));
    }
    std::error_code failed;
    if (fs::is_empty(home.root, failed)) chmod(home.root.c_str(), 0700);  // an empty directory that was there before
    fs::remove_all(made.staging_.root, failed);
    if (failed) return tl::unexpected<Error>(errno_error(failed.value(), shown(made.staging_.root.native())));
    TRY(make_directories(made.staging_.root));
    for (const fs::path& directory : {made.staging_.files(), made.staging_.artwork(), made.staging_.cache()}) {
        if (!file_exists(home.root / directory.filename())) TRY(make_directories(directory));
    }
    if (file_exists(home.secrets())) TRY(copy_private_file(home.secrets(), made.staging_.secrets()));
    return made;
}

Result<void> NewHome::commit(const HomeRecord& record) {
    TRY(write_file_durably(staging_.record(), as_bytes(record.text()), 0600));
    CRASH_POINT("home: recorded");
    TRY(sync_file_system(staging_.root));
    TRY(rename_file(staging_.root, founded(home_)));
    TRY(sync_directory(home_.root));
    CRASH_POINT("home: committed");
    return move_up(home_);
}

}  // namespace bae::node
