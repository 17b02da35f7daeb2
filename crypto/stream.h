#pragma once
// A stream of sealed pieces in order: libsodium's crypto_secretstream_xchacha20poly1305. A piece opens only as the next
// one of its stream, so none can be dropped, repeated, moved or changed unnoticed; the end is sealed too.
//
//   stream := header (24, random) | piece ...
//   piece  := sealed tag (1) and plaintext (n) . Poly1305 tag (16), so n + 17 bytes
//
// Each direction of a connection has a stream and a key of its own. One thread at a time.
#include <memory>

#include "crypto/secret.h"

namespace bae::crypto {

constexpr size_t kStreamOverheadBytes = 17;
using StreamHeader = FixedBytes<24>;

enum class StreamTag {
    piece,
    rekey,  // both ends go on with a new key: what was sent before stays sealed if a later key is lost
    final   // nothing follows; a stream that stops without it was cut
};

struct StreamState;  // libsodium's

class StreamSealer {
  public:
    StreamSealer(const SecretKey& key, Random& random);
    ~StreamSealer();
    StreamSealer(StreamSealer&&) noexcept;
    StreamSealer& operator=(StreamSealer&&) noexcept;
    const StreamHeader& header() const { return header_; }
    // `out` has plain.size() + 17 bytes and does not overlap `plain`. Nothing may be sealed after `final`.
    void seal(StreamTag tag, ByteView plain, ByteSpan out);

  private:
    std::unique_ptr<StreamState> state_;
    StreamHeader header_;
};

class StreamOpener {
  public:
    StreamOpener(const SecretKey& key, const StreamHeader& header);
    ~StreamOpener();
    StreamOpener(StreamOpener&&) noexcept;
    StreamOpener& operator=(StreamOpener&&) noexcept;
    // `out` has sealed.size() - 17 bytes and does not overlap `sealed`. corrupt if this is not the next piece, or one
    // after `final`; the stream is then of no further use.
    Result<StreamTag> open(ByteView sealed, ByteSpan out);

  private:
    std::unique_ptr<StreamState> state_;
};

}  // namespace bae::crypto
