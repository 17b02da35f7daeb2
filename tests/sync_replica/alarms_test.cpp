// Every alarm: one test makes it appear and go.
#include "sync/paths.h"
#include "sync_replica/forge.h"

namespace bae::sync::testing {

TEST(Alarms, AnOlderHeadUntilTheNewestIsBack) {
    Devices devices(2);
    const std::string path = head_path(devices[1].id());
    const Bytes old = *devices.carrier->get(path, UINT64_MAX);
    devices[1].add_album("a", "t");
    devices.settle();
    const Bytes newest = *devices.carrier->get(path, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->put(path, old));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::rolled_back));
    ASSERT_TRUE(devices.carrier->put(path, newest));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

TEST(Alarms, AnOlderOwnHeadIsWrittenAgain) {
    Devices devices(1);
    const std::string path = head_path(devices[0].id());
    const Bytes old = *devices.carrier->get(path, UINT64_MAX);
    devices[0].add_album("a", "t");
    devices.settle();
    devices.pass(kHour);
    ASSERT_TRUE(devices.carrier->put(path, old));
    devices[0].must_sync(*devices.carrier);
    EXPECT_NE(*devices.carrier->get(path, UINT64_MAX), old);
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].status().alarms.empty());
    EXPECT_EQ(devices[0].id(), devices[0].keys().id()) << "an older head is no sign of a copy";
}

TEST(Alarms, AHeadThatIsGoneUntilItIsBack) {
    Devices devices(2);
    const std::string path = head_path(devices[1].id());
    const Bytes head = *devices.carrier->get(path, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->remove(path));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::head_gone));
    ASSERT_TRUE(devices.carrier->put(path, head));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

TEST(Alarms, AnOwnHeadThatIsGoneIsWrittenAgain) {
    Devices devices(2);
    ASSERT_TRUE(devices.carrier->remove(head_path(devices[1].id())));
    devices[1].must_sync(*devices.carrier);
    EXPECT_EQ(devices.paths("heads/").size(), 2u);
}

TEST(Alarms, TwoHeadsOfOneCounterAreAFork) {
    Devices devices(2);
    Forge forge(devices[1]);
    Head other = forge.newest_head();
    other.date_ms++;
    forge.put(*devices.carrier, other);
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::forked_stream));
    ASSERT_TRUE(devices[0]->acknowledge(stream_name(devices[1].id()), AlarmReason::forked_stream));
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

TEST(Alarms, AClaimOfAnotherHistoryIsReportedAndStopsNothing) {
    Devices devices(3);
    devices[1].add_album("a", "t");
    devices.settle();
    Forge forge(devices[2]);
    Head head = forge.head(50, 0);
    crypto::Hash256 other;
    other.bytes[3] = std::byte{3};
    head.applied = {{devices[1].id(), 1, other}};
    forge.put(*devices.carrier, head);
    devices[1].add_album("b", "t");
    devices[1].must_sync(*devices.carrier);
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::forked_stream));
    EXPECT_NE(devices[0].dump().find("albums|b|"), std::string::npos);
    EXPECT_EQ(devices[0].holds(), "");
}

TEST(Alarms, AnotherStateAtTheSamePositionsUntilTheStatesAgree) {
    Devices devices(2);
    devices[1].add_album("a", "t");
    devices.settle();
    Forge forge(devices[1]);
    const auto state_of = [&](uint64_t counter, const Digest& digest) {
        Head head = forge.newest_head();
        head.counter = counter;
        head.digest = digest;
        forge.put(*devices.carrier, head);
        devices[0].must_sync(*devices.carrier);
    };
    state_of(50, Digest{});
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::digest_mismatch));
    state_of(51, *devices[0].database().digest());
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

TEST(Alarms, ForeignBytesAtOurPathAreOverwritten) {
    Devices devices(2);
    const std::string path = change_path(devices[0].id(), 1);
    ASSERT_TRUE(devices.carrier->put(path, as_bytes("somebody was here")));
    devices[0].add_album("a", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::foreign_bytes));
    EXPECT_EQ(devices[0].id(), devices[0].keys().id()) << "garbage does not make a copy of this device";
    devices[1].must_sync(*devices.carrier);
    devices.expect_equal();
    ASSERT_TRUE(devices[0]->acknowledge(path, AlarmReason::foreign_bytes));
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

TEST(Alarms, ForeignBytesAtOurHeadAreOverwritten) {
    Devices devices(2);
    devices.pass(kHour);
    ASSERT_TRUE(devices.carrier->put(head_path(devices[0].id()), as_bytes("somebody was here")));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::foreign_bytes));
    devices[1].must_sync(*devices.carrier);
    EXPECT_EQ(devices[1].holds(), "");
}

TEST(Alarms, OtherBytesThanWereAppliedUntilTheRightOnesAreBack) {
    Devices devices(2);
    devices[0].add_album("a", "t");
    devices.settle();
    const std::string path = change_path(devices[0].id(), 1);
    const Bytes object = *devices.carrier->get(path, UINT64_MAX);
    ASSERT_TRUE(devices[1].mirror().remove(path));  // what a power cut may do
    ASSERT_TRUE(devices.carrier->put(path, as_bytes("other")));
    devices.pass(kHour / 2);
    devices[1].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[1].has_alarm(AlarmReason::stored_differently));
    ASSERT_TRUE(devices.carrier->put(path, object));
    devices[1].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[1].status().alarms.empty());
    EXPECT_EQ(devices[1].mirror().get(path, UINT64_MAX).value(), object);
}

}  // namespace bae::sync::testing
