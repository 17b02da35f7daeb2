// A peer that holds the keys (a member gone bad, or a stranger in a discovery session) and sends what it likes. Memory
// and work stay bounded, the session ends with a reason, and nothing of it reaches the handler.
#include <gtest/gtest.h>

#include "crypto/base/pack.h"
#include "dht/frame_kinds.h"
#include "dht/memory_link.h"
#include "dht/requests.h"

namespace bae::dht {
namespace {

class HostilePeer : public ::testing::Test, protected Conversation {
  protected:
    HostilePeer() : Conversation(31) { meet(Purpose::library); }

    // Bob accepts; the hostile end dials by hand and keeps the keys.
    void meet(Purpose purpose, BudgetRates rates = kMemberRates) {
        b.recorder = {};
        b.link = {};
        const Offers what = purpose == Purpose::library ? offers(library.offer()) : offers(discovery_offer());
        SessionSetup setup{bob.self(), what, everybody(), &random, rates, rates};
        b.accept(setup);
        Bytes to_bob;
        Handshake handshake = Handshake::initiate(mallory.self(), what, 0, everybody(), random, to_bob);
        while (handshake.state() == Handshake::State::going) {
            const size_t seen = b.link.all_sent.size();
            b.session->received(std::exchange(to_bob, {}), now);
            ByteView back = ByteView(b.link.all_sent).subspan(seen);
            handshake.receive(back, now.unix_s, to_bob);
            if (!back.empty()) rest = to_bytes(back);
        }
        secured.emplace(handshake.take());
        reader.emplace(std::move(secured->opener));
        reader->feed(std::exchange(rest, {}));
        seen_ = b.link.all_sent.size();
        ASSERT_TRUE(b.is_open());
    }
    void send_frame(int kind, Lane lane, ByteView body, crypto::StreamTag tag = crypto::StreamTag::piece) {
        if (b.session->is_closed()) return;
        b.session->received(frame(kind, lane, body, tag), now);
    }
    Bytes frame(int kind, Lane lane, ByteView body, crypto::StreamTag tag = crypto::StreamTag::piece) {
        Bytes plain{static_cast<std::byte>(kind), static_cast<std::byte>(lane)};
        append(plain, body);
        Bytes out(kFrameLengthBytes + plain.size() + crypto::kStreamOverheadBytes);
        write_big_endian(ByteSpan(out).first(kFrameLengthBytes), out.size() - kFrameLengthBytes);
        secured->sealer.seal(tag, plain, ByteSpan(out).subspan(kFrameLengthBytes));
        return out;
    }
    void say(ByteView message) { send_frame(kLastFragmentFrame, Lane::urgent, message); }
    void say(RequestId id, const MessageBody& body) { say(*encode_message(id, body)); }
    // A message of a type this version does not have.
    static Bytes unknown(uint16_t type, RequestId id) {
        Bytes out;
        Packer packer(out);
        packer.array(2);
        packer.uint(type);
        packer.uint(id);
        return out;
    }
    // What bob has said since, as the hostile end reads it.
    std::vector<Bytes> heard() {
        std::vector<Bytes> out;
        reader->feed(ByteView(b.link.all_sent).subspan(seen_));
        seen_ = b.link.all_sent.size();
        b.link.out.clear();
        for (Frame got = reader->next(); got.kind != Frame::Kind::none; got = reader->next()) {
            EXPECT_NE(got.kind, Frame::Kind::refused);
            if (got.kind == Frame::Kind::message) out.push_back(to_bytes(got.message));
        }
        return out;
    }

    Device bob{random};
    Device mallory{random};
    Library library{random};
    std::optional<Secured> secured;
    std::optional<FrameReader> reader;
    Bytes rest;

