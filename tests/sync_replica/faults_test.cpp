// Each fault of the decorator alone: never a wrong row, something is named while it hinders, all is well when it stops.
#include "sync_replica/home.h"

namespace bae::sync::testing {

namespace {

struct Fault {
    std::string name;
    double s3::FaultRates::*rate;
};

class Faults : public ::testing::TestWithParam<Fault> {};

}  // namespace

TEST_P(Faults, NamedWhileItLastsAndHarmlessAfterwards) {
    Devices devices(2);
    devices[1].add_album("before", "t");
    devices.settle();
    auto faulty = s3::make_fault_bucket(*devices.carrier, 7, {});
    for (size_t i : {0u, 1u}) devices[i].must_sync(*faulty);
    devices[0].add_album("a", "one");
    devices[0].must_sync(*faulty);
    devices[1].add_album("b", "two");
    s3::FaultRates rates;
    rates.*GetParam().rate = 1;
    faulty->set_rates(rates);
    for (int round = 0; round < 3; round++) {
        for (size_t i : {1u, 0u}) {
            static_cast<void>(devices[i].sync(*faulty));
            const ReplicaStatus status = devices[i].status();
            const bool hindered = devices[i].dump().find("albums|a|") == std::string::npos || status.pending > 0;
            const bool stale =
                GetParam().name == "OldList" || GetParam().name == "OldBody" || GetParam().name == "TruncatedList";
            EXPECT_FALSE(hindered && !stale && status.holds.empty() && status.alarms.empty())
                << "device " << i << " round " << round;
        }
        devices.pass(60'000);
    }
    faulty->set_rates({});
    for (int round = 0; round < 3; round++) {
        devices.pass(kHour);
        for (size_t i : {0u, 1u}) devices[i].must_sync(*faulty);
    }
    devices.expect_equal();
    for (size_t i : {0u, 1u}) {
        EXPECT_EQ(devices[i].holds(), "");
        EXPECT_EQ(devices[i].status().pending, 0u);
        EXPECT_EQ(devices[i].id(), devices[i].keys().id());
    }
    EXPECT_NE(devices[0].dump().find("albums|b|"), std::string::npos);
}

TEST(OldHead, IsFetchedAgainInTheNextRound) {
    Devices devices(2);
    auto faulty = s3::make_fault_bucket(*devices.carrier, 7, {});
    for (size_t i : {0u, 1u}) devices[i].must_sync(*faulty);
    devices[0].add_album("a", "one");
    devices[0].must_sync(*faulty);
    s3::FaultRates rates;
    rates.old_body = 1;
    faulty->set_rates(rates);
    for (int round = 0; round < 3; round++) devices[1].must_sync(*faulty);
    EXPECT_EQ(devices[1].dump().find("albums|a|"), std::string::npos);
    faulty->set_rates({});
    devices[1].must_sync(*faulty);
    EXPECT_NE(devices[1].dump().find("albums|a|"), std::string::npos);
}

TEST(OldHead, PutAnewWithTheSameBytesCostsRequestsForAWhileOnly) {
    Devices devices(2);
    const std::string path = "heads/" + devices[0].id().text() + ".enc";
    devices.settle();
    ASSERT_TRUE(devices.carrier->put(path, *devices.carrier->get(path, UINT64_MAX)));
    auto counted = s3::make_counting_bucket(*devices.carrier);
    const auto gets = [&] {
        const uint64_t before = counted->counts().get;
        devices[1].must_sync(*counted);
        return counted->counts().get - before;
    };
    EXPECT_EQ(gets(), 1u);
    EXPECT_EQ(gets(), 1u);
    devices.pass(kHour);
    EXPECT_EQ(gets(), 1u);
    EXPECT_EQ(gets(), 0u);
    devices.pass(kHour);
    EXPECT_EQ(gets(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Faults,
    ::testing::Values(Fault{"Refuse", &s3::FaultRates::refuse}, Fault{"Denied", &s3::FaultRates::denied},
                      Fault{"LoseAnswer", &s3::FaultRates::lose_answer}, Fault{"Cut", &s3::FaultRates::cut},
                      Fault{"OldBody", &s3::FaultRates::old_body},
                      Fault{"TruncatedBody", &s3::FaultRates::truncated_body},
                      Fault{"FlippedBody", &s3::FaultRates::flipped_body}, Fault{"Missing", &s3::FaultRates::missing},
                      Fault{"OldList", &s3::FaultRates::old_list},
                      Fault{"TruncatedList", &s3::FaultRates::truncated_list}),
    [](const ::testing::TestParamInfo<Fault>& each) { return each.param.name; });

}  // namespace bae::sync::testing
