#include "s3/directory_bucket.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "s3/directory_files.h"
#include "s3/temporary_file.h"

namespace bae::s3 {
namespace {

struct OpenObject {
    Descriptor file;
    uint64_t size = 0;
};

Result<OpenObject> open_object(int root, std::string_view path) {
    auto found = find_place(root, path);
    if (!found && found.error().kind == ErrorKind::not_found)
        found.error().message = std::string(path) + " is not in the bucket";
    const Place place = TRY(std::move(found));
    // O_NONBLOCK: a pipe that somebody put there must not stop us.
    Descriptor file(
        ::openat(place.directory.get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file && errno != ENOENT && errno != ELOOP && errno != ENXIO) return tl::unexpected(errno_error(errno, path));
    if (file && ::fstat(file.get(), &status) != 0) return tl::unexpected(errno_error(errno, path));
    if (!file || !S_ISREG(status.st_mode))
        return fail(ErrorKind::not_found, std::string(path) + " is not in the bucket");
    return OpenObject{std::move(file), static_cast<uint64_t>(status.st_size)};
}

Result<Bytes> read_part(const OpenObject& object, uint64_t offset, uint64_t length, std::string_view path) {
    Bytes bytes(length);
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t got =
            ::pread(object.file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(errno_error(errno, "cannot read " + std::string(path)));
        if (got == 0) return fail(ErrorKind::retry, std::string(path) + " was cut short while it was read");
        done += static_cast<size_t>(got);
    }
    return bytes;
}

class DirectoryBucket : public Bucket {
  public:
    DirectoryBucket(DirectoryOptions options, FileCalls calls)
        : options_(std::move(options)), calls_(std::move(calls)) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const OpenObject object = TRY(open_object(root.get(), path));
        if (object.size > max_bytes)
            return fail(ErrorKind::corrupt, std::string(path) + " has " + std::to_string(object.size) +
                                                " bytes, more than the " + std::to_string(max_bytes) + " it may have");
        return read_part(object, 0, object.size, path);
    }

    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const OpenObject object = TRY(open_object(root.get(), path));
        if (offset > object.size)
            return fail(ErrorKind::invalid_input, std::string(path) + " ends before byte " + std::to_string(offset));
        return read_part(object, offset, std::min(length, object.size - offset), path);
    }

    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const Place place = TRY_CONTEXT(make_place(root.get(), path, calls_), path);
        PutOutcome outcome = PutOutcome::exists;
        if (!TRY(is_taken(place, path))) {
            TemporaryFile file = TRY_CONTEXT(TemporaryFile::write(root.get(), body, calls_, options_.durability), path);
            outcome = TRY(file.publish_if_absent(place, path, calls_));
        }
        // Also for `exists`: whoever created it may have died before this.
        TRY(finish(place));
        return outcome;
    }

    Result<void> put(std::string_view path, Body& body) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const Place place = TRY_CONTEXT(make_place(root.get(), path, calls_), path);
        TemporaryFile file = TRY_CONTEXT(TemporaryFile::write(root.get(), body, calls_, options_.durability), path);
        TRY(file.publish(place, path));
        return finish(place);
    }

    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        TRY(check_list(prefix, limit));
        const Descriptor root = TRY(open_root(options_.root));
        return list_directory(root.get(), prefix, after, limit);
    }

    Result<void> remove(std::string_view path) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const auto place = find_place(root.get(), path);
        if (!place && place.error().kind == ErrorKind::not_found) return {};
        if (!place) return tl::unexpected(context(place.error(), path));
        if (::unlinkat(place->directory.get(), place->name.c_str(), 0) == 0 || errno == ENOENT || errno == EISDIR)
            return {};
        return tl::unexpected(errno_error(errno, "cannot remove " + std::string(path)));
    }

    Result<ObjectInfo> stat(std::string_view path) override {
        TRY(check_path(path));
        const Descriptor root = TRY(open_root(options_.root));
        const Place place = TRY_CONTEXT(find_place(root.get(), path), path);
        return object_info(std::string(path), TRY(object_status(place, path)));
    }

    std::string describe() const override { return "directory " + options_.root.string(); }

  private:
    Result<void> finish(const Place& place) const {
        if (options_.durability == Durability::unsynced) return {};
        return sync_directory(calls_, place.directory.get(), "of " + place.name);
    }

    const DirectoryOptions options_;
    const FileCalls calls_;
};

}  // namespace

Result<std::unique_ptr<Bucket>> open_directory_bucket(DirectoryOptions options, FileCalls calls) {
    if (options.root.empty()) return fail(ErrorKind::invalid_input, "a directory bucket needs the name of a directory");
    std::error_code error;
    options.root = std::filesystem::absolute(options.root, error);
    if (error) return fail(ErrorKind::retry, "the current directory is not reachable: " + error.message());
    if (options.policy == RootPolicy::create) {
        TRY(make_root(options, calls));
        const Descriptor root = TRY(open_root(options.root));
        remove_stale_temporaries(root.get());
    } else if (const auto root = open_root(options.root); !root && root.error().kind == ErrorKind::invalid_input) {
        return tl::unexpected(root.error());
    }
    return std::make_unique<DirectoryBucket>(std::move(options), std::move(calls));
}

Result<std::unique_ptr<Bucket>> open_directory_bucket(DirectoryOptions options) {
    return open_directory_bucket(std::move(options), system_file_calls());
}

}  // namespace bae::s3
