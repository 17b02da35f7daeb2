#pragma once
// Private to this folder. C libraries speak `unsigned char*`, this program `std::byte*`; and they want a pointer to
// somewhere even where there are no bytes.
#include "crypto/base/bytes.h"

namespace bae::crypto {

inline unsigned char no_bytes;  // neither read nor written

inline const unsigned char* unsigned_bytes(ByteView view) {
    return view.empty() ? &no_bytes : reinterpret_cast<const unsigned char*>(view.data());
}
inline unsigned char* unsigned_bytes(ByteSpan span) {
    return span.empty() ? &no_bytes : reinterpret_cast<unsigned char*>(span.data());
}

template <size_t N>
const unsigned char* unsigned_bytes(const FixedBytes<N>& value) {
    return unsigned_bytes(value.view());
}
template <size_t N>
unsigned char* unsigned_bytes(FixedBytes<N>& value) {
    return unsigned_bytes(ByteSpan(value.bytes));
}

}  // namespace bae::crypto
