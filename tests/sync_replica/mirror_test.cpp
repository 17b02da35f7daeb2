// What a power cut takes from this device's own store.
#include "sync/paths.h"
#include "sync_replica/home.h"

namespace bae::sync::testing {

TEST(Mirror, AnObjectOfARoundThatDiedBeforeItMergedIsLookedAtAgain) {
    Devices devices(2);
    devices[0].add_album("a", "t");
    devices[0].must_sync(*devices.carrier);
    const std::string path = change_path(devices[0].id(), 1);
    const Bytes object = *devices.carrier->get(path, UINT64_MAX);
    ASSERT_TRUE(devices[1].mirror().put(path, object));  // unsynced, by the round that died
    devices[1].must_sync(*devices.carrier);
    ASSERT_TRUE(devices[1].mirror().remove(path));
    devices.pass(kHour);
    devices[1].must_sync(*devices.carrier);
    EXPECT_EQ(devices[1].mirror().get(path, UINT64_MAX).value(), object);
}

TEST(Mirror, AnOwnEntryThatIsDamagedIsHeldNotCountedAsSent) {
    Devices devices(2);
    const auto listed = devices[1].mirror().list_all("membership/" + devices[1].id().text());
    ASSERT_EQ(listed->size(), 1u);
    const std::string path = listed->front().path;
    const Bytes entry = *devices[1].mirror().get(path, UINT64_MAX);
    ASSERT_TRUE(devices[1].mirror().put(path, as_bytes("damaged")));
    auto other = s3::make_memory_bucket();
    ASSERT_TRUE(devices[1]->adopt(*other));
    devices[1].must_sync(*other);
    EXPECT_TRUE(devices[1].has_hold(HoldReason::damaged_object)) << devices[1].holds();
    EXPECT_FALSE(other->get(path, UINT64_MAX));
    EXPECT_FALSE(other->get(head_path(devices[1].id()), UINT64_MAX))
        << "a head says that everything before it is there";
    ASSERT_TRUE(devices[1].mirror().put(path, entry));
    devices[1].must_sync(*other);
    EXPECT_EQ(devices[1].holds(), "");
    EXPECT_EQ(other->get(path, UINT64_MAX).value(), entry);
    EXPECT_TRUE(other->get(head_path(devices[1].id()), UINT64_MAX));
}

TEST(Mirror, AnObjectOfOthersThatIsLostStaysToBeSent) {
    Devices devices(2);
    devices[0].add_album("a", "t");
    devices.settle();
    const std::string path = change_path(devices[0].id(), 1);
    const Bytes object = *devices.carrier->get(path, UINT64_MAX);
    ASSERT_TRUE(devices[1].mirror().put(path, as_bytes("damaged")));
    auto other = s3::make_memory_bucket();
    ASSERT_TRUE(devices[1]->adopt(*other));
    devices[1].must_sync(*other);
    EXPECT_FALSE(other->get(path, UINT64_MAX));
    ASSERT_TRUE(devices[1].mirror().put(path, object));
    devices[1].must_sync(*other);
    EXPECT_EQ(other->get(path, UINT64_MAX).value(), object);
}

TEST(Mirror, WhatWasNeverRecordedIsNotSent) {
    Devices devices(1);
    const std::string path = change_path(devices[0].id(), 1);
    ASSERT_TRUE(devices[0].mirror().put(path, as_bytes("sealed before a crash")));
    auto other = s3::make_memory_bucket();
    ASSERT_TRUE(devices[0]->adopt(*other));
    devices[0].must_sync(*other);
    EXPECT_FALSE(other->get(path, UINT64_MAX));
    devices[0].add_album("a", "t");
    devices[0].must_sync(*other);
    EXPECT_EQ(other->get(path, UINT64_MAX).value(), *devices[0].mirror().get(path, UINT64_MAX));
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_TRUE(devices[0].status().alarms.empty());
}

}  // namespace bae::sync::testing
