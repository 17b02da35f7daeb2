#include "node/runtime/node_state.h"

#include <gtest/gtest.h>

#include <fstream>

#include "node_cli/temporary_directory.h"

namespace bae::node {

static const RunningNode kSelf{.pid = 4711, .since_ms = 1'700'000'000'000};

static NodeState some_state() {
    return {.node = kSelf,
            .version = "1.2.3",
            .stopping = true,
            .lanes = {{.name = "rows",
                       .state = "trouble",
                       .since_ms = 1,
                       .next_ms = 2,
                       .last_done_ms = 3,
                       .in_vain = 4,
                       .error = "a \"b\"\n\xff"},
                      {.name = "audio", .state = "running", .progress = {"audio", 1, 2, 3, 4}}}};
}

TEST(NodeState, IsReadAsItWasWrittenWhileTheDaemonRuns) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const auto lock = NodeLock::take(home, kSelf);
    ASSERT_TRUE(lock) << lock.error().message;
    NodeState state = some_state();
    state.lanes[0].error = "a \"b\"\nc";
    ASSERT_TRUE(write_node_state(home, state));
    const auto read = read_node_state(home);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_TRUE(*read);
    EXPECT_EQ((*read)->lanes, state.lanes);
    EXPECT_EQ((*read)->node.pid, 4711);
    EXPECT_EQ((*read)->version, "1.2.3");
    EXPECT_TRUE((*read)->stopping);
}

TEST(NodeState, IsNotBelievedWhenNoDaemonRuns) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    ASSERT_TRUE(write_node_state(home, some_state()));
    EXPECT_FALSE(read_node_state(home).value());
    { const auto lock = NodeLock::take(home, kSelf); }
    EXPECT_FALSE(read_node_state(home).value());
}

TEST(NodeState, OfADaemonBeforeIsNotBelieved) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    ASSERT_TRUE(write_node_state(home, some_state()));
    const auto lock = NodeLock::take(home, {.pid = 4711, .since_ms = kSelf.since_ms + 1});
    const auto read = read_node_state(home).value();
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->lanes.empty());
    EXPECT_EQ(read->node.since_ms, kSelf.since_ms + 1);
}

TEST(NodeState, ThatIsNoStateAtAllIsNotBelieved) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const auto lock = NodeLock::take(home, kSelf);
    for (const char* text :
         {"", "{", "[]", "7", "null", R"({"pid":"x"})", R"({"pid":4711,"since_ms":1700000000000,"rows":3})",
          R"({"pid":4711,"since_ms":1700000000000,"rows":{"progress":[]}})"}) {
        std::ofstream(home.node_state()) << text;
        const auto read = read_node_state(home);
        ASSERT_TRUE(read) << text;
        ASSERT_TRUE(*read) << text;
        EXPECT_EQ((*read)->node.pid, 4711) << text;
        EXPECT_TRUE((*read)->lanes.empty()) << text;
    }
}

TEST(NodeState, WithBytesThatAreNoTextIsStillRead) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const auto lock = NodeLock::take(home, kSelf);
    ASSERT_TRUE(write_node_state(home, some_state()));
    EXPECT_EQ(read_node_state(home).value()->lanes.size(), 2u);
}

}  // namespace bae::node
