#include "node/runtime/node.h"

#include <unistd.h>

#include <mutex>

#include "node/cli/commands.h"

namespace bae::node {
namespace {

// Asks once: after that nobody may be at the terminal.
AskPassphrase remembered(AskPassphrase ask) {
    struct Memory {
        std::mutex mutex;
        std::optional<crypto::SecretBytes> passphrase;
    };
    return [ask = std::move(ask), memory = std::make_shared<Memory>()]() -> Result<crypto::SecretBytes> {
        const std::lock_guard lock(memory->mutex);
        if (!memory->passphrase) memory->passphrase = TRY(ask());
        return crypto::SecretBytes::copy_of(memory->passphrase->view());
    };
}

Result<NodeLock> take_lock(Session& session, const RunningNode& self) {
    Result<NodeLock> lock = NodeLock::take(TRY(session.paths()), self);
    if (!lock && lock.error().cause == Cause::locked) return session.refuse(ExitCode::locked, lock.error());
    return lock;
}

}  // namespace

Result<ExitCode> run(Session& session, const NodeCommand&) {
    TRY(session.record());
    const RunningNode self{.pid = getpid(), .since_ms = sync::system_clock().now_ms()};
    const NodeLock lock = TRY(take_lock(session, self));
    const AskPassphrase ask = remembered(passphrase_of(session.environment()));
    session.ask_passphrase_with(ask);
    TRY(session.replica());  // what is wrong with the library or its keys ends the daemon before it is ready
    session.close();
    TRY(run_node({.home = TRY(session.paths()),
                  .config = session.config(),
                  .environment = session.environment(),
                  .ask = ask,
                  .read_settings = [&session] { return session.read_settings(); },
                  .out = session.out()},
                 self));
    return ExitCode::done;
}

}  // namespace bae::node
