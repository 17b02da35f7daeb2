#include "node/round_lock.h"

#include "node/files.h"
#include "node/interrupt.h"

namespace bae::node {

static constexpr int64_t kLookEvery_ms = 50;

Result<std::shared_ptr<void>> lock_round(const HomePaths& home, Output& out, const sync::SyncOptions& options) {
    const auto file = std::make_shared<File>(TRY(File::open_to_append(home.round_lock())));
    for (bool told = false; !TRY(file->try_lock()); told = true) {
        if (!told) out.note("another process syncs this library; waiting for it");
        if (options.on_progress) options.on_progress({"waiting", 0, 0});
        if (options.cancelled && options.cancelled())
            return fail(ErrorKind::cancelled, "cancelled while another process was syncing");
        TRY(pause_ms(kLookEvery_ms));
    }
    return file;
}

Result<std::shared_ptr<void>> try_lock_blobs(const HomePaths& home) {
    const auto file = std::make_shared<File>(TRY(File::open_to_append(home.blobs_lock())));
    return TRY(file->try_lock()) ? file : nullptr;
}

}  // namespace bae::node
