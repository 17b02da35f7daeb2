#pragma once
// One daemon per library: `node.lock` in the home, locked for as long as the process lives, however it ends. In it,
// for the others, lie its process id and since when it runs.
#include <cstdint>
#include <optional>

#include "node/home.h"

namespace bae::node {

struct RunningNode {
    int64_t pid = 0;  // 0: not known
    int64_t since_ms = 0;
};

class NodeLock {
  public:
    // retry with Cause::locked: another daemon has it, and the message names it.
    static Result<NodeLock> take(const HomePaths& home, const RunningNode& self);
    // The daemon of this home, if one runs. Takes no lock, so that it is in nobody's way.
    static Result<std::optional<RunningNode>> holder(const HomePaths& home);

    ~NodeLock();
    NodeLock(NodeLock&& other) noexcept;
    NodeLock& operator=(NodeLock&&) = delete;

  private:
    explicit NodeLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

}  // namespace bae::node
