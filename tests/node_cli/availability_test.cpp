// What status says of releases whose audio is not everywhere.
#include "node/blobs/availability.h"

#include "node_cli/blob_library.h"

namespace bae::node::test {

class Availability : public ::testing::Test {
  protected:
    LibraryAvailability look(const std::string& url = "memory") {
        return availability_of_library(*library_.database().read().value(), url, "study").value();
    }
    void add(const std::string& release, int files) {
        library_.add_release(release);
        for (int i = 0; i < files; ++i) library_.add_file(release + "-" + std::to_string(i), release, 100);
    }
    // The last attempt to fetch it.
    void wait_for(const std::string& file, const std::string& reason) {
        library_.write("INSERT INTO transfers (blob_id, direction, owner_kind, owner_id, state, reason) VALUES ('" +
                       file + "', 'down', 'file', '" + file + "', 'waiting', '" + reason + "')");
    }

    BlobLibrary library_;
    std::unique_ptr<s3::Bucket> bucket_ = s3::make_memory_bucket();
};

TEST_F(Availability, IsUploadingHereUntilAllIsSent) {
    add("a", 3);
    add("b", 1);
    const LibraryAvailability before = look();
    EXPECT_EQ(before.releases, 2u);
    EXPECT_EQ(before.uploading, 2u);
    ASSERT_EQ(before.unavailable.size(), 2u);
    EXPECT_EQ(before.unavailable[0].state, "uploading on study");
    EXPECT_EQ(before.unavailable[0].waiting, 3u);
    library_.send(*bucket_);
    EXPECT_TRUE(look().unavailable.empty());
    EXPECT_EQ(look().releases, 2u);
}

TEST_F(Availability, OfALibraryWithoutABucketIsNoQuestion) {
    add("a", 1);
    EXPECT_TRUE(look("").unavailable.empty());
}

TEST_F(Availability, NamesTheWorstOfARelease) {
    add("a", 3);
    add("b", 2);
    add("c", 1);
    library_.send(*bucket_);
    wait_for("a-0", "uploading on kitchen");
    wait_for("a-1", "missing");
    wait_for("b-0", "uploading on kitchen");
    wait_for("c-0", "the bytes that came are not the file''s");
    const LibraryAvailability all = look();
    EXPECT_EQ((std::vector<uint64_t>{all.missing, all.failed, all.uploading}), (std::vector<uint64_t>{1, 1, 1}));
    ASSERT_EQ(all.unavailable.size(), 3u);
    EXPECT_EQ(all.unavailable[0].id, "a");
    EXPECT_EQ(all.unavailable[0].state, "missing");
    EXPECT_EQ(all.unavailable[0].waiting, 2u);
    EXPECT_EQ(all.unavailable[1].state, "the bytes that came are not the file's");
    EXPECT_EQ(all.unavailable[2].state, "uploading on kitchen");
}

TEST_F(Availability, IsMissingWhereTheOnlyCopyWentBeforeItWasSent) {
    add("a", 1);
    add("b", 1);
    library_.write("UPDATE local_files SET state = 'missing' WHERE file_id = 'a-0'");
    library_.send(*bucket_);
    const LibraryAvailability all = look();
    ASSERT_EQ(all.unavailable.size(), 1u);
    EXPECT_EQ(all.unavailable[0].id, "a");
    EXPECT_EQ(all.missing, 1u);
}

TEST_F(Availability, IsMissingWhereTheFileIsNotWhatWasImported) {
    library_.add_release("a");
    std::ofstream(library_.add_file("f", "a", 100), std::ios::binary) << std::string(100, 'x');
    EXPECT_EQ(library_.send(*bucket_).refused.size(), 1u);
    EXPECT_EQ(look().missing, 1u);
}

TEST_F(Availability, OfAFileThatWentAfterItWasSentStays) {
    add("a", 1);
    library_.send(*bucket_);
    library_.write("UPDATE local_files SET state = 'missing' WHERE file_id = 'a-0'");
    library_.send(*bucket_);
    EXPECT_TRUE(look().unavailable.empty());
}

TEST_F(Availability, SaysWhenItLookedAtTheFirstFilesOnly) {
    library_.add_release("a");
    library_.write(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) INSERT INTO release_files (id, "
        "release_id, name, file_hash, size, _updated_at) SELECT 'f' || i, 'a', 'n', x'00', 1, stamp() FROM n");
    library_.write("INSERT INTO blob_queue (owner_id, kind) SELECT id, 'file' FROM release_files");
    EXPECT_TRUE(look().more);
    EXPECT_EQ(look().unavailable.at(0).waiting, 1000u);
    library_.write("DELETE FROM blob_queue WHERE owner_id = 'f1'");
    EXPECT_FALSE(look().more);
}

}  // namespace bae::node::test
