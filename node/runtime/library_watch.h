#pragma once
// Notices what any process commits to a library: what SQLite says of its data version, asked when the file system says
// that the log was written, and now and then anyway. For one thread.
#include <cstdint>
#include <memory>
#include <string>

#include "node/home.h"
#include "sync/sqlite/connection.h"

namespace bae::node {

// What there is to do, as far as it can be told without a key.
struct LibraryMark {
    int64_t newest_unsealed = 0;     // of rows; 0: nothing
    int64_t artwork = 0, audio = 0;  // queued
    std::string carrier;             // the place to sync through, and when it was chosen; empty: none
    bool operator==(const LibraryMark&) const = default;
};

class LibraryWatch {
  public:
    static Result<LibraryWatch> open(const HomePaths& home);
    ~LibraryWatch();
    LibraryWatch(LibraryWatch&& other) noexcept;
    LibraryWatch& operator=(LibraryWatch&&) = delete;

    // Readable when the log was written; -1 where the system cannot tell. Stays this object's.
    int descriptor() const { return descriptor_; }
    // Takes what `descriptor` has to say. True: the library's log was written. A commit is seen a little later only.
    bool written();
    // Did anybody commit since the last call? The first says yes.
    Result<bool> committed();
    Result<LibraryMark> mark();

  private:
    LibraryWatch() = default;
    std::unique_ptr<sync::sqlite::Connection> connection_;
    int descriptor_ = -1;
    int64_t version_ = -1;
};

}  // namespace bae::node
