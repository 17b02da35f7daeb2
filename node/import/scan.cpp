#include "node/import/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include "node/import/names.h"

namespace bae::node {
namespace {

using Device = std::pair<dev_t, ino_t>;

// Lower is better; pictures without such a name count only where there is just one.
int picture_rank(std::string_view path) {
    const std::string stem = ascii_lower(file_name(path).substr(0, file_name(path).rfind('.')));
    int rank = 0;
    for (const std::string_view name : {"cover", "folder", "front", "album", "albumart"}) {
        if (stem == name) return rank;
        ++rank;
    }
    return stem.find("cover") != std::string::npos || stem.find("front") != std::string::npos ? rank : rank + 1;
}

// What systems and programs keep beside music: metadata, waste, versions, caches. A name that merely begins with a dot
// ("...And Justice for All", ".38 Special") is music like any other.
bool is_housekeeping(std::string_view name) {
    static constexpr std::array<std::string_view, 24> kNames{".",
                                                             "..",
                                                             ".DS_Store",
                                                             ".AppleDouble",
                                                             ".AppleDB",
                                                             ".Spotlight-V100",
                                                             ".fseventsd",
                                                             ".TemporaryItems",
                                                             ".DocumentRevisions-V100",
                                                             ".git",
                                                             ".svn",
                                                             ".hg",
                                                             ".stfolder",
                                                             ".stversions",
                                                             ".sync",
                                                             ".snapshot",
                                                             ".snapshots",
                                                             ".zfs",
                                                             ".cache",
                                                             ".config",
                                                             ".local",
                                                             ".thumbnails",
                                                             ".recycle",
                                                             ".dropbox.cache"};
    if (!name.starts_with('.')) return false;
    for (const std::string_view prefix : {"._", ".Trash", ".import-", ".nfs", ".fuse_hidden", ".~"}) {
        if (name.starts_with(prefix)) return true;
    }
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

class Walk {
  public:
    Walk(Scan& scan, const std::function<bool()>& cancelled) : scan_(scan), cancelled_(cancelled) {}

    Result<void> root(const std::string& path) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0)
            return tl::unexpected(errno_error(errno, "cannot import " + clean_text(path)));
        if (S_ISDIR(info.st_mode))
            directory(path, info);
        else
            file(path, info, true);
        return {};
    }
    // Links to directories come last: where one leads into what was walked already, nothing happens.
    Result<void> finish() {
        while (!links_.empty() && !stopped()) {
            std::vector<std::string> batch = std::exchange(links_, {});
            std::sort(batch.begin(), batch.end());
            for (const std::string& link : batch) {
                struct stat info {};
                if (::stat(link.c_str(), &info) == 0) directory(link, info);
            }
        }
        if (stopped()) return fail(ErrorKind::cancelled, "stopped while looking for files");
        order();
        return {};
    }

  private:
    bool stopped() const { return cancelled_ && cancelled_(); }
    void failed(const std::string& path, std::string reason) { scan_.failed.push_back({path, std::move(reason)}); }

