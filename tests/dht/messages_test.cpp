#include "dht/messages.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/base/pack.h"
#include "crypto/fixtures.h"

namespace bae::dht {
namespace {

const std::string kLongPath(kMaxPathBytes, 'p');

struct Sample {
    RequestId id;
    MessageBody body;
};

std::vector<Sample> samples() {
    static const Bytes head(kMaxHeadBytes, std::byte{7});
    static const Bytes range(kMaxRangeBytes, std::byte{8});
    static const Bytes sealed(kMaxPairBytes, std::byte{9});
    return {
        {0, HelloMessage{{1}, {}}},
        {0, HelloMessage{{1, 2, 65535}, {1, 2, 4, 255}}},
        {0, Heads{{{"heads/0123456789abcdef.enc", as_bytes("one")}, {kLongPath, head}}}},
        {1, Want{"library.bae", 0, 1}},
        {UINT64_MAX, Want{kLongPath, kMaxObjectSize, kMaxRangeBytes}},
        {1, Object{0, {}}},
        {77, Object{kMaxObjectSize, range}},
        {300, List{"", "", 1}},
        {1, List{kLongPath, kLongPath, kMaxNames}},
        {1, Names{{}, false}},
        {1, Names{{{"a", 0}, {"a/b", kMaxObjectSize}, {"b", 70000}}, true}},
        {0, News{}},
        {1, Pair{Pair::Step::request, as_bytes("sealed")}},
        {1, Pair{Pair::Step::answer, sealed}},
        {0, Bye{Bye::not_needed}},
        {0, Bye{65535}},
        {9, Refused{Refused::not_found}},
    };
}

Bytes encoded(const Sample& sample) {
    auto out = encode_message(sample.id, sample.body);
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
    return out ? std::move(*out) : Bytes();
}

TEST(Messages, AreReadAsTheyWereWritten) {
    for (const Sample& sample : samples()) {
        const Bytes bytes = encoded(sample);
        const auto read = decode_message(bytes);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_EQ(read->id, sample.id);
        EXPECT_EQ(type_of(read->body), type_of(sample.body));
        EXPECT_EQ(*encode_message(read->id, read->body), bytes);
    }
}

TEST(Messages, KeepTheirFields) {
    const Bytes want = encoded({5, Want{"changes/x", 70'000, 9}});
    const auto read = decode_message(want);
    EXPECT_EQ(std::get<Want>(read->body).path, "changes/x");
    EXPECT_EQ(std::get<Want>(read->body).offset, 70'000U);
    EXPECT_EQ(std::get<Want>(read->body).length, 9U);
    const Bytes names = encoded({5, Names{{{"a", 3}}, true}});
    const auto listing = decode_message(names);
    EXPECT_EQ(std::get<Names>(listing->body).names.at(0).path, "a");
    EXPECT_EQ(std::get<Names>(listing->body).names.at(0).size, 3U);
    EXPECT_TRUE(std::get<Names>(listing->body).more);
}

TEST(Messages, CutShortOrWithBytesAfterThemAreRefused) {
    for (const Sample& sample : samples()) {
        Bytes bytes = encoded(sample);
        const size_t step = bytes.size() > 2000 ? 997 : 1;
        for (size_t size = 0; size < bytes.size(); size += step)
            ASSERT_FALSE(decode_message(ByteView(bytes).first(size)).has_value()) << size;
        bytes.push_back(std::byte{0xc0});
        EXPECT_FALSE(decode_message(bytes).has_value());
    }
}

TEST(Messages, OverTheirLimitsAreNeitherWrittenNorRead) {
    const std::string too_long(kMaxPathBytes + 1, 'p');
    const Bytes big_head(kMaxHeadBytes + 1), big_range(kMaxRangeBytes + 1), big_pair(kMaxPairBytes + 1);
    const std::vector<Sample> over{
        {0, HelloMessage{{}, {}}},
        {0, HelloMessage{{2, 1}, {}}},
        {0, HelloMessage{{1}, {1, 1}}},
        {0, HelloMessage{std::vector<uint16_t>(17, 1), {}}},
        {0, Heads{}},
        {0, Heads{{{"", as_bytes("x")}}}},
        {0, Heads{{{"x", {}}}}},
        {0, Heads{{{"x", big_head}}}},
        {0, Heads{std::vector<HeadObject>(kMaxHeads + 1, {"x", as_bytes("x")})}},
        {1, Want{"", 0, 1}},
        {1, Want{too_long, 0, 1}},
        {1, Want{"x", kMaxObjectSize + 1, 1}},
        {1, Want{"x", 0, 0}},
        {1, Want{"x", 0, kMaxRangeBytes + 1}},
        {1, Object{1, as_bytes("xx")}},
        {1, Object{kMaxObjectSize, big_range}},
        {1, Object{kMaxObjectSize + 1, {}}},
        {1, List{too_long, "", 1}},
        {1, List{"", too_long, 1}},
        {1, List{"", "", 0}},
        {1, List{"", "", kMaxNames + 1}},
        {1, Names{{{"b", 1}, {"a", 1}}, false}},
        {1, Names{{{"a", 1}, {"a", 1}}, false}},
        {1, Names{{{"", 1}}, false}},
        {1, Names{{{"a", kMaxObjectSize + 1}}, false}},
        {1, Pair{Pair::Step::request, {}}},
        {1, Pair{Pair::Step::request, big_pair}},
        {1, Pair{static_cast<Pair::Step>(3), as_bytes("x")}},
        {1, Pair{static_cast<Pair::Step>(0), as_bytes("x")}},
    };
    for (size_t i = 0; i < over.size(); i++) {
        const auto written = encode_message(over[i].id, over[i].body);
        ASSERT_FALSE(written.has_value()) << i;
        EXPECT_EQ(written.error().kind, ErrorKind::invalid_input) << i;
    }
}

TEST(Messages, HaveAnIdExactlyWhereTheyAskOrAnswer) {
    for (const Sample& sample : samples())
        EXPECT_FALSE(encode_message(sample.id == 0 ? 1 : 0, sample.body).has_value())
            << static_cast<int>(type_of(sample.body));
}

TEST(Messages, WithAWrongNumberOfFieldsAreRefused) {
    for (const Sample& sample : samples()) {
        const Bytes bytes = encoded(sample);
        for (const int change : {-1, 1}) {
            Bytes other = bytes;
            other[0] = static_cast<std::byte>(std::to_integer<int>(other[0]) + change);
            EXPECT_FALSE(decode_message(other).has_value());
        }
    }
}

TEST(Messages, ThatClaimMoreThanThereIsAreRefusedBeforeAnythingIsAllocated) {
    Bytes bytes;
    Packer packer(bytes);
    packer.array(3);
    packer.uint(2);
    packer.uint(0);
    packer.raw(Bytes{std::byte{0xdd}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
    EXPECT_FALSE(decode_message(bytes).has_value());
    EXPECT_FALSE(decode_message(Bytes(kMaxMessageBytes + 1)).has_value());
}

TEST(Messages, OfUnknownAndReservedTypesKeepTypeAndIdAndNothingElseIsLookedAt) {
    for (const uint64_t type : {0U, 9U, 15U, 18U, 65535U}) {
        Bytes bytes;
        Packer packer(bytes);
        packer.array(3);
        packer.uint(type);
        packer.uint(12);
        packer.raw(Bytes{std::byte{0xd6}});  // an extension type, which this version does not even read
        const auto read = decode_message(bytes);
        ASSERT_TRUE(read.has_value()) << type;
        EXPECT_EQ(std::get<Unknown>(read->body).type, type);
        EXPECT_EQ(read->id, 12U);
    }
}

TEST(Messages, WithAChangedByteAreRefusedOrReadBackTheSame) {
    crypto::SeededRandom random(8);
    size_t accepted = 0;
    for (int i = 0; i < 400; i++) {
        for (const Sample& sample : samples()) {
            Bytes bytes = encoded(sample);
            if (bytes.size() > 2000) continue;
            bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
            const auto read = decode_message(bytes);
            if (!read || std::holds_alternative<Unknown>(read->body)) continue;
            accepted++;
            EXPECT_EQ(*encode_message(read->id, read->body), bytes);
        }
    }
    EXPECT_GT(accepted, 1000U);
}

TEST(Messages, BelongToTheSessionsTheyAreFor) {
    EXPECT_TRUE(belongs_to(Want{"x", 0, 1}, Purpose::library));
    EXPECT_FALSE(belongs_to(Want{"x", 0, 1}, Purpose::discovery));
    EXPECT_FALSE(belongs_to(Want{"x", 0, 1}, Purpose::pairing));
    EXPECT_TRUE(belongs_to(Pair{}, Purpose::pairing));
    EXPECT_FALSE(belongs_to(Pair{}, Purpose::library));
    for (const Purpose purpose : {Purpose::library, Purpose::pairing, Purpose::discovery}) {
        EXPECT_TRUE(belongs_to(HelloMessage{}, purpose));
        EXPECT_TRUE(belongs_to(Bye{}, purpose));
        EXPECT_FALSE(belongs_to(Unknown{}, purpose));
    }
}

TEST(Messages, EveryReasonHasItsWords) {
    std::set<std::string_view> names, sentences;
    for (size_t i = 0; i < kCloseReasons; i++) {
        const auto reason = static_cast<CloseReason>(i);
        EXPECT_TRUE(names.insert(to_string(reason)).second);
        EXPECT_TRUE(sentences.insert(explain(reason)).second);
        EXPECT_NE(explain(goodbye_for(reason)), explain(Bye{9999}));
    }
    EXPECT_EQ(to_string(CloseReason::unknown_secret), "unknown-secret");
    EXPECT_EQ(to_string(CloseReason::not_needed), "not-needed");
}

TEST(Messages, AListingIsCutToWhatOneMessageHolds) {
    std::vector<std::string> paths;
    Names names;
    for (size_t i = 0; i < kMaxNames + 5; i++) {
        std::string path = std::to_string(100'000 + i);
        paths.push_back(path + std::string(kMaxPathBytes - path.size(), 'p'));
    }
    for (const std::string& path : paths) names.names.push_back({path, kMaxObjectSize});
    EXPECT_FALSE(encode_message(1, names).has_value());
    cut_to_fit(names);
    EXPECT_TRUE(names.more);
    EXPECT_GT(names.names.size(), 990U);
    EXPECT_TRUE(encode_message(1, names).has_value());

    Names few{{{"a", 1}, {"b", 1}}, false};
    cut_to_fit(few);
    EXPECT_EQ(few.names.size(), 2U);
    EXPECT_FALSE(few.more);
}

}  // namespace
}  // namespace bae::dht
