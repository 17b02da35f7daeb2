#include "dht/peer_session.h"

#include <gtest/gtest.h>

#include "dht/memory_link.h"

namespace bae::dht {
namespace {

class PeerSessionTest : public ::testing::Test, protected Conversation {
  protected:
    PeerSessionTest() : Conversation(21) {}

    SessionSetup setup(const Device& device, Offers what) {
        return {device.self(), std::move(what), everybody(), &random};
    }
    void connect() { connect(setup(alice, offers(library.offer())), setup(bob, offers(library.offer()))); }
    void connect(SessionSetup of_a, SessionSetup of_b) {
        b.accept(std::move(of_b));
        a.dial(std::move(of_a));
        settle();
    }
    // Bob serves these bytes, whatever the path.
    void serve(Bytes object) {
        b.recorder.on_request = [this, object = std::move(object)](RequestId id, const MessageBody& body) {
            const auto& want = std::get<Want>(body);
            const size_t from = std::min<size_t>(want.offset, object.size());
            const size_t size = std::min<size_t>(want.length, object.size() - from);
            EXPECT_TRUE(b.session->answer(id, Object{object.size(), ByteView(object).subspan(from, size)}, now));
        };
    }
    RequestId want(uint64_t offset, uint32_t length) {
        const auto id = a.session->ask(Want{"changes/x", offset, length}, now);
        EXPECT_TRUE(id.has_value());
        return id.value_or(0);
    }
    const Object answered(RequestId id) { return std::get<Object>(decode_message(a.recorder.answers.at(id))->body); }

