#pragma once
// zstd, inside the seal. What comes out of `decompress` is bounded before anything is allocated for it.
#include "crypto/base/bytes.h"

namespace bae::sync {

Bytes compress(ByteView bytes);  // level 3, one frame
// The one frame that `compressed` is, exactly `size` bytes of content; corrupt otherwise. Memory grows with what really
// comes out, so a small input that claims to be huge costs little.
Result<Bytes> decompress(ByteView compressed, size_t size);

}  // namespace bae::sync
