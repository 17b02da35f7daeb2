// What a watcher sees of commits that are made through other connections.
#include "node/runtime/library_watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "node/carrier_row.h"
#include "node_cli/blob_library.h"

namespace bae::node::test {

class Watching : public ::testing::Test {
  protected:
    bool told(int within_ms) {
        pollfd descriptor{.fd = watch_.descriptor(), .events = POLLIN, .revents = 0};
        return poll(&descriptor, 1, within_ms) == 1 && watch_.written();
    }

    BlobLibrary library_;
    LibraryWatch watch_ = LibraryWatch::open(library_.paths()).value();
};

TEST_F(Watching, ACommitIsSeenOnce) {
    EXPECT_TRUE(watch_.committed().value());
    EXPECT_FALSE(watch_.committed().value());
    library_.add_release("release-1");
    EXPECT_TRUE(watch_.committed().value());
    EXPECT_FALSE(watch_.committed().value());
}

TEST_F(Watching, TheFileSystemTellsOfWrites) {
    ASSERT_GE(watch_.descriptor(), 0);
    watch_.written();
    library_.add_release("release-1");
    EXPECT_TRUE(told(60'000));
    EXPECT_FALSE(told(0));
}

TEST_F(Watching, AnEditIsSomethingToSendUntilItIsSealed) {
    library_.add_release("release-1");
    const int64_t first = watch_.mark().value().newest_unsealed;
    EXPECT_GT(first, 0);
    library_.add_release("release-2");
    EXPECT_GT(watch_.mark().value().newest_unsealed, first);
    ASSERT_TRUE(library_.replica().seal());
    EXPECT_EQ(watch_.mark().value().newest_unsealed, 0);
}

TEST_F(Watching, AFileThatIsQueuedIsAudioToSend) {
    library_.add_release("release-1");
    const LibraryMark before = watch_.mark().value();
    library_.add_file("file-1", "release-1", 100);
    const LibraryMark after = watch_.mark().value();
    EXPECT_EQ(after.audio, before.audio + 1);
    EXPECT_EQ(after.artwork, before.artwork);
    EXPECT_EQ(after.carrier, before.carrier);
}

TEST_F(Watching, AnotherPlaceAndTheSameOneChosenAgainAreSeen) {
    const auto use = [&](const char* url, int64_t probed_ms) {
        const auto used = library_.database().replicate([&](sync::sqlite::Connection& connection) {
            return use_carrier(connection, CarrierRow{.url = url, .region = {}, .probed_ms = probed_ms});
        });
        EXPECT_TRUE(used);
        return watch_.mark().value().carrier;
    };
    const std::string first = use("file:///a", 1);
    const std::string other = use("file:///b", 1);
    const std::string again = use("file:///b", 2);
    EXPECT_NE(first, other);
    EXPECT_NE(other, again);
}

}  // namespace bae::node::test
