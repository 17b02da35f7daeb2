#pragma once
// Where a library lives on this device, and how one comes to be.
//
//   library.db      rows (and -wal, -shm beside it)
//   mirror/         every object of the library this device has, a directory bucket
//   files/          audio that was fetched or imported with --copy
//   artwork/        pictures, named by the SHA-256 of their bytes
//   cache/          parts of files being fetched; may be deleted at any time
//   secrets         the secret store
//   sync.lock       empty; locked by the process that syncs (round_lock.h)
//   blobs.lock      the same, of the process that sends audio
//   node.lock       locked by the daemon; its process id (runtime/node_lock.h)
//   node.json       what the daemon does; of no meaning while none runs
//   library.id      text: library, device and person; written last, so where it is, there is a whole library
//
// A new home is built in .founding inside the directory. Renaming that to .founded is the moment the library exists;
// then its parts move up one by one. Who finds .founded finishes the moving; who finds .founding starts over.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "crypto/ids.h"
#include "node/config.h"

namespace bae::node {

struct HomePaths {
    std::filesystem::path root;
    std::filesystem::path database() const { return root / "library.db"; }
    std::filesystem::path mirror() const { return root / "mirror"; }
    std::filesystem::path files() const { return root / "files"; }
    std::filesystem::path artwork() const { return root / "artwork"; }
    std::filesystem::path cache() const { return root / "cache"; }
    std::filesystem::path secrets() const { return root / "secrets"; }
    std::filesystem::path round_lock() const { return root / "sync.lock"; }
    std::filesystem::path blobs_lock() const { return root / "blobs.lock"; }
    std::filesystem::path node_lock() const { return root / "node.lock"; }
    std::filesystem::path node_state() const { return root / "node.json"; }
    std::filesystem::path record() const { return root / "library.id"; }
};

// What commands that need no key read about the library.
struct HomeRecord {
    crypto::LibraryId library;
    crypto::DeviceId device;
    crypto::IdentityPublicKey identity;
    bool operator==(const HomeRecord&) const = default;
    std::string text() const;
    static Result<HomeRecord> parse(std::string_view text);  // corrupt, upgrade_needed
};

// `explicit_home`, else $XDG_DATA_HOME/bae, else ~/.local/share/bae. Absolute; need not exist.
Result<HomePaths> locate_home(const std::optional<std::filesystem::path>& explicit_home, Environment environment);

// The record of the library in this home, after finishing an interrupted founding. not_found: there is none.
Result<HomeRecord> read_home(const HomePaths& home);

// A library being made: empty directories and a copy of the secrets that the home has already, locked against a second
// founder. Dropped without commit, it leaves nothing.
class NewHome {
  public:
    // conflict: there is a library already; retry: another process is making one.
    static Result<NewHome> begin(const HomePaths& home);
    ~NewHome();
    NewHome(NewHome&& other) noexcept;
    NewHome& operator=(NewHome&&) = delete;

    const HomePaths& paths() const { return staging_; }
    Result<void> commit(const HomeRecord& record);  // nothing may have a file of paths() open

  private:
    NewHome(HomePaths home, int lock);
    HomePaths home_, staging_;
    int lock_ = -1;
};

}  // namespace bae::node
