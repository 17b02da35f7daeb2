#pragma once
// The threads that seal, send and fetch blobs. They live for one call.
#include <cstddef>
#include <functional>

#include "crypto/base/result.h"

namespace bae::node {

struct Work {
    size_t count = 0;
    int threads = 1;
    std::function<void(size_t index)> run;   // on a worker; each index once
    std::function<void(size_t index)> done;  // on the calling thread, in the order they finish; may be empty
    std::function<void()> tick;              // on the calling thread, a few times per second; may be empty
    std::function<bool()> stop;              // no further index is begun once this is true; may be empty
};
// Returns when every index that was begun is done.
void run_work(const Work& work);

}  // namespace bae::node
