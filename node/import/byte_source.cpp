#include "node/import/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bae::node {

size_t MemorySource::read(uint64_t offset, ByteSpan out) {
    if (offset >= bytes_.size()) return 0;
    const size_t count = std::min(out.size(), bytes_.size() - static_cast<size_t>(offset));
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
}

size_t DescriptorSource::read(uint64_t offset, ByteSpan out) {
    size_t done = 0;
    while (done < out.size() && offset + done < size_) {
        const ssize_t got =
            ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<size_t>(got);
    }
    return done;
}

}  // namespace bae::node
