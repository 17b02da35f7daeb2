#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "s3/directory_files.h"

namespace bae::s3 {
namespace {

// Names of one directory as they sort in full paths: directories carry their '/', so that "a-b" comes before "a/b".
using Keys = std::vector<std::string>;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

class Listing {
  public:
    Listing(std::string_view prefix, std::string_view after, size_t limit)
        : prefix_(prefix), after_(after), limit_(limit) {}

    // Everything below `directory`, whose paths begin with `base`; false once the page is full.
    Result<bool> visit(int directory, const std::string& base) {
        Keys keys = TRY(read_keys(directory, base));
        // A heap, because a page needs the smallest few of what may be a hundred thousand names.
        std::make_heap(keys.begin(), keys.end(), std::greater<>());
        while (!keys.empty()) {
            std::pop_heap(keys.begin(), keys.end(), std::greater<>());
            const std::string key = std::move(keys.back());
            keys.pop_back();
            const bool more = key.back() == '/' ? TRY(descend(directory, base, key)) : TRY(add(directory, base, key));
            if (!more) return false;
        }
        return true;
    }
    ListPage page() && { return std::move(page_); }

  private:
    Result<Keys> read_keys(int directory, const std::string& base) const {
        const auto fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const OpenDirectory stream(fd < 0 ? nullptr : ::fdopendir(fd));
        if (!stream) return tl::unexpected(errno_error(errno, "cannot list " + (base.empty() ? "the bucket" : base)));
        Keys keys;
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(stream.get());
            if (entry == nullptr && errno != 0) return tl::unexpected(errno_error(errno, "cannot list " + base));
            if (entry == nullptr) return keys;
            std::string key = key_of(directory, *entry);
            if (!key.empty() && is_wanted(base + key)) keys.push_back(std::move(key));
        }
    }

    static std::string key_of(int directory, const dirent& entry) {
        std::string name = entry.d_name;
        if (!is_path_segment(name)) return {};
        unsigned type = entry.d_type;
        struct stat status {};
        if (type == DT_UNKNOWN && ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
        if (type == DT_DIR) return name + '/';
        return type == DT_REG ? name : std::string();
    }

    // `base` holds every whole segment of the prefix, so what is below must begin with all of it.
    bool is_wanted(std::string_view path) const {
        if (!path.starts_with(prefix_)) return false;
        if (path.back() == '/') return path > after_ || after_.starts_with(path);
        return path > after_ && check_path(path).has_value();
    }

    Result<bool> descend(int directory, const std::string& base, const std::string& key) {
        auto child = open_directory(directory, key.substr(0, key.size() - 1));
        if (!child && child.error().kind == ErrorKind::not_found) return true;  // removed meanwhile
        const std::string path = base + key;
        const Descriptor opened = TRY_CONTEXT(std::move(child), "cannot list " + path);
        if (!check_path(path + "a")) return true;  // too deep for an object
        return visit(opened.get(), path);
    }

    Result<bool> add(int directory, const std::string& base, const std::string& name) {
        if (page_.objects.size() == limit_) {
            page_.truncated = true;
            return false;
        }
        struct stat status {};
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) return true;  // removed meanwhile
            return tl::unexpected(errno_error(errno, base + name));
        }
        if (S_ISREG(status.st_mode)) page_.objects.push_back(object_info(base + name, status));
        return true;
    }

    const std::string_view prefix_;
    const std::string_view after_;
    const size_t limit_;
    ListPage page_;
};

}  // namespace

Result<ListPage> list_directory(int root, std::string_view prefix, std::string_view after, size_t limit) {
    const size_t slash = prefix.rfind('/');
    const std::string base(prefix.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
    auto place = find_place(root, base);
    if (!place && place.error().kind == ErrorKind::not_found) return ListPage{};
    const Place start = TRY_CONTEXT(std::move(place), "cannot list " + base);
    Listing listing(prefix, after, limit);
    TRY(listing.visit(start.directory.get(), base));
    return std::move(listing).page();
}

}  // namespace bae::s3