    // Depth is bounded by the longest path the system takes, memory by what one directory lists.
    void directory(const std::string& path, const struct stat& info) {
        if (stopped() || !seen_.insert({info.st_dev, info.st_ino}).second) return;
        const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(path.c_str()), ::closedir);
        if (!opened) return failed(path, errno_error(errno, "cannot list the folder").message);
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* entry = ::readdir(opened.get())) {
            if (!is_housekeeping(entry->d_name)) names.emplace_back(entry->d_name);
        }
        if (errno != 0) failed(path, errno_error(errno, "cannot list the folder to its end").message);
        std::sort(names.begin(), names.end());
        std::vector<std::pair<std::string, struct stat>> below;
        for (const std::string& name : names) entry(::dirfd(opened.get()), path, name, below);
        for (const auto& [child, child_info] : below) directory(child, child_info);
    }

    void entry(int parent, const std::string& folder, const std::string& name,
               std::vector<std::pair<std::string, struct stat>>& below) {
        const std::string path = (folder == "/" ? "" : folder) + "/" + name;
        struct stat info {};
        if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return failed(path, errno_error(errno, "cannot look at it").message);
        const bool link = S_ISLNK(info.st_mode);
        if (link && ::fstatat(parent, name.c_str(), &info, 0) != 0) {
            if (audio_hint(extension(name)) != MediaType::none) failed(path, "a link that leads nowhere");
            return;
        }
        if (!S_ISDIR(info.st_mode))
            file(path, info, false);
        else if (link)
            links_.push_back(path);
        else
            below.emplace_back(path, info);
    }

    void file(const std::string& path, const struct stat& info, bool named) {
        const std::string_view ending = extension(path);
        const MediaType hint = audio_hint(ending);
        if (!S_ISREG(info.st_mode)) {
            if (hint != MediaType::none || named) failed(path, "not a regular file");
            return;
        }
        const ReleaseFolder where = release_folder(path);
        if (is_picture_extension(ending)) {
            folders_[where.path].pictures.push_back(path);
            return;
        }
        if (hint == MediaType::none && is_known_other(ending) && !named) return;
        folders_[where.path].files.push_back({path,
                                              {info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                                               static_cast<int64_t>(info.st_ino)},
                                              hint,
                                              named});
    }

    void order() {
        for (auto& [path, folder] : folders_) {
            if (folder.files.empty()) continue;
            folder.path = path;
            auto by_path = [](const FoundFile& a, const FoundFile& b) {
                return a.path != b.path ? a.path < b.path : a.named > b.named;
            };
            std::sort(folder.files.begin(), folder.files.end(), by_path);
            // a root inside another root
            auto same = [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; };
            folder.files.erase(std::unique(folder.files.begin(), folder.files.end(), same), folder.files.end());
            order_pictures(folder.pictures);
            scan_.files += folder.files.size();
            for (const FoundFile& f : folder.files) scan_.bytes += static_cast<uint64_t>(f.identity.size);
            scan_.folders.push_back(std::move(folder));
        }
        std::sort(scan_.failed.begin(), scan_.failed.end(),
                  [](const auto& a, const auto& b) { return a.path < b.path; });
    }
    static void order_pictures(std::vector<std::string>& pictures) {
        std::sort(pictures.begin(), pictures.end(), [](const std::string& a, const std::string& b) {
            return std::pair(picture_rank(a), std::string_view(a)) < std::pair(picture_rank(b), std::string_view(b));
        });
        constexpr int kUnnamed = 6;
        if (pictures.size() > 1)
            std::erase_if(pictures, [](const std::string& p) { return picture_rank(p) >= kUnnamed; });
    }

    Scan& scan_;
    const std::function<bool()>& cancelled_;
    std::map<std::string, FoundFolder> folders_;
    std::set<Device> seen_;
    std::vector<std::string> links_;
};

}  // namespace

Result<std::string> real_path(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real) return tl::unexpected(errno_error(errno, "cannot import " + clean_text(path)));
    return std::string(real.get());
}

Result<Scan> scan_paths(const std::vector<std::string>& roots, const std::function<bool()>& cancelled) {
    std::vector<std::string> real;
    for (const std::string& root : roots) real.push_back(TRY(real_path(root)));
    std::sort(real.begin(), real.end());
    Scan scan;
    Walk walk(scan, cancelled);
    for (const std::string& root : real) TRY(walk.root(root));
    TRY(walk.finish());
    return scan;
}

ReleaseFolder release_folder(std::string_view file_path) {
    const std::string_view folder = parent_path(file_path);
    const std::optional<DiscSuffix> disc = disc_suffix(file_name(folder));
    if (!disc) return {std::string(folder), 0};
    const std::string_view parent = parent_path(folder);
    if (disc->rest.empty()) return {std::string(parent), disc->disc};
    return {(parent == "/" ? "/" : std::string(parent) + "/") + std::string(disc->rest), disc->disc};
}

}  // namespace bae::node
