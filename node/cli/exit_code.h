#pragma once
// What the process ends with. Scripts rely on the numbers.

namespace bae::node {

enum class ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    partly = 3,
    no_library = 10,
    locked = 11,
    wrong_key = 12,
    upgrade_needed = 13,
    interrupted = 130,
};

}  // namespace bae::node
