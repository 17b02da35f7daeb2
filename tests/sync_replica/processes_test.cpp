// Several processes of one home, each with a Replica of its own, interleaved at the calls of the storage.
#include "sync/holds.h"
#include "sync/paths.h"
#include "sync_replica/forge.h"

namespace bae::sync::testing {

namespace {

struct Processes : Devices {
    explicit Processes(int count) : Devices(count), hooked(*carrier, wall) {
        daemon = *Replica::open(homes[0]->options());
    }
    SyncReport must_sync_daemon(const SyncOptions& options = {}) {
        const auto report = daemon->sync(hooked, "carrier", options);
        EXPECT_TRUE(report) << report.error().message;
        return report.value_or(SyncReport{});
    }
    HookBucket hooked;
    std::unique_ptr<Replica> daemon;  // of the first home
};

}  // namespace

TEST(Processes, ASecondOneThatSyncsMeanwhileIsNoCopy) {
    Processes devices(2);
    const crypto::DeviceId self = devices[0].id();
    devices.hooked.before_list = [&] {
        devices[0].add_album("a", "t");
        devices[0].must_sync(*devices.carrier);
    };
    devices.pass(kHour);
    devices.must_sync_daemon();
    EXPECT_EQ(devices.daemon->certificate().device_id(), self);
    EXPECT_EQ(devices[0].id(), self);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_TRUE(devices[0].status().alarms.empty());
    devices.settle();
    devices.expect_equal();
}

TEST(Processes, AMendedClockLosesNothingThatASecondOneSealsMeanwhile) {
    Processes devices(2);
    devices[0].add_album("waiting", "t");
    devices.hooked.before_list = [&] {
        devices[0].add_album("sealed", "t");
        devices[0].must_sync(*devices.carrier);
    };
    SyncOptions mend;
    mend.mend_clock = true;
    devices.must_sync_daemon(mend);
    EXPECT_NE(devices[0].dump().find("albums|waiting|"), std::string::npos);
    EXPECT_NE(devices[0].dump().find("albums|sealed|"), std::string::npos);
    devices.settle();
    devices.expect_equal();
}

TEST(Processes, TheMendingOfAClockIsShown) {
    Devices devices(2);
    devices[1].add_album("a", "t");
    devices[1].must_sync(*devices.carrier);
    devices[0].must_sync(*devices.carrier);
    std::set<std::string> phases;
    SyncOptions mend;
    mend.mend_clock = true;
    mend.on_progress = [&](const SyncProgress& at) { phases.insert(at.phase); };
    devices[0].must_sync(*devices.carrier, mend);
    EXPECT_TRUE(phases.contains("rebuilding"));
    devices.expect_equal();
}

TEST(Processes, ABookStoresOnlyWhatItChanged) {
    Devices devices(1);
    Database& database = devices[0].database();
    HoldBook first, second;
    {
        auto reader = database.read();
        first = *HoldBook::load(**reader);
        second = *HoldBook::load(**reader);
    }
    first.alarm("a", AlarmReason::head_gone, "", 1);
    first.hold("h", HoldReason::forked, "", 1);
    second.alarm("b", AlarmReason::head_gone, "", 2);
    for (HoldBook* book : {&first, &second})
        ASSERT_TRUE(database.replicate([&](sqlite::Connection& connection) { return book->store(connection); }));
    EXPECT_EQ(devices[0].status().alarms.size(), 2u);
    EXPECT_EQ(devices[0].holds(), "h forked\n");
    ASSERT_TRUE(devices[0]->acknowledge("a", AlarmReason::head_gone));
    second.release("h");
    second.disprove("b", AlarmReason::head_gone);
    EXPECT_TRUE(second.changed());
    ASSERT_TRUE(database.replicate([&](sqlite::Connection& connection) { return second.store(connection); }));
    EXPECT_TRUE(devices[0].status().alarms.empty());
    EXPECT_EQ(devices[0].holds(), "h forked\n") << "the second book never knew of it";
}

TEST(Processes, ARoundHoldsTheLockUntilItsEnd) {
    Devices devices(1);
    HookBucket carrier(*devices.carrier, devices.wall);
    std::weak_ptr<void> lock;
    ReplicaOptions options = devices[0].options();
    options.lock_round = [&](const SyncOptions& sync) -> Result<std::shared_ptr<void>> {
        if (sync.cancelled && sync.cancelled()) return fail(ErrorKind::cancelled, "cancelled");
        const auto held = std::make_shared<int>(0);
        lock = held;
        return held;
    };
    const auto daemon = *Replica::open(options);
    EXPECT_TRUE(lock.expired());
    bool locked = false;
    carrier.before_list = [&] { locked = !lock.expired(); };
    ASSERT_TRUE(daemon->sync(carrier, "carrier", {}));
    EXPECT_TRUE(locked);
    EXPECT_TRUE(lock.expired());
    SyncOptions cancelled;
    cancelled.cancelled = [] { return true; };
    EXPECT_EQ(daemon->sync(carrier, "carrier", cancelled).error().kind, ErrorKind::cancelled);
}

}  // namespace bae::sync::testing
