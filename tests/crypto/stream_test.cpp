#include "crypto/stream.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypto/fixtures.h"
#include "crypto/sodium_pointer.h"

namespace bae::crypto {
namespace {

class Stream : public ::testing::Test {
  protected:
    Bytes seal(std::string_view text, StreamTag tag = StreamTag::piece) {
        Bytes out(text.size() + kStreamOverheadBytes);
        sealer.seal(tag, as_bytes(text), out);
        return out;
    }
    struct Opened {
        StreamTag tag;
        std::string text;
        bool operator==(const Opened&) const = default;
    };
    static Result<Opened> open(StreamOpener& opener, ByteView sealed) {
        Bytes out(sealed.size() < kStreamOverheadBytes ? 0 : sealed.size() - kStreamOverheadBytes);
        const StreamTag tag = TRY(opener.open(sealed, out));
        return Opened{tag, std::string(as_text(out))};
    }
    Result<Opened> open(ByteView sealed) { return open(opener, sealed); }

    SeededRandom random{7};
    SecretKey key = SecretKey::random(random);
    StreamSealer sealer{key, random};
    StreamOpener opener{key, sealer.header()};
};

TEST_F(Stream, OpensWhatWasSealedInOrderAcrossNewKeys) {
    const Bytes one = seal("one");
    const Bytes two = seal("two", StreamTag::rekey);
    const Bytes three = seal("");
    const Bytes four = seal("four", StreamTag::final);
    EXPECT_EQ(*open(one), (Opened{StreamTag::piece, "one"}));
    EXPECT_EQ(*open(two), (Opened{StreamTag::rekey, "two"}));
    EXPECT_EQ(*open(three), (Opened{StreamTag::piece, ""}));
    EXPECT_EQ(*open(four), (Opened{StreamTag::final, "four"}));
}

TEST_F(Stream, IsLibsodiumsSecretstream) {
    crypto_secretstream_xchacha20poly1305_state state;
    ASSERT_EQ(crypto_secretstream_xchacha20poly1305_init_pull(&state, unsigned_bytes(sealer.header()),
                                                              unsigned_bytes(key.view())),
              0);
    const Bytes sealed = seal("across");
    Bytes plain(6);
    unsigned char tag = 9;
    ASSERT_EQ(crypto_secretstream_xchacha20poly1305_pull(&state, unsigned_bytes(ByteSpan(plain)), nullptr, &tag,
                                                         unsigned_bytes(ByteView(sealed)), sealed.size(), nullptr, 0),
              0);
    EXPECT_EQ(as_text(plain), "across");
    EXPECT_EQ(tag, 0);

    StreamHeader header;
    crypto_secretstream_xchacha20poly1305_init_push(&state, unsigned_bytes(header), unsigned_bytes(key.view()));
    Bytes pushed(6 + kStreamOverheadBytes);
    crypto_secretstream_xchacha20poly1305_push(&state, unsigned_bytes(ByteSpan(pushed)), nullptr,
                                               unsigned_bytes(ByteView(plain)), 6, nullptr, 0,
                                               crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    StreamOpener other(key, header);
    EXPECT_EQ(*open(other, pushed), (Opened{StreamTag::final, "across"}));
}

TEST_F(Stream, APieceOpensOnlyAsTheNextOfItsStream) {
    const Bytes one = seal("one");
    const Bytes two = seal("two");
    StreamOpener skipping(key, sealer.header());
    EXPECT_EQ(open(skipping, two).error().kind, ErrorKind::corrupt);
    ASSERT_TRUE(open(one).has_value());
    EXPECT_EQ(open(one).error().kind, ErrorKind::corrupt) << "repeated";
}

TEST_F(Stream, EveryBitFlipAndTruncationIsRefused) {
    const Bytes sealed = seal("piece");
    for (size_t bit = 0; bit < sealed.size() * 8; bit++) {
        StreamOpener fresh(key, sealer.header());
        EXPECT_FALSE(open(fresh, with_bit_flipped(sealed, bit)).has_value()) << bit;
    }
    for (size_t size = 0; size < sealed.size(); size++) {
        StreamOpener fresh(key, sealer.header());
        EXPECT_FALSE(open(fresh, ByteView(sealed).first(size)).has_value()) << size;
    }
    EXPECT_TRUE(open(sealed).has_value());
}

TEST_F(Stream, NothingFollowsTheFinalPiece) {
    const Bytes last = seal("end", StreamTag::final);
    ASSERT_TRUE(open(last).has_value());
    EXPECT_EQ(open(last).error().kind, ErrorKind::corrupt);
    EXPECT_DEATH(seal("more"), "finished");
}

TEST_F(Stream, AnUnknownTagIsRefused) {
    crypto_secretstream_xchacha20poly1305_state state;
    StreamHeader header;
    crypto_secretstream_xchacha20poly1305_init_push(&state, unsigned_bytes(header), unsigned_bytes(key.view()));
    Bytes pushed(kStreamOverheadBytes);
    crypto_secretstream_xchacha20poly1305_push(&state, unsigned_bytes(ByteSpan(pushed)), nullptr, &no_bytes, 0, nullptr,
                                               0, 0x40);
    StreamOpener other(key, header);
    EXPECT_EQ(open(other, pushed).error().kind, ErrorKind::corrupt);
}

TEST_F(Stream, AnotherKeyOrHeaderOpensNothing) {
    const Bytes sealed = seal("piece");
    StreamOpener other_key(SecretKey::random(random), sealer.header());
    StreamOpener other_header(key, StreamSealer(key, random).header());
    EXPECT_FALSE(open(other_key, sealed).has_value());
    EXPECT_FALSE(open(other_header, sealed).has_value());
}

}  // namespace
}  // namespace bae::crypto
