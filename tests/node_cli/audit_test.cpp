// What was sent, compared with what lies on the carrier now.
#include "node/blobs/audit.h"

#include "node_cli/blob_library.h"
#include "s3/fault_bucket.h"

namespace bae::node::test {

class Audit : public ::testing::Test {
  protected:
    void SetUp() override {
        library_.add_release("a");
        for (int i = 0; i < kFiles; ++i)
            paths_.push_back(
                library_.add_file("file-" + std::to_string(i), "a", 200 + static_cast<size_t>(i) * 70'000));
        ASSERT_EQ(library_.send(*bucket_).sent, uint64_t{kFiles});
    }
    BlobAudit audit(s3::Bucket& bucket, AuditDepth depth = AuditDepth::listing) {
        const auto found = audit_blobs(library_.round(bucket, 2), depth);
        EXPECT_TRUE(found) << found.error().message;
        return found.value_or(BlobAudit());
    }
    BlobAudit audit(AuditDepth depth = AuditDepth::listing) { return audit(*bucket_, depth); }
    // By its size, which no other file has.
    s3::ObjectInfo object(int file) {
        const uint64_t size = crypto::blob_sealed_size(200 + static_cast<uint64_t>(file) * 70'000);
        const auto objects = bucket_->list_all("storage/").value();
        for (const s3::ObjectInfo& info : objects) {
            if (info.size == size) return info;
        }
        ADD_FAILURE() << "no object of " << size << " bytes";
        return {};
    }
    void damage(int file) {
        Bytes bytes = bucket_->get(object(file).path, 1 << 20).value();
        bytes[bytes.size() / 2] ^= std::byte{1};
        ASSERT_TRUE(bucket_->put(object(file).path, bytes));
    }
    bool due(int64_t now_ms) { return audit_is_due(*library_.database().read().value(), "memory", now_ms).value(); }

    static constexpr int kFiles = 4;
    BlobLibrary library_;
    std::unique_ptr<s3::Bucket> bucket_ = s3::make_memory_bucket();
    std::vector<fs::path> paths_;
};

TEST_F(Audit, FindsNothingWhereNothingIsMissing) {
    for (const AuditDepth depth : {AuditDepth::listing, AuditDepth::data}) {
        const BlobAudit found = audit(depth);
        EXPECT_EQ(found.blobs, uint64_t{kFiles});
        EXPECT_EQ(found.to_send + found.missing, 0u);
        EXPECT_TRUE(found.problems.empty());
        EXPECT_EQ(library_.queued(), 0u);
    }
}

TEST_F(Audit, QueuesWhatIsGoneOrOfAnotherSize) {
    const s3::ObjectInfo gone = object(0), cut = object(1);
    ASSERT_TRUE(bucket_->remove(gone.path));
    ASSERT_TRUE(bucket_->put(cut.path, Bytes(7)));
    const BlobAudit found = audit();
    EXPECT_EQ(found.to_send, 2u);
    ASSERT_EQ(found.problems.size(), 2u);
    EXPECT_EQ(library_.queued(), 2u);
    EXPECT_EQ(library_.send(*bucket_).sent, 2u);
    EXPECT_EQ(object(0).path, gone.path);
    EXPECT_EQ(object(1).path, cut.path);
    EXPECT_TRUE(audit(AuditDepth::data).problems.empty());
}

TEST_F(Audit, NamesWhatIsNotHereEither) {
    ASSERT_TRUE(bucket_->remove(object(2).path));
    fs::rename(paths_[2], paths_[2].native() + " away");
    for (int i = 0; i < 2; ++i) {
        const BlobAudit found = audit();
        EXPECT_EQ(found.missing, 1u) << "it stays said";
        ASSERT_EQ(found.problems.size(), 1u);
        EXPECT_NE(found.problems[0].find("file-2.flac of release a is gone"), std::string::npos) << found.problems[0];
        EXPECT_EQ(library_.value("SELECT reason FROM transfers"), "missing");
        EXPECT_EQ(library_.queued(), 0u);
    }
    fs::rename(paths_[2].native() + " away", paths_[2]);
    EXPECT_EQ(audit().to_send, 1u);
    EXPECT_EQ(library_.send(*bucket_).sent, 1u);
    EXPECT_EQ(library_.value("SELECT count(*) FROM transfers"), "0");
}

TEST_F(Audit, TakesBackThatItIsMissingOnceItIsThereAgain) {
    const Bytes kept = bucket_->get(object(2).path, 1 << 20).value();
    const std::string path = object(2).path;
    ASSERT_TRUE(bucket_->remove(path));
    fs::remove(paths_[2]);
    EXPECT_EQ(audit().missing, 1u);
    ASSERT_TRUE(bucket_->put(path, kept));
    EXPECT_TRUE(audit().problems.empty());
    EXPECT_EQ(library_.value("SELECT count(*) FROM transfers"), "0");
}

TEST_F(Audit, ThatReadsHasDamagedBytesWrittenAnew) {
    damage(0);
    damage(3);
    EXPECT_TRUE(audit().problems.empty()) << "a listing knows sizes alone";
    EXPECT_EQ(audit(AuditDepth::data).to_send, 2u);
    EXPECT_EQ(library_.send(*bucket_).sent, 2u);
    EXPECT_TRUE(audit(AuditDepth::data).problems.empty());
}

TEST_F(Audit, LeavesWhatIsDamagedWhereItCannotBeSentAgain) {
    damage(1);
    fs::remove(paths_[1]);
    EXPECT_TRUE(audit(AuditDepth::data).problems.empty()) << "only what is here is read";
    EXPECT_EQ(object(1).size, crypto::blob_sealed_size(70'200)) << "some of its chunks may be good";
}

// Refuses to remove anything, and damages the first answers it gives.
class Stubborn : public BlobGate {
  public:
    using BlobGate::BlobGate;
    int damaged_answers = 0;
    Result<void> remove(std::string_view) override { return fail(ErrorKind::denied, "not allowed"); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        Bytes bytes = TRY(BlobGate::get_range(path, offset, length));
        const std::lock_guard lock(answers_);
        if (damaged_answers > 0 && damaged_answers--) bytes[0] ^= std::byte{1};
        return bytes;
    }

  private:
    std::mutex answers_;
};

TEST_F(Audit, SaysWhatItMayNotRemove) {
    Stubborn stubborn(*bucket_);
    damage(1);
    const BlobAudit found = audit(stubborn, AuditDepth::data);
    ASSERT_EQ(found.problems.size(), 1u);
    EXPECT_NE(found.problems[0].find("cannot be removed from it: not allowed"), std::string::npos);
    EXPECT_EQ(library_.queued(), 0u) << "with its size right it would not be sent";
}

TEST_F(Audit, ReadsTwiceBeforeItTakesBytesForDamaged) {
    Stubborn stubborn(*bucket_);
    stubborn.damaged_answers = 1;
    EXPECT_TRUE(audit(stubborn, AuditDepth::data).problems.empty());
}

TEST_F(Audit, ListsAThousandPerRequest) {
    const auto counting = s3::make_counting_bucket(*bucket_);
    audit(*counting, AuditDepth::listing);
    EXPECT_EQ(counting->counts().total(), 1u);
}

TEST_F(Audit, IsDueAfterAWeekOrWhenTheClockWasAhead) {
    audit();
    const int64_t now = std::stoll(library_.value("SELECT audited_ms FROM carriers"));
    EXPECT_FALSE(due(now));
    EXPECT_FALSE(due(now + kAuditEveryMs - 1));
    EXPECT_TRUE(due(now + kAuditEveryMs));
    EXPECT_TRUE(due(now - 1));
    library_.write("UPDATE carriers SET audited_ms = 0");
    EXPECT_TRUE(due(now));
    library_.use("memory");
    EXPECT_FALSE(due(std::stoll(library_.value("SELECT audited_ms FROM carriers")))) << "all is queued anyway";
}

}  // namespace bae::node::test
