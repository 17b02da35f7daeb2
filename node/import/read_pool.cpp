#include "node/import/read_pool.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "node/import/artwork.h"
#include "node/import/names.h"

namespace bae::node {
namespace {

constexpr size_t kFoldersAhead = 128;
constexpr size_t kPicturesPerFolder = 16;  // of the first files by path; the rest of a folder that has more is left out

}  // namespace

ReadPool::ReadPool(std::vector<FoundFolder> folders, const ImportOptions& options)
    : options_(options), folders_(folders.size()) {
    for (size_t i = 0; i < folders.size(); ++i) {
        folders_[i].left = folders[i].files.size();
        folders_[i].found = std::move(folders[i]);
    }
    const unsigned wanted = options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < wanted; ++i) threads_.emplace_back([this] { run(); });
}

ReadPool::~ReadPool() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    room_.notify_all();
    threads_.clear();
    for (const Folder& folder : folders_) {
        for (const ImportFile& file : folder.files) {
            if (!file.read.temporary_copy.empty()) ::unlink(file.read.temporary_copy.c_str());
        }
    }
}

std::optional<PreparedFolder> ReadPool::next() {
    std::unique_lock lock(mutex_);
    const auto is_ready = [this] { return finished() || folders_[consumed_].done; };
    if (!ready_.wait_for(lock, std::chrono::milliseconds(100), is_ready) || finished()) return std::nullopt;
    PreparedFolder prepared = std::move(folders_[consumed_].prepared);
    folders_[consumed_].found = {};
    ++consumed_;
    room_.notify_all();
    return prepared;
}

void ReadPool::add_progress(ImportProgress& progress) const {
    const std::lock_guard lock(mutex_);
    progress.files_done = files_done_;
    progress.bytes_done = bytes_done_;
    progress.current = current_;
}

bool ReadPool::stopped() const { return options_.cancelled && options_.cancelled(); }

void ReadPool::run() {
    FileReader reader(options_.copy_to && !options_.dry_run ? *options_.copy_to : std::string());
    while (const std::optional<Claim> work = claim()) {
        if (stopped()) {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            room_.notify_all();
            return;
        }
        take(*work, reader.read(work->file->path, work->file->hint));
    }
}

std::optional<ReadPool::Claim> ReadPool::claim() {
    std::unique_lock lock(mutex_);
    room_.wait(lock,
               [this] { return stop_ || next_folder_ >= folders_.size() || next_folder_ < consumed_ + kFoldersAhead; });
    if (stop_ || next_folder_ >= folders_.size()) return std::nullopt;
    Folder& folder = folders_[next_folder_];
    const Claim claimed{&folder, &folder.found.files[next_file_]};
    if (++next_file_ == folder.found.files.size()) {
        ++next_folder_;
        next_file_ = 0;
    }
    return claimed;
}

void ReadPool::take(const Claim& work, Result<ReadFile> read) {
    Folder& folder = *work.folder;
    const std::string& path = work.file->path;
    {
        const std::lock_guard lock(mutex_);
        ++files_done_;
        bytes_done_ += static_cast<uint64_t>(work.file->identity.size);
        current_ = path;
        if (!read) {
            folder.prepared.failed.push_back({path, read.error().message});
            if (read.error().kind == ErrorKind::corrupt) folder.prepared.damaged.push_back(path);
        } else if (read->type != MediaType::none) {
            for (std::string& note : read->notes) folder.prepared.notes.push_back({path, std::move(note)});
            if (read->picture) keep_picture(folder, path, std::move(*read->picture));
            read->picture.reset();
            const FileIdentity identity = read->identity;
            folder.files.push_back(
                {path, path, identity, release_folder(path).disc, work.file->named, std::move(*read)});
        }
        if (--folder.left > 0) return;
    }
    finish(folder);
    const std::lock_guard lock(mutex_);
    folder.done = true;
    ready_.notify_all();
}

void ReadPool::keep_picture(Folder& folder, const std::string& path, Bytes picture) {
    folder.pictures.emplace(path, std::move(picture));
    if (folder.pictures.size() > kPicturesPerFolder) folder.pictures.erase(std::prev(folder.pictures.end()));
}

// By the last reader of the folder, alone: it is no longer claimed and not yet done.
void ReadPool::finish(Folder& folder) {
    auto by_path = [](const FailedFile& a, const FailedFile& b) { return a.path < b.path; };
    std::stable_sort(folder.prepared.failed.begin(), folder.prepared.failed.end(), by_path);
    std::stable_sort(folder.prepared.notes.begin(), folder.prepared.notes.end(), by_path);
    folder.prepared.groups = group_files(folder.found.path, std::exchange(folder.files, {}));
    add_pictures(folder);
    folder.pictures.clear();
}

// A picture in the folder is the cover of the one release there; otherwise, and where there is none, that of the first
// file.
void ReadPool::add_pictures(Folder& folder) {
    std::vector<ReleaseGroup>& groups = folder.prepared.groups;
    if (groups.empty()) return;
    const std::string store = options_.dry_run ? std::string() : options_.artwork_dir;
    if (groups.size() == 1) groups[0].picture = folder_picture(folder);
    for (ReleaseGroup& group : groups) {
        for (const ImportFile& file : group.files) {
            if (group.picture) break;
            const auto found = folder.pictures.find(file.source);
            if (found == folder.pictures.end()) continue;
            Result<std::optional<StoredPicture>> stored = store_picture(store, found->second);
            if (stored)
                group.picture = *stored;
            else
                folder.prepared.failed.push_back({file.source, "its picture: " + stored.error().message});
        }
    }
}

std::optional<StoredPicture> ReadPool::folder_picture(Folder& folder) {
    const std::string store = options_.dry_run ? std::string() : options_.artwork_dir;
    for (const std::string& path : folder.found.pictures) {
        const Result<Bytes> bytes = read_whole(path, kMaxPictureBytes);
        const Result<std::optional<StoredPicture>> stored =
            bytes ? store_picture(store, *bytes) : tl::unexpected(bytes.error());
        if (!stored)
            folder.prepared.failed.push_back({path, stored.error().message});
        else if (*stored)
            return *stored;
        else
            folder.prepared.failed.push_back({path, "not a picture, whatever its name says"});
    }
    return std::nullopt;
}

}  // namespace bae::node
