#include "dht/frames.h"

#include <gtest/gtest.h>

#include "crypto/fixtures.h"
#include "dht/frame_kinds.h"

namespace bae::dht {
namespace {

using crypto::SeededRandom;
using crypto::StreamTag;
using Kind = Frame::Kind;

class Frames : public ::testing::Test {
  protected:
    // Everything there is credit for.
    Bytes written() {
        Bytes out;
        while (writer.write(out)) {
        }
        return out;
    }
    Bytes one_frame() {
        Bytes out;
        EXPECT_TRUE(writer.write(out));
        return out;
    }
    Frame read(ByteView bytes) {
        reader.feed(bytes);
        return reader.next();
    }
    // What is in the reader, by the first byte of each message.
    std::string order_of_messages() {
        std::string out;
        for (Frame frame = reader.next(); frame.kind != Kind::none; frame = reader.next()) {
            EXPECT_NE(frame.kind, Kind::refused);
            if (frame.kind == Kind::message) out += static_cast<char>(frame.message[0]);
        }
        return out;
    }
    static Bytes message(char first, size_t size) { return Bytes(size, static_cast<std::byte>(first)); }

    SeededRandom random{3};
    crypto::SecretKey key = crypto::SecretKey::random(random);
    crypto::StreamSealer sealer{key, random};
    crypto::StreamHeader header = sealer.header();
    FrameReader reader{crypto::StreamOpener(key, sealer.header())};
    FrameWriter writer{std::move(sealer)};
};

TEST_F(Frames, CarryMessagesOfEverySize) {
    for (const size_t size : {size_t{1}, size_t{2}, kMaxFragmentBytes - 1, kMaxFragmentBytes, kMaxFragmentBytes + 1,
                              2 * kMaxFragmentBytes, kMaxMessageBytes}) {
        const Bytes sent = random.bytes(size);
        writer.queue(Lane::bulk, sent);
        const Bytes wire = written();
        ASSERT_FALSE(wire.empty());
        reader.feed(wire);
        Frame frame = reader.next();
        while (frame.kind == Kind::fragment) frame = reader.next();
        ASSERT_EQ(frame.kind, Kind::message) << size;
        EXPECT_TRUE(equal(frame.message, sent));
        const uint32_t credit = reader.worked_off(Lane::bulk, size);
        if (credit > 0) {
            EXPECT_TRUE(writer.add_credit(Lane::bulk, credit));
        }
    }
}

TEST_F(Frames, AreAtMost64KiBEachAndOpenByteByByte) {
    writer.queue(Lane::bulk, random.bytes(3 * kMaxFragmentBytes));
    for (int i = 0; i < 3; i++) {
        const Bytes frame = one_frame();
        EXPECT_EQ(frame.size(), kMaxFrameBytes);
        for (size_t at = 0; at < frame.size(); at++) {
            EXPECT_FALSE(reader.has_frame());
            ASSERT_EQ(read(ByteView(frame).subspan(at, 1)).kind, at + 1 < frame.size() ? Kind::none
                                                                 : i < 2               ? Kind::fragment
                                                                                       : Kind::message);
        }
        EXPECT_EQ(reader.unread(), 0U);
    }
}

TEST_F(Frames, OfBothLanesAlternateSoThatNewsOvertakesObjects) {
    writer.queue(Lane::bulk, message('A', kMaxMessageBytes));
    writer.queue(Lane::bulk, message('B', kMaxMessageBytes));
    Bytes wire = one_frame();  // of A
    writer.queue(Lane::urgent, message('1', 100));
    append(wire, one_frame());  // news waits for no more than the frame that is on its way
    reader.feed(wire);
    EXPECT_EQ(order_of_messages(), "1");
    for (char c = '2'; c <= '5'; c++) writer.queue(Lane::urgent, message(c, 100));
    reader.feed(written());
    EXPECT_EQ(order_of_messages(), "2345AB") << "and objects go on between them";
}

TEST_F(Frames, ALongRowOfUrgentMessagesDoesNotStopTheBulkLane) {
    for (int i = 0; i < 100; i++) writer.queue(Lane::urgent, message('u', 10));
    writer.queue(Lane::bulk, message('B', 2 * kMaxFragmentBytes));
    Bytes wire;
    for (int i = 0; i < 4; i++) append(wire, one_frame());
    reader.feed(wire);
    EXPECT_EQ(order_of_messages(), "uuB");
}

TEST_F(Frames, StopWhereTheCreditOfTheirLaneEnds) {
    for (int i = 0; i < 3; i++) writer.queue(Lane::bulk, message('B', kMaxMessageBytes));
    reader.feed(written());
    EXPECT_EQ(order_of_messages(), "BB") << "a window of 1 MiB";
    EXPECT_EQ(writer.queued_bytes(Lane::bulk), kMaxMessageBytes);
    writer.queue(Lane::urgent, message('u', 10));
    reader.feed(written());
    EXPECT_EQ(order_of_messages(), "u") << "the other lane has its own";

    const uint32_t credit = reader.worked_off(Lane::bulk, kMaxMessageBytes);
    EXPECT_EQ(credit, kMaxMessageBytes);
    ASSERT_TRUE(writer.add_credit(Lane::bulk, credit));
    reader.feed(written());
    EXPECT_EQ(order_of_messages(), "B");
}

TEST_F(Frames, CreditIsGivenBackInPortionsThatLeaveRoomForALongMessage) {
    size_t sent = 0;
    uint32_t back = 0;
    for (; back == 0; sent += 1000) {
        writer.queue(Lane::urgent, message('u', 1000));
        reader.feed(written());
        ASSERT_EQ(order_of_messages(), "u");
        back = reader.worked_off(Lane::urgent, 1000);
    }
    EXPECT_EQ(back, sent);
    EXPECT_GE(sent, kCreditPortion);
    // Just before the next portion is due a message of the greatest size still goes through.
    ASSERT_TRUE(writer.add_credit(Lane::urgent, back));
    writer.queue(Lane::urgent, message('u', kCreditPortion - 1));
    reader.feed(written());
    ASSERT_EQ(order_of_messages(), "u");
    EXPECT_EQ(reader.worked_off(Lane::urgent, kCreditPortion - 1), 0U);
    writer.queue(Lane::urgent, message('L', kMaxMessageBytes));
    reader.feed(written());
    EXPECT_EQ(order_of_messages(), "L");
}

TEST_F(Frames, CreditBeyondWhatWasUsedIsRefused) {
    EXPECT_FALSE(writer.add_credit(Lane::urgent, 1));
    writer.queue(Lane::urgent, message('u', 100));
    written();
    EXPECT_FALSE(writer.add_credit(Lane::urgent, 101));
    EXPECT_FALSE(writer.add_credit(Lane::bulk, 100)) << "credit belongs to a lane";
    EXPECT_TRUE(writer.add_credit(Lane::urgent, 100));
}

TEST_F(Frames, ControlGoesAheadOfMessages) {
    writer.queue(Lane::bulk, message('B', 10));
    writer.queue_ping();
    writer.queue_pong();
    writer.queue_credit(Lane::bulk, 70'000);
    writer.queue_credit(Lane::bulk, 7);
    reader.feed(written());
    const Frame credit = reader.next();
    EXPECT_EQ(credit.kind, Kind::credit);
    EXPECT_EQ(credit.lane, Lane::bulk);
    EXPECT_EQ(credit.credit, 70'007U);
    EXPECT_EQ(reader.next().kind, Kind::pong);
    EXPECT_EQ(reader.next().kind, Kind::ping);
    EXPECT_EQ(reader.next().kind, Kind::message);
    EXPECT_EQ(reader.next().kind, Kind::none);
}

TEST_F(Frames, TheLastOneStandsAloneInTheMiddleOfAnything) {
    for (const Lane lane : {Lane::urgent, Lane::bulk}) writer.queue(lane, message('x', kMaxMessageBytes));
    Bytes wire = one_frame();
    append(wire, one_frame());
    writer.finish(as_bytes("bye"), wire);
    reader.feed(wire);
    EXPECT_EQ(reader.next().kind, Kind::fragment);
    EXPECT_EQ(reader.next().kind, Kind::fragment);
    const Frame last = reader.next();
    EXPECT_EQ(last.kind, Kind::message);
    EXPECT_EQ(as_text(last.message), "bye");
    EXPECT_TRUE(last.final);
}

TEST_F(Frames, LostRepeatedSwappedAndChangedOnesAreNoticed) {
    for (int i = 0; i < 3; i++) writer.queue(Lane::urgent, message('u', 50));
    const Bytes one = one_frame(), two = one_frame();
    const auto first_of = [&](ByteView wire) {
        FrameReader fresh{crypto::StreamOpener(key, header)};
        fresh.feed(wire);
        Frame frame = fresh.next();
        if (frame.kind == Kind::message) frame = fresh.next();
        return frame;
    };
    Bytes repeated = one;
    append(repeated, one);
    EXPECT_EQ(first_of(repeated).reason, CloseReason::not_opened);
    EXPECT_EQ(first_of(two).reason, CloseReason::not_opened);
    for (size_t bit = 16; bit < one.size() * 8; bit++)
        ASSERT_EQ(first_of(crypto::with_bit_flipped(one, bit)).reason, CloseReason::not_opened) << bit;
}

class HostileFrames : public ::testing::Test {
  protected:
    // A frame as a hostile peer that holds the keys would seal it.
    Bytes sealed(int kind, int lane, ByteView rest, StreamTag tag = StreamTag::piece) {
        Bytes plain{static_cast<std::byte>(kind), static_cast<std::byte>(lane)};
        append(plain, rest);
        return sealed(plain, tag);
    }
    Bytes sealed(ByteView plain, StreamTag tag = StreamTag::piece) {
        Bytes out(kFrameLengthBytes + plain.size() + crypto::kStreamOverheadBytes);
        write_big_endian(ByteSpan(out).first(kFrameLengthBytes), out.size() - kFrameLengthBytes);
        sealer->seal(tag, plain, ByteSpan(out).subspan(kFrameLengthBytes));
        return out;
    }
    Frame read(ByteView bytes) {
        reader->feed(bytes);
        return reader->next();
    }
    std::optional<CloseReason> refusal(ByteView bytes) {
        const Frame frame = read(bytes);
        if (frame.kind != Kind::refused) return std::nullopt;
        return frame.reason;
    }
    void begin_again() {
        sealer.emplace(key, random);
        reader.emplace(crypto::StreamOpener(key, sealer->header()));
    }
    void SetUp() override { begin_again(); }

    SeededRandom random{4};
    crypto::SecretKey key = crypto::SecretKey::random(random);
    std::optional<crypto::StreamSealer> sealer;
    std::optional<FrameReader> reader;
};

TEST_F(HostileFrames, OfImpossibleLengthsAreRefusedBeforeTheyAreRead) {
    for (const int length : {0, 1, 17, 18, 65535}) {
        begin_again();
        const Bytes head{static_cast<std::byte>(length >> 8), static_cast<std::byte>(length & 255)};
        EXPECT_EQ(refusal(head), CloseReason::malformed) << length;
    }
    begin_again();
    EXPECT_EQ(read(Bytes{std::byte{0xff}, std::byte{0xfe}}).kind, Kind::none) << "65534 is the longest";
}

TEST_F(HostileFrames, OfUnknownKindsAndLanesAndWrongShapesAreRefused) {
    const Bytes four{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
    for (const int kind : {0, 7, 255}) {
        begin_again();
        EXPECT_EQ(refusal(sealed(kind, 0, four)), CloseReason::malformed) << kind;
    }
    const auto wrong = [&](int kind, int lane, ByteView rest, StreamTag tag = StreamTag::piece) {
        begin_again();
        return refusal(sealed(kind, lane, rest, tag));
    };
    EXPECT_EQ(wrong(kFragmentFrame, 2, four), CloseReason::malformed);
    EXPECT_EQ(wrong(kFragmentFrame, 0, {}), CloseReason::malformed) << "costs no credit";
    EXPECT_EQ(wrong(kLastFragmentFrame, 0, {}), CloseReason::malformed);
    EXPECT_EQ(wrong(kCreditFrame, 0, Bytes(3)), CloseReason::malformed);
    EXPECT_EQ(wrong(kCreditFrame, 0, Bytes(5)), CloseReason::malformed);
    EXPECT_EQ(wrong(kCreditFrame, 0, Bytes(4)), CloseReason::malformed) << "credit of nothing";
    EXPECT_EQ(wrong(kPingFrame, 0, four), CloseReason::malformed);
    EXPECT_EQ(wrong(kPongFrame, 1, {}), CloseReason::malformed);
    EXPECT_EQ(wrong(kFinalFrame, 0, four), CloseReason::malformed) << "without the final tag";
    EXPECT_EQ(wrong(kFinalFrame, 0, {}, StreamTag::final), CloseReason::malformed);
    EXPECT_EQ(wrong(kFinalFrame, 1, four, StreamTag::final), CloseReason::malformed);
    EXPECT_EQ(wrong(kLastFragmentFrame, 0, four, StreamTag::final), CloseReason::malformed);
    EXPECT_EQ(wrong(kCreditFrame, 0, four), std::nullopt);
}

TEST_F(HostileFrames, BeyondTheWindowCloseTheSession) {
    const Bytes full(kMaxFragmentBytes);
    const size_t in_window = kLaneWindow / kMaxFragmentBytes;
    for (size_t i = 0; i < in_window; i++)
        ASSERT_EQ(read(sealed(kLastFragmentFrame, 1, full)).kind, Kind::message) << "nothing is worked off";
    EXPECT_EQ(refusal(sealed(kLastFragmentFrame, 1, full)), CloseReason::window_exceeded);
}

TEST_F(HostileFrames, OfAMessageWithoutEndCloseTheSession) {
    const Bytes full(kMaxFragmentBytes);
    for (size_t i = 0; i < kMaxMessageBytes / kMaxFragmentBytes; i++)
        ASSERT_EQ(read(sealed(kFragmentFrame, 1, full)).kind, Kind::fragment);
    EXPECT_EQ(refusal(sealed(kFragmentFrame, 1, full)), CloseReason::malformed);
}

TEST_F(Frames, GoOnWithANewKeyAfterSoManyBytes) {
    crypto::StreamSealer other(key, random);
    crypto::StreamOpener opener(key, other.header());
    FrameWriter often(std::move(other), 1000);
    size_t rekeyed = 0;
    for (int i = 0; i < 100; i++) {
        often.queue(Lane::urgent, message('u', 300));
        Bytes wire;
        ASSERT_TRUE(often.write(wire));
        Bytes plain(wire.size() - kFrameLengthBytes - crypto::kStreamOverheadBytes);
        const auto tag = opener.open(ByteView(wire).subspan(kFrameLengthBytes), plain);
        ASSERT_TRUE(tag.has_value());
        rekeyed += *tag == StreamTag::rekey;
    }
    EXPECT_EQ(rekeyed, 20U);
}

}  // namespace
}  // namespace bae::dht
