#include "sync/compression.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

namespace bae::sync {

namespace {

constexpr int kLevel = 3;
constexpr int kMaxWindowLog = 26;  // what limits allow of uncompressed bytes
constexpr size_t kFirstOutput = 256 << 10;

struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

Error damaged() { return {ErrorKind::corrupt, "damaged compressed data"}; }

}  // namespace

Bytes compress(ByteView bytes) {
    Bytes out(ZSTD_compressBound(bytes.size()));
    const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
    CHECK(!ZSTD_isError(size));
    out.resize(size);
    return out;
}

Result<Bytes> decompress(ByteView compressed, size_t size) {
    const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
    CHECK(stream && !ZSTD_isError(ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMaxWindowLog)));
    Bytes out(std::min(size, kFirstOutput));
    ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
    ZSTD_outBuffer target{out.data(), out.size(), 0};
    for (;;) {
        const size_t before_in = in.pos, before_out = target.pos;
        const size_t rest = ZSTD_decompressStream(stream.get(), &target, &in);
        if (ZSTD_isError(rest)) return tl::unexpected(damaged());
        if (rest == 0) break;
        if (target.pos == target.size && out.size() < size) {
            out.resize(std::min(size, out.size() * 2));
            target.dst = out.data();
            target.size = out.size();
        } else if (in.pos == before_in && target.pos == before_out) {
            return tl::unexpected(damaged());  // wants more input than there is, or more room than was claimed
        }
    }
    if (in.pos != in.size || target.pos != size) return tl::unexpected(damaged());
    return out;
}

}  // namespace bae::sync