    Device alice{random};
    Device bob{random};
    Library library{random};
};

TEST_F(PeerSessionTest, TellsBothEndsWhoTheOtherIs) {
    connect();
    ASSERT_TRUE(a.recorder.peer && b.recorder.peer);
    EXPECT_EQ(a.recorder.peer->certificate, bob.certificate);
    EXPECT_EQ(b.recorder.peer->certificate, alice.certificate);
    EXPECT_EQ(a.recorder.peer->library, library.id);
    EXPECT_TRUE(a.recorder.peer->dialled_by_us);
    EXPECT_FALSE(b.recorder.peer->dialled_by_us);
    ASSERT_EQ(a.recorder.hellos.size(), 1U);
    EXPECT_EQ(a.recorder.hellos[0], (HelloMessage{{1}, {1}}));
}

TEST_F(PeerSessionTest, CarriesNewsAndHeadsBothWays) {
    connect();
    const Bytes head = random.bytes(300);
    EXPECT_TRUE(a.session->send(News{}, now));
    EXPECT_TRUE(b.session->send(Heads{{{"heads/1.enc", head}}}, now));
    settle();
    EXPECT_EQ(b.recorder.news, 1);
    EXPECT_EQ(a.recorder.heads.at("heads/1.enc"), head);
}

TEST_F(PeerSessionTest, AnswersRangesOfAnObject) {
    connect();
    const Bytes object = random.bytes(700'000);
    serve(object);
    Bytes got;
    std::vector<RequestId> ids;
    for (uint64_t at = 0; at < object.size(); at += kMaxRangeBytes) ids.push_back(want(at, kMaxRangeBytes));
    ids.push_back(want(object.size(), 10));
    settle();
    for (const RequestId id : ids) {
        EXPECT_EQ(answered(id).size, object.size());
        append(got, answered(id).bytes);
    }
    EXPECT_EQ(got, object);
}

TEST_F(PeerSessionTest, CarriesMuchMoreThanItsWindows) {
    connect();
    const Bytes object = random.bytes(kMaxRangeBytes);
    serve(object);
    for (int round = 0; round < 40; round++) {
        const RequestId id = want(0, kMaxRangeBytes);
        settle();
        ASSERT_TRUE(equal(answered(id).bytes, object)) << round;
    }
    EXPECT_GT(b.session->counts().bytes_out, 10U << 20);
    EXPECT_EQ(a.ended(), "open");
}

TEST_F(PeerSessionTest, ListsNames) {
    connect();
    b.recorder.on_request = [&](RequestId id, const MessageBody& body) {
        EXPECT_EQ(std::get<List>(body).prefix, "changes/");
        EXPECT_TRUE(b.session->answer(id, Names{{{"changes/b", 10}, {"changes/c", 11}}, true}, now));
    };
    const auto id = a.session->ask(List{"changes/", "changes/a", 2}, now);
    settle();
    EXPECT_EQ(a.recorder.answers.count(*id), 1U);
}

TEST_F(PeerSessionTest, ARefusalReachesWhoAsked) {
    connect();
    b.recorder.on_request = [&](RequestId id, const MessageBody&) {
        EXPECT_TRUE(b.session->answer(id, Refused{Refused::not_found}, now));
    };
    const RequestId id = want(0, 1);
    settle();
    EXPECT_EQ(a.recorder.failures.at(id).kind, RequestFailure::Kind::refused);
    EXPECT_EQ(a.recorder.failures.at(id).reason, Refused::not_found);
}

TEST_F(PeerSessionTest, NewsOvertakesAnObjectOnItsWay) {
    connect();
    serve(random.bytes(kMaxRangeBytes));
    for (int i = 0; i < 4; i++) want(0, kMaxRangeBytes);
    while (a.recorder.answers.empty()) step();
    const size_t before = a.recorder.answers.size();
    EXPECT_TRUE(b.session->send(News{}, now));
    while (a.recorder.news == 0) step();
    // At most what was in the link already (two frames and a bit) went first.
    EXPECT_LE(a.recorder.answers.size(), before + 1);
}

TEST_F(PeerSessionTest, PairingCarriesSealedStepsAndNothingElse) {
    connect({{}, offers(pairing_offer("code")), everybody(), &random},
            setup(bob, offers(library.offer(), pairing_offer("code"))));
    b.recorder.on_request = [&](RequestId id, const MessageBody& body) {
        EXPECT_EQ(as_text(std::get<dht::Pair>(body).sealed), "request");
        EXPECT_TRUE(b.session->answer(id, dht::Pair{dht::Pair::Step::answer, as_bytes("answer")}, now));
    };
    const auto id = a.session->ask(dht::Pair{dht::Pair::Step::request, as_bytes("request")}, now);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(a.session->ask(Want{"library.bae", 0, 1}, now).error().kind, ErrorKind::invalid_input);
    EXPECT_EQ(a.session->send(News{}, now).error().kind, ErrorKind::invalid_input);
    settle();
    EXPECT_EQ(a.recorder.answers.count(*id), 1U);
}

TEST_F(PeerSessionTest, DiscoveryDoesNotTellThatThereIsALibrary) {
    connect(setup(alice, offers(discovery_offer())), setup(bob, offers(library.offer(), discovery_offer())));
    ASSERT_TRUE(a.is_open());
    EXPECT_EQ(a.recorder.hellos.at(0).purposes, std::vector<uint8_t>{4});
    EXPECT_FALSE(a.recorder.peer->certificate.has_value());
}

TEST_F(PeerSessionTest, SaysGoodbyeWithAReasonAndNothingAfterIt) {
    connect();
    const RequestId id = want(0, 1);
    a.session->close(CloseReason::not_needed, now);
    EXPECT_EQ(a.recorder.failures.at(id).kind, RequestFailure::Kind::closed);
    settle();
    EXPECT_EQ(a.ended(), "not-needed");
    EXPECT_EQ(b.ended(), "peer-left");
    EXPECT_EQ(b.recorder.end->bye, Bye::not_needed);
    EXPECT_EQ(a.session->send(News{}, now).error().kind, ErrorKind::cancelled);
    EXPECT_EQ(b.session->ask(Want{"x", 0, 1}, now).error().kind, ErrorKind::cancelled);
    EXPECT_EQ(a.session->next_event_ms(), INT64_MAX);
}

TEST_F(PeerSessionTest, ACutLinkFailsWhatWasAsked) {
    connect();
    const RequestId id = want(0, 1);
    cut();
    EXPECT_EQ(a.recorder.failures.at(id).kind, RequestFailure::Kind::closed);
    EXPECT_EQ(a.ended(), "link-lost");
    EXPECT_EQ(b.ended(), "link-lost");
}

TEST_F(PeerSessionTest, AStrangerGetsNotOneByteAndIsToldApart) {
    const Library other(random);
    connect(setup(alice, offers(other.offer())), setup(bob, offers(library.offer())));
    EXPECT_EQ(b.ended(), "unknown-secret");
    EXPECT_TRUE(b.link.all_sent.empty());
    EXPECT_EQ(a.ended(), "link-lost");
}

TEST_F(PeerSessionTest, WhoIsRefusedIsToldWhyWhicheverEndItIs) {
    SessionSetup strict = setup(bob, offers(library.offer()));
    strict.admit = members({bob.identity.public_key()});
    connect(setup(alice, offers(library.offer())), strict);
    EXPECT_EQ(b.ended(), "not-a-member");
    EXPECT_EQ(a.ended(), "peer-left");
    EXPECT_EQ(a.recorder.end->bye, Bye::not_a_member);
    EXPECT_FALSE(a.recorder.peer.has_value());
}

TEST_F(PeerSessionTest, AResponderThatIsRefusedIsToldToo) {
    SessionSetup strict = setup(alice, offers(library.offer()));
    strict.admit = members({alice.identity.public_key()});
    connect(strict, setup(bob, offers(library.offer())));
    EXPECT_EQ(a.ended(), "not-a-member");
    EXPECT_EQ(b.ended(), "peer-left");
    EXPECT_EQ(b.recorder.end->bye, Bye::not_a_member);
}

TEST_F(PeerSessionTest, AnUnfinishedHandshakeEndsInTime) {
    b.accept(setup(bob, offers(library.offer())));
    EXPECT_EQ(b.session->next_event_ms(), now.ms + kHandshakeTimeout_ms);
    // One byte a second: slow sending does not prolong it.
    Bytes hello;
    Handshake::initiate(alice.self(), offers(library.offer()), 0, everybody(), random, hello);
    for (size_t i = 0; i < hello.size() && b.ended() == "open"; i++) {
        b.session->received(ByteView(hello).subspan(i, 1), now);
        now.ms += 1000;
        b.session->time_passed(now);
    }
    EXPECT_EQ(b.ended(), "handshake-timeout");
}

TEST_F(PeerSessionTest, PingsWhoIsSilentAndLeavesWhoStaysSilent) {
    connect();
    const auto sent = b.link.all_sent.size();
    pass(kPingAfter_ms - 1);
    EXPECT_EQ(b.link.all_sent.size(), sent);
    pass(1);
    EXPECT_GT(b.link.all_sent.size(), sent);
    settle();
    for (int i = 0; i < 100; i++) {
        pass(20'000);
        settle();
    }
    EXPECT_EQ(a.ended(), "open") << "half an hour with nothing to say";

    a.link.listen(nullptr);  // a is gone without a word
    for (int i = 0; i < 5; i++) pass(kPingAfter_ms);
    EXPECT_EQ(b.ended(), "silent");
}

TEST_F(PeerSessionTest, SendsOnePingPerSilence) {
    connect();
    a.link.listen(nullptr);
    pass(kPingAfter_ms);
    const auto sent = b.link.all_sent.size();
    for (int i = 0; i < 50; i++) pass(1000);
    EXPECT_EQ(b.link.all_sent.size(), sent);
    EXPECT_EQ(b.session->next_event_ms(), now.ms - 50'000 - kPingAfter_ms + kSilentAfter_ms);
}

TEST_F(PeerSessionTest, ARequestWithoutAnAnswerTimesOutAndALateAnswerIsDropped) {
    connect();
    const RequestId id = want(0, 1);
    settle();
    pass(30'000);
    EXPECT_EQ(a.recorder.failures.at(id).kind, RequestFailure::Kind::timed_out);
    EXPECT_TRUE(b.session->answer(id, Object{1, as_bytes("x")}, now));
    settle();
    EXPECT_TRUE(a.recorder.answers.empty());
    EXPECT_EQ(a.session->counts().late, 1U);
    EXPECT_EQ(a.ended(), "open");
}

}  // namespace
}  // namespace bae::dht