  private:
    size_t seen_ = 0;
};

TEST_F(HostilePeer, IsClosedForAMessageThatIsNone) {
    for (const std::string_view bytes : {"x", "\x92\x01", "\xdd\xff\xff\xff\xff", "\x93\x02\x00\xdd\xff\xff\xff\xff"}) {
        meet(Purpose::library);
        say(as_bytes(bytes));
        EXPECT_EQ(b.ended(), "malformed");
    }
}

TEST_F(HostilePeer, IsToldWhyBeforeItIsClosed) {
    heard();
    say(as_bytes("x"));
    const auto last = heard();
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(std::get<Bye>(decode_message(last[0])->body).reason, Bye::not_understood);
}

TEST_F(HostilePeer, IsClosedForCreditNobodyCanHaveUsed) {
    std::array<std::byte, kCreditBytes> much;
    write_big_endian(much, UINT32_MAX);
    send_frame(kCreditFrame, Lane::bulk, much);
    EXPECT_EQ(b.ended(), "malformed");
}

TEST_F(HostilePeer, IsClosedForAGoodbyeThatIsNotTheLastFrameAndForALastFrameThatIsNone) {
    say(0, Bye{Bye::leaving});
    EXPECT_EQ(b.ended(), "malformed");
    meet(Purpose::library);
    send_frame(kFinalFrame, Lane::urgent, *encode_message(0, News{}), crypto::StreamTag::final);
    EXPECT_EQ(b.ended(), "malformed");
    EXPECT_EQ(b.recorder.news, 0);
    meet(Purpose::library);
    send_frame(kFinalFrame, Lane::urgent, *encode_message(0, Bye{77}), crypto::StreamTag::final);
    EXPECT_EQ(b.ended(), "peer-left");
    EXPECT_EQ(b.recorder.end->bye, 77);
}

TEST_F(HostilePeer, IsClosedForAnAnswerNobodyAskedFor) {
    say(1, Object{1, as_bytes("x")});
    EXPECT_EQ(b.ended(), "malformed");
}

TEST_F(HostilePeer, IsClosedForAnAnswerThatDoesNotFit) {
    const MessageBody fewer_than_there_are = Object{10, as_bytes("12")};
    const MessageBody more_than_wanted = Object{10, as_bytes("12345")};
    const MessageBody from_beyond_the_end = Object{3, as_bytes("1")};
    const MessageBody of_another_kind = Names{{}, false};
    const std::vector<MessageBody> wrong{fewer_than_there_are, more_than_wanted, from_beyond_the_end, of_another_kind};
    for (const MessageBody& answer : wrong) {
        meet(Purpose::library);
        const auto id = b.session->ask(Want{"x", 5, 4}, now);
        say(*id, answer);
        EXPECT_EQ(b.recorder.answers.size(), 0U);
        EXPECT_EQ(b.recorder.failures.at(*id).kind, RequestFailure::Kind::closed);
    }
    for (const Names& answer : {Names{{{"changes/a", 1}}, false}, Names{{{"heads/z", 1}}, false},
                                Names{{{"changes/c", 1}, {"changes/d", 1}, {"changes/e", 1}}, false}}) {
        meet(Purpose::library);
        const auto id = b.session->ask(List{"changes/", "changes/b", 2}, now);
        say(*id, answer);
        EXPECT_EQ(b.ended(), "malformed");
    }
}

TEST_F(HostilePeer, GetsOneAnswerPerQuestionAndIsClosedForASecondOne) {
    const auto id = b.session->ask(Want{"x", 0, 1}, now);
    say(*id, Object{1, as_bytes("x")});
    EXPECT_EQ(b.recorder.answers.size(), 1U);
    say(*id, Object{1, as_bytes("y")});
    EXPECT_EQ(b.ended(), "malformed");
}

TEST_F(HostilePeer, IsClosedForMoreQuestionsThanAreAllowed) {
    size_t given = 0;
    b.recorder.on_request = [&](RequestId, const MessageBody&) { given++; };
    for (RequestId id = 1; id <= kMaxOpenRequests; id++) say(id, Want{"x", 0, kMaxRangeBytes});
    EXPECT_EQ(b.ended(), "open");
    EXPECT_EQ(given, kAnswerBytes / kMaxRangeBytes) << "no more than there is room to answer";
    say(kMaxOpenRequests + 1, Want{"x", 0, 1});
    EXPECT_EQ(b.ended(), "too-many-requests");
}

TEST_F(HostilePeer, IsClosedForTheSameQuestionTwice) {
    say(1, Want{"x", 0, 1});
    say(1, Want{"x", 0, 1});
    EXPECT_EQ(b.ended(), "malformed");
}

TEST_F(HostilePeer, ThatAsksAndNeverReadsHoldsABoundedAmountOfMemory) {
    const Bytes object = random.bytes(kMaxRangeBytes);
    size_t given = 0;
    b.recorder.on_request = [&](RequestId id, const MessageBody&) {
        given++;
        EXPECT_TRUE(b.session->answer(id, Object{object.size(), object}, now));
    };
    for (RequestId id = 1; id <= 40; id++) say(id, Want{"x", 0, kMaxRangeBytes});
    EXPECT_EQ(b.ended(), "open");
    // In the link what it takes, in the lane what the session may hold, and no request beyond is even read.
    EXPECT_LE(b.link.out.size(), kMaxUnsentBytes + kMaxFrameBytes);
    EXPECT_LE(given * kMaxRangeBytes, kMaxUnsentBytes + kAnswerBytes + kMaxRangeBytes);
    for (int i = 0; i < 100; i++) {  // it drains the link, but gives no credit
        b.link.out.clear();
        b.session->drained(now);
    }
    EXPECT_LE(given * kMaxRangeBytes, kLaneWindow + kAnswerBytes + kMaxRangeBytes);
}

TEST_F(HostilePeer, ThatCollectsRefusalsWithoutReadingThemIsClosed) {
    BudgetRates endless = kMemberRates;
    endless.frames = {1'000'000'000, 1'000'000'000};
    meet(Purpose::library, endless);
    const Bytes question = unknown(999, 5);
    size_t said = 0;
    for (; said < 3'000'000 && !b.session->is_closed(); said++) {
        say(question);
    }
    EXPECT_EQ(b.ended(), "too-many-requests");
}

TEST_F(HostilePeer, MayAskWhatThisVersionDoesNotKnow) {
    heard();
    say(unknown(999, 5));
    say(unknown(9, 6));
    say(unknown(999, 0));
    EXPECT_EQ(b.ended(), "open");
    EXPECT_EQ(b.session->counts().skipped, 3U);
    const auto answers = heard();
    ASSERT_EQ(answers.size(), 2U);
    for (size_t i = 0; i < 2; i++) {
        const auto answer = decode_message(answers[i]);
        EXPECT_EQ(answer->id, 5 + i);
        EXPECT_EQ(std::get<Refused>(answer->body).reason, Refused::unknown_message);
    }
}

TEST_F(HostilePeer, AStrangerInADiscoverySessionGetsNoLibraryObjects) {
    meet(Purpose::discovery);
    b.recorder.on_request = [](RequestId, const MessageBody&) { FAIL() << "the handler must not even be asked"; };
    heard();
    say(1, Want{"library.bae", 0, 1});
    say(2, List{"", "", 1000});
    say(0, News{});
    say(0, Heads{{{"heads/x", as_bytes("x")}}});
    const auto answers = heard();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(std::get<Refused>(decode_message(answers[0])->body).reason, Refused::not_here);
    EXPECT_EQ(b.recorder.news, 0);
    EXPECT_TRUE(b.recorder.heads.empty());
    EXPECT_EQ(b.session->counts().skipped, 4U);
}

TEST_F(HostilePeer, ThatFloodsIsSlowedThenServedAgain) {
    meet(Purpose::library, {{1 << 30, 1 << 30}, {100, 200}, {1000, 1000}});
    for (int i = 0; i < 300; i++) say(0, News{});
    EXPECT_EQ(b.recorder.news, 201) << "a burst, and the one that makes the debt";
    EXPECT_EQ(b.session->counts().slowed, 1U);
    EXPECT_LE(b.session->next_event_ms(), now.ms + 20);
    for (int i = 0; i < 200; i++) pass(10);
    EXPECT_EQ(b.recorder.news, 300);
    EXPECT_EQ(b.ended(), "open");
}

TEST_F(HostilePeer, ThatFloodsForTooLongIsDropped) {
    meet(Purpose::library, {{1 << 30, 1 << 30}, {100, 200}, {1000, 1000}});
    for (int second = 0; second < 120 && !b.session->is_closed(); second++) {
        for (int i = 0; i < 200; i++) say(0, News{});
        pass(1000);
    }
    EXPECT_EQ(b.ended(), "over-budget");
    EXPECT_LE(b.recorder.news, 201 + 62 * 100);
}

TEST_F(HostilePeer, ThatFloodsRegardlessIsDroppedBeforeItsBytesFillTheMemory) {
    meet(Purpose::library, {{1 << 30, 1 << 30}, {10, 10}, {1000, 1000}});
    const Bytes ping = Bytes();
    uint64_t sent = 0;
    while (!b.session->is_closed()) {
        const Bytes one = frame(kPingFrame, Lane::urgent, ping);
        sent += one.size();
        b.session->received(one, now);
        ASSERT_LT(sent, kMaxUnreadBytes + 10'000);
    }
    EXPECT_EQ(b.ended(), "over-budget");
}

TEST_F(HostilePeer, ThatMakesUsCheckSignaturesIsSlowed) {
    meet(Purpose::library, {{1 << 30, 1 << 30}, {1000, 1000}, {10, 50}});
    Heads heads;
    for (int i = 0; i < 51; i++) heads.heads.push_back({"heads/x", as_bytes("x")});
    say(0, heads);
    say(0, News{});
    EXPECT_EQ(b.recorder.heads.size(), 1U);
    EXPECT_EQ(b.recorder.news, 0);
    pass(100);
    EXPECT_EQ(b.recorder.news, 1);
    b.session->spend_checks(1000, now);
    say(0, News{});
    EXPECT_EQ(b.recorder.news, 1);
}

TEST_F(HostilePeer, ThatDripsOneFrameForeverIsSilent) {
    const Bytes slow = frame(kLastFragmentFrame, Lane::urgent, *encode_message(0, News{}));
    for (size_t i = 0; i + 1 < slow.size() && !b.session->is_closed(); i++) {
        b.session->received(ByteView(slow).subspan(i, 1), now);
        pass(10'000);
    }
    EXPECT_EQ(b.ended(), "silent");
}

TEST_F(HostilePeer, CannotReplayAFrameOrSendOneOfAnotherSession) {
    const Bytes once = frame(kLastFragmentFrame, Lane::urgent, *encode_message(0, News{}));
    b.session->received(once, now);
    b.session->received(once, now);
    EXPECT_EQ(b.ended(), "not-opened");
    EXPECT_EQ(b.recorder.news, 1);
    meet(Purpose::library);
    b.session->received(once, now);
    EXPECT_EQ(b.ended(), "not-opened");
}

TEST_F(HostilePeer, AHandlerMayCloseFromAnywhere) {
    b.recorder.on_request = [&](RequestId id, const MessageBody&) {
        b.session->close(CloseReason::leaving, now);
        EXPECT_EQ(b.session->answer(id, Refused{}, now).error().kind, ErrorKind::cancelled);
    };
    Bytes both = frame(kLastFragmentFrame, Lane::urgent, *encode_message(1, Want{"x", 0, 1}));
    append(both, frame(kLastFragmentFrame, Lane::urgent, *encode_message(2, Want{"x", 0, 1})));
    b.session->received(both, now);
    EXPECT_EQ(b.ended(), "leaving");
}

}  // namespace
}  // namespace bae::dht
