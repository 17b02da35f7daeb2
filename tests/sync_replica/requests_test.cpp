// What a round costs a carrier.
#include "sync_replica/home.h"

namespace bae::sync::testing {

namespace {

struct Counted {
    explicit Counted(Devices& all) : devices(all), carrier(s3::make_counting_bucket(*all.carrier)) {}
    s3::CallCounts sync(size_t device) {
        const s3::CallCounts before = carrier->counts();
        devices[device].must_sync(*carrier);
        const s3::CallCounts after = carrier->counts();
        return {after.get - before.get, after.put - before.put, after.list - before.list, after.remove - before.remove,
                after.stat - before.stat};
    }
    Devices& devices;
    std::unique_ptr<s3::CountingBucket> carrier;
};

void expect_counts(const s3::CallCounts& counts, uint64_t list, uint64_t get, uint64_t put) {
    EXPECT_EQ(counts.list, list);
    EXPECT_EQ(counts.get, get);
    EXPECT_EQ(counts.put, put);
    EXPECT_EQ(counts.total(), list + get + put);
}

}  // namespace

TEST(Requests, OneEditIsThreeToSendAndThreeToReceive) {
    Devices devices(2);
    Counted counted(devices);
    for (int i = 0; i < 3; i++) {
        devices[0].add_album("a" + std::to_string(i), "one");
        expect_counts(counted.sync(0), 1, 0, 2);
        expect_counts(counted.sync(1), 1, 2, 0);
    }
    devices.expect_equal();
}

TEST(Requests, TheSameAfterAStart) {
    Devices devices(2);
    Counted counted(devices);
    for (int i = 0; i < 3; i++) {
        devices[0].reopen();
        devices[1].reopen();
        devices[0].add_album("a" + std::to_string(i), "one");
        expect_counts(counted.sync(0), 1, 0, 2);
        expect_counts(counted.sync(1), 1, 2, 0);
    }
}

TEST(Requests, AnIdlePollIsOneListOfHeadsWhateverTheNumberOfDevices) {
    Devices devices(5);
    Counted counted(devices);
    for (size_t i = 0; i < 5; i++) expect_counts(counted.sync(i), 1, 0, 0);
    devices[0].add_album("a", "one");
    devices.settle();
    for (size_t i = 0; i < 5; i++) expect_counts(counted.sync(i), 1, 0, 0);
}

TEST(Requests, AnEmptyRoundWritesNothing) {
    Devices devices(3);
    devices[0].add_album("a", "one");
    devices.settle();
    devices.settle();
    const auto before = devices.contents();
    for (int i = 0; i < 3; i++) {
        devices.pass(2 * kHour * 12);
        if (i == 0)
            devices.settle();  // heads that only acknowledge
        else
            EXPECT_EQ(devices.contents().size(), before.size());
    }
    const auto settled = devices.contents();
    devices.pass(3 * 24 * kHour);
    devices.settle();
    EXPECT_EQ(devices.contents(), settled);
}

TEST(Requests, AHeadIsFetchedOnceMoreLaterAndNeverAgain) {
    Devices devices(2);
    Counted counted(devices);
    devices[0].add_album("a", "one");
    counted.sync(0);
    counted.sync(1);
    devices.pass(kHour / 2);
    EXPECT_EQ(counted.sync(1).get, 1u);
    devices.pass(kHour / 4);
    EXPECT_EQ(counted.sync(1).get, 0u);
}

TEST(Requests, NothingIsSealedTwice) {
    Devices devices(1);
    auto faulty = s3::make_fault_bucket(*devices.carrier, 1, {});
    devices[0].add_album("a", "one");
    faulty->fail_next({ErrorKind::retry, "no"}, 0);
    s3::FaultRates lost;
    lost.lose_answer = 1;
    faulty->set_rates(lost);
    EXPECT_FALSE(devices[0].sync(*faulty));
    const auto sealed = devices[0].mirror().get("changes/" + devices[0].id().text() + "/0000000001.enc", UINT64_MAX);
    ASSERT_TRUE(sealed);
    faulty->set_rates({});
    devices[0].must_sync(*faulty);
    EXPECT_EQ(devices.carrier->get("changes/" + devices[0].id().text() + "/0000000001.enc", UINT64_MAX).value(),
              *sealed);
    EXPECT_EQ(devices.paths("changes/").size(), 1u);
    EXPECT_EQ(devices[0].status().pending, 0u);
    EXPECT_EQ(devices[0].holds(), "");
}

TEST(Requests, ARunnerOfTasksIsUsedForManyObjects) {
    Devices devices(2);
    for (int i = 0; i < 3; i++) {
        devices[0].add_album("a" + std::to_string(i), "t");
        devices[0].must_sync(*devices.carrier);
    }
    size_t most = 0;
    SyncOptions options;
    options.run_parallel = [&](std::vector<std::function<void()>> tasks) {
        most = std::max(most, tasks.size());
        for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) (*task)();
    };
    devices[1].must_sync(*devices.carrier, options);
    EXPECT_EQ(most, 3u);
    devices.expect_equal();
}

TEST(Requests, ACancelledRoundGoesOnLater) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices[0].must_sync(*devices.carrier);
    SyncOptions options;
    options.cancelled = [] { return true; };
    const auto cancelled = devices[1].sync(*devices.carrier, options);
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().kind, ErrorKind::cancelled);
    devices[1].must_sync(*devices.carrier);
    devices.expect_equal();
}

}  // namespace bae::sync::testing
