#pragma once
// The readers of an import: a few threads that read files in order and hand over whole folders, grouped, in order. They
// never run far ahead of the writer, so that memory does not grow with the library.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "node/import/grouping.h"
#include "node/import/import.h"

namespace bae::node {

struct PreparedFolder {
    std::vector<ReleaseGroup> groups;
    std::vector<FailedFile> failed, notes;
    std::vector<std::string> damaged;  // of the failed: those whose bytes are to blame
};

class ReadPool {
  public:
    // `options` outlives the pool.
    ReadPool(std::vector<FoundFolder> folders, const ImportOptions& options);
    ~ReadPool();  // stops and joins
    ReadPool(const ReadPool&) = delete;
    ReadPool& operator=(const ReadPool&) = delete;

    // The next folder; nothing after 100 ms if it is not ready, see finished().
    std::optional<PreparedFolder> next();
    bool finished() const { return consumed_ == folders_.size(); }
    void add_progress(ImportProgress& progress) const;

  private:
    struct Folder {
        FoundFolder found;
        std::vector<ImportFile> files;
        std::map<std::string, Bytes> pictures;  // by the path of the file they came in
        size_t left = 0;
        bool done = false;
        PreparedFolder prepared;
    };
    struct Claim {
        Folder* folder = nullptr;
        const FoundFile* file = nullptr;
    };

    void run();
    std::optional<Claim> claim();
    void take(const Claim& claim, Result<ReadFile> read);
    void keep_picture(Folder& folder, const std::string& path, Bytes picture);
    void finish(Folder& folder);
    void add_pictures(Folder& folder);
    std::optional<StoredPicture> folder_picture(Folder& folder);
    bool stopped() const;

    const ImportOptions& options_;
    std::vector<Folder> folders_;
    mutable std::mutex mutex_;  // guards all below, and what of a folder is not done
    std::condition_variable ready_, room_;
    size_t next_folder_ = 0, next_file_ = 0, consumed_ = 0;
    bool stop_ = false;
    uint64_t files_done_ = 0, bytes_done_ = 0;
    std::string current_;
    std::vector<std::jthread> threads_;
};

}  // namespace bae::node
