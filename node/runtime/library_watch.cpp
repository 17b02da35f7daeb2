#include "node/runtime/library_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "node/carrier_row.h"
#include "sync/unsealed.h"

namespace bae::node {

static constexpr std::string_view kLog = "library.db-wal";

static int watch_folder(const HomePaths& home) {
    const int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (descriptor < 0) return -1;
    if (inotify_add_watch(descriptor, home.root.c_str(), IN_MODIFY | IN_CREATE) >= 0) return descriptor;
    close(descriptor);
    return -1;
}

Result<LibraryWatch> LibraryWatch::open(const HomePaths& home) {
    LibraryWatch watch;
    watch.connection_ = TRY(sync::sqlite::Connection::open(home.database(), sync::sqlite::OpenMode::read_only));
    watch.descriptor_ = watch_folder(home);
    return watch;
}

LibraryWatch::LibraryWatch(LibraryWatch&& other) noexcept
    : connection_(std::move(other.connection_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      version_(other.version_) {}

LibraryWatch::~LibraryWatch() {
    if (descriptor_ >= 0) close(descriptor_);
}

bool LibraryWatch::written() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    bool log = false;
    for (ssize_t size = 0; (size = read(descriptor_, buffer.data(), buffer.size())) > 0;) {
        for (size_t at = 0; at < static_cast<size_t>(size);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            log = log || (event.mask & IN_Q_OVERFLOW) != 0 || (event.len > 0 && name == kLog);
            at += sizeof event + event.len;
        }
    }
    return log;
}

Result<bool> LibraryWatch::committed() {
    const int64_t version = TRY(connection_->integer("PRAGMA data_version")).value_or(0);
    return std::exchange(version_, version) != version;
}

Result<LibraryMark> LibraryWatch::mark() {
    LibraryMark mark{.newest_unsealed = TRY(sync::newest_unsealed(*connection_))};
    TRY(connection_->each("SELECT kind, count(*) FROM blob_queue WHERE kind IN ('image', 'file') GROUP BY kind",
                          [&](const sync::sqlite::Statement& row) {
                              (row.string(0) == "image" ? mark.artwork : mark.audio) = row.integer(1);
                          }));
    if (const std::optional<CarrierRow> row = TRY(current_carrier(*connection_)))
        mark.carrier = fmt::format("{} {}", row->probed_ms, row->url);
    return mark;
}

}  // namespace bae::node
