#include "crypto/stream.h"

#include <sodium.h>

#include "crypto/sodium_pointer.h"

namespace bae::crypto {

namespace {

static_assert(kStreamOverheadBytes == crypto_secretstream_xchacha20poly1305_ABYTES);
static_assert(StreamHeader::kSize == crypto_secretstream_xchacha20poly1305_HEADERBYTES);

using SodiumState = crypto_secretstream_xchacha20poly1305_state;

// init_push draws the header from libsodium's own randomness and then makes the state that init_pull makes of it.
void begin(SodiumState& state, const SecretKey& key, const StreamHeader& header) {
    CHECK(crypto_secretstream_xchacha20poly1305_init_pull(&state, unsigned_bytes(header), unsigned_bytes(key.view())) ==
          0);
}

unsigned char sodium_tag(StreamTag tag) {
    switch (tag) {
        case StreamTag::piece:
            return 0;
        case StreamTag::rekey:
            return crypto_secretstream_xchacha20poly1305_TAG_REKEY;
        case StreamTag::final:
            return crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    }
    check_failed("a stream tag outside the list", __FILE__, __LINE__);
}

}  // namespace

struct StreamState {
    StreamState() = default;
    ~StreamState() { sodium_memzero(&sodium, sizeof sodium); }
    StreamState(const StreamState&) = delete;
    StreamState& operator=(const StreamState&) = delete;
    SodiumState sodium;
    bool finished = false;
};

StreamSealer::StreamSealer(const SecretKey& key, Random& random) : state_(std::make_unique<StreamState>()) {
    random.fill(header_.bytes);
    begin(state_->sodium, key, header_);
}
StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;

void StreamSealer::seal(StreamTag tag, ByteView plain, ByteSpan out) {
    CHECK(state_ != nullptr && !state_->finished && out.size() == plain.size() + kStreamOverheadBytes);
    crypto_secretstream_xchacha20poly1305_push(&state_->sodium, unsigned_bytes(out), nullptr, unsigned_bytes(plain),
                                               plain.size(), nullptr, 0, sodium_tag(tag));
    state_->finished = tag == StreamTag::final;
}

StreamOpener::StreamOpener(const SecretKey& key, const StreamHeader& header) : state_(std::make_unique<StreamState>()) {
    begin(state_->sodium, key, header);
}
StreamOpener::~StreamOpener() = default;
StreamOpener::StreamOpener(StreamOpener&&) noexcept = default;
StreamOpener& StreamOpener::operator=(StreamOpener&&) noexcept = default;

Result<StreamTag> StreamOpener::open(ByteView sealed, ByteSpan out) {
    CHECK(state_ != nullptr);
    if (state_->finished) return fail(ErrorKind::corrupt, "a sealed piece after the end of its stream");
    if (sealed.size() < kStreamOverheadBytes) return fail(ErrorKind::corrupt, "a sealed piece is cut short");
    CHECK(out.size() == sealed.size() - kStreamOverheadBytes);
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&state_->sodium, unsigned_bytes(out), nullptr, &tag,
                                                   unsigned_bytes(sealed), sealed.size(), nullptr, 0) != 0)
        return fail(ErrorKind::corrupt, "a sealed piece is not the next of its stream, or was changed");
    for (const StreamTag known : {StreamTag::piece, StreamTag::rekey, StreamTag::final}) {
        if (sodium_tag(known) != tag) continue;
        state_->finished = known == StreamTag::final;
        return known;
    }
    return fail(ErrorKind::corrupt, "a sealed piece with an unknown tag");
}

}  // namespace bae::crypto
