#include "node/runtime/node_lock.h"

#include <gtest/gtest.h>

#include "node_cli/temporary_directory.h"

namespace bae::node {

TEST(NodeLock, ASecondDaemonIsToldWhoTheFirstIs) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const auto first = NodeLock::take(home, {.pid = 4711, .since_ms = 1});
    ASSERT_TRUE(first) << first.error().message;
    const auto second = NodeLock::take(home, {.pid = 4712, .since_ms = 2});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().cause, Cause::locked);
    EXPECT_NE(second.error().message.find("4711"), std::string::npos);
}

TEST(NodeLock, WhoHoldsItIsKnownForAsLongAsItIsHeld) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    EXPECT_FALSE(NodeLock::holder(home).value());
    {
        const auto lock = NodeLock::take(home, {.pid = 4711, .since_ms = 1'700'000'000'000});
        ASSERT_TRUE(lock) << lock.error().message;
        const auto holder = NodeLock::holder(home).value();
        ASSERT_TRUE(holder);
        EXPECT_EQ(holder->pid, 4711);
        EXPECT_EQ(holder->since_ms, 1'700'000'000'000);
    }
    EXPECT_FALSE(NodeLock::holder(home).value());
    EXPECT_TRUE(NodeLock::take(home, {.pid = 1}));
}

TEST(NodeLock, AskingWhoHoldsItDoesNotTakeIt) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    { const auto lock = NodeLock::take(home, {.pid = 1}); }
    const auto nobody = NodeLock::holder(home);
    EXPECT_TRUE(NodeLock::take(home, {.pid = 2}));
}

}  // namespace bae::node
