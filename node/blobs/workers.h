#pragma once
// The threads that seal, send and fetch blobs. They live for one call.
#include <cstddef>
#include <functional>

#include "crypto/base/result.h"

namespace bae::node {

struct Work {
    size_t count = 0;  // to begin with
    int threads = 1;
    std::function<void(size_t index)> run;   // on a worker; each index once, ascending
    std::function<void(size_t index)> done;  // on the calling thread, in the order they finish; may be empty
    // How many indices come after those there are: on the calling thread, whenever the workers are about to run out.
    // Zero: there is no more, and it is not asked again. May be empty.
    std::function<size_t()> more;
    std::function<void()> tick;  // on the calling thread, a few times per second; may be empty
    std::function<bool()> stop;  // no further index is begun once this is true; may be empty
};
// Returns when every index that was begun is done. One that takes long holds up none of the others.
void run_work(const Work& work);

}  // namespace bae::node
