#include "sync_replica/home.h"

namespace bae::sync::testing {

TEST(Replica, TwoDevicesHaveTheSameRows) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices[0].must_sync(*devices.carrier);
    const SyncReport received = devices[1].must_sync(*devices.carrier);
    EXPECT_EQ(received.received_objects, 1u);
    EXPECT_EQ(received.received_transactions, 1u);
    EXPECT_EQ(received.received_rows, 1u);
    devices.expect_equal();
    EXPECT_NE(devices[1].dump().find("one"), std::string::npos);
    EXPECT_EQ(devices[1].holds(), "");
}

TEST(Replica, EditsOfDifferentColumnsMadeApartMeetOnThreeDevices) {
    Devices devices(3);
    devices[0].add_album("a", "one");
    devices.settle();
    devices[1].set_title("a", "two");
    devices[2].write("UPDATE albums SET artist = 'she', _updated_at = stamp() WHERE id = 'a'");
    devices.settle();
    devices.expect_equal();
    EXPECT_NE(devices[0].dump().find("two|she"), std::string::npos) << devices[0].dump();
    for (size_t i = 0; i < 3; i++) EXPECT_TRUE(devices[i].status().alarms.empty());
}

TEST(Replica, ADeviceRestoredLaterHasEverything) {
    Devices devices(1);
    for (int i = 0; i < 20; i++) devices[0].add_album("a" + std::to_string(i), "t");
    devices[0].must_sync(*devices.carrier);
    Home later(devices.person, devices.wall);
    later.restore(devices[0]->library(), *devices.carrier);
    EXPECT_EQ(later.restored.devices, 1u);
    EXPECT_GT(later.restored.newest_head_ms, 0);
    later.must_sync(*devices.carrier);
    EXPECT_EQ(later.dump(), devices[0].dump());
    EXPECT_EQ(later.digest(), devices[0].digest());
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].status().devices.size(), 2u);
    EXPECT_EQ(devices[0].holds(), "");
}

TEST(Replica, AMirrorIsACarrierToRestoreFrom) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices[1].add_album("b", "two");
    devices.settle();
    Home later(devices.person, devices.wall);
    later.restore(devices[0]->library(), devices[0].mirror());
    later.must_sync(devices[0].mirror());
    EXPECT_EQ(later.dump(), devices[0].dump());
}

TEST(Replica, StatusKnowsEveryDevice) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    EXPECT_EQ(devices[0].status().pending, 1u);
    devices.settle();
    EXPECT_EQ(devices[0].status().pending, 0u);
    devices.pass(2 * kHour);  // acknowledging heads are rare
    devices.settle();
    const ReplicaStatus status = devices[0].status();
    ASSERT_EQ(status.devices.size(), 2u);
    for (const DeviceState& device : status.devices) {
        EXPECT_TRUE(device.keeper);
        EXPECT_EQ(device.applied, device.published);
        EXPECT_EQ(device.program_version, "test");
        EXPECT_TRUE(device.same_state);
    }
}

TEST(Replica, OpensAgainWhereItWas) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices.settle();
    devices[0].reopen();
    devices[1].reopen();
    devices[1].set_title("a", "two");
    devices.settle();
    devices.expect_equal();
}

TEST(Replica, LargeHistoriesTravelInObjectsOfAboutOneMebibyte) {
    Devices devices(2);
    for (int i = 0; i < 300; i++)
        devices[0].add_album("a" + std::to_string(i), std::string(10000, static_cast<char>('a' + i % 26)));
    const SyncReport sent = devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(sent.sent_transactions, 300u);
    EXPECT_EQ(sent.sent_objects, 3u);
    devices[1].must_sync(*devices.carrier);
    devices.expect_equal();
}

TEST(Replica, ReleaseKeysAreTheSameOnAllDevices) {
    Devices devices(2);
    const std::string release = "01234567-89ab-cdef-0123-456789abcdef";
    EXPECT_EQ(devices[0]->current_key(), devices[1]->current_key());
    const auto a = devices[0]->release_key(devices[0]->current_key(), release);
    const auto b = devices[1]->release_key(devices[0]->current_key(), release);
    ASSERT_TRUE(a && b);
    EXPECT_TRUE(equal(a->view(), b->view()));
    EXPECT_EQ(devices[1]->release_key({}, release).error().kind, ErrorKind::not_found);
}

TEST(Replica, VerifyFindsNothingWrong) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices.settle();
    EXPECT_EQ(devices[0]->verify({}).value(), std::vector<std::string>());
    EXPECT_EQ(devices[1]->verify({}).value(), std::vector<std::string>());
}

}  // namespace bae::sync::testing
