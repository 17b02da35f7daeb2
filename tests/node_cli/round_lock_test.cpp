#include "node/round_lock.h"

#include <gtest/gtest.h>

#include <vector>

#include "node_cli/temporary_directory.h"

namespace bae::node {

TEST(RoundLock, OneHasItAndTheOthersSayThatTheyWait) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    Output out(Output::Format::json, true);
    auto first = lock_round(home, out, {});
    ASSERT_TRUE(first) << first.error().message;
    std::vector<std::string> phases;
    sync::SyncOptions patient;
    patient.on_progress = [&](const sync::SyncProgress& at) {
        phases.push_back(at.phase);
        if (phases.size() == 2) first->reset();
    };
    EXPECT_TRUE(lock_round(home, out, patient));
    EXPECT_EQ(phases, (std::vector<std::string>{"waiting", "waiting"}));
}

TEST(RoundLock, WaitingCanBeCancelled) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    Output out(Output::Format::json, true);
    const auto first = lock_round(home, out, {});
    ASSERT_TRUE(first) << first.error().message;
    sync::SyncOptions impatient;
    impatient.cancelled = [] { return true; };
    EXPECT_EQ(lock_round(home, out, impatient).error().kind, ErrorKind::cancelled);
}

}  // namespace bae::node
