// Audio on its way out: nothing waits for a file that is in trouble, and trouble of the carrier ends a round.
#include <atomic>
#include <fstream>

#include "node/blobs/carrier_health.h"
#include "node/round_lock.h"
#include "node_cli/blob_library.h"
#include "s3/fault_bucket.h"

namespace bae::node::test {

using crypto::blob_sealed_size;

static constexpr size_t kVictim = 77;  // bytes, so that it is known by its size

class Sending : public ::testing::Test {
  protected:
    // `count` files of 100, 101 ... bytes in releases of ten.
    void add_files(int count) {
        for (int i = 0; i < count; ++i) {
            const std::string release = "release-" + std::to_string(100 + i / 10);
            if (i % 10 == 0) library_.add_release(release);
            library_.add_file("file-" + std::to_string(1000 + i), release, static_cast<size_t>(100 + i));
        }
    }
    void add_victim() {
        library_.add_release("release-000");
        library_.add_file("victim", "release-000", kVictim);
    }
    std::vector<s3::ObjectInfo> blobs() { return bucket_->list_all("storage/").value(); }
    size_t stored() { return blobs().size(); }

    BlobLibrary library_;
    std::unique_ptr<s3::Bucket> bucket_ = s3::make_memory_bucket();
    BlobGate gate_{*bucket_};
};

TEST_F(Sending, GoesOnWhenOneFileAlwaysFails) {
    add_victim();
    add_files(20);
    for (const ErrorKind kind : {ErrorKind::retry, ErrorKind::denied, ErrorKind::corrupt, ErrorKind::unsupported,
                                 ErrorKind::conflict, ErrorKind::invalid_input, ErrorKind::internal}) {
        gate_.refuse(kVictim, kind);
        const BlobReport report = library_.send(gate_);
        EXPECT_EQ(report.own_waiting, 1u) << to_string(kind);
        EXPECT_EQ(report.kept.size(), 1u);
        EXPECT_EQ(library_.value("SELECT reason FROM transfers"), "no such luck");
        EXPECT_EQ(stored(), 20u);
        EXPECT_EQ(library_.queued(), 1u);
    }
    gate_.before = [](uint64_t) { return Result<void>(); };
    EXPECT_EQ(library_.send(gate_).sent, 1u);
    EXPECT_EQ(library_.queued(), 0u);
    EXPECT_EQ(library_.value("SELECT count(*) FROM transfers"), "0");
}

TEST_F(Sending, GoesOnWhileOneFileIsStuck) {
    add_victim();
    constexpr size_t kOthers = 200;  // more than are loaded at a time
    add_files(kOthers);
    Milestone others;
    gate_.before = [&](uint64_t size) -> Result<void> {
        if (size != blob_sealed_size(kVictim)) {
            others.reach();
            return {};
        }
        return others.wait_for(kOthers) ? Result<void>() : fail(ErrorKind::internal, "the others wait for this one");
    };
    EXPECT_EQ(library_.send(gate_, 2).sent, kOthers + 1);
    EXPECT_EQ(library_.queued(), 0u);
}

TEST_F(Sending, EndsEarlyWhenTheCarrierIsUnreachable) {
    add_files(50);
    gate_.before = [](uint64_t) { return fail(ErrorKind::retry, "no route to host"); };
    const auto report = sync_blobs(library_.round(gate_));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().message, "no route to host");
    EXPECT_EQ(gate_.written().size(), size_t{CarrierHealth::kUnreachableAfter});
    EXPECT_EQ(library_.queued(), 50u);
    EXPECT_EQ(library_.value("SELECT count(*) FROM transfers"), std::to_string(CarrierHealth::kUnreachableAfter))
        << "what was tried says why it waits";
}

TEST_F(Sending, WhatIsSentToOnePlaceIsStillSentToTheOneChosenMeanwhile) {
    add_files(20);
    std::atomic<int> begun = 0;
    gate_.before = [&](uint64_t) {
        if (++begun == 5) library_.use("elsewhere");
        return Result<void>();
    };
    EXPECT_EQ(library_.send(gate_, 2).sent, 20u);
    EXPECT_EQ(library_.queued(), 20u);
    const auto elsewhere = s3::make_memory_bucket();
    BlobRound round = library_.round(*elsewhere);
    round.carrier_url = "elsewhere";
    EXPECT_EQ(sync_blobs(round)->sent, 20u);
    EXPECT_EQ(library_.queued(), 0u);
}

TEST_F(Sending, WhatIsMovedOrReplacedMeanwhileIsSentAsItIsNow) {
    add_files(1);
    add_victim();
    library_.add_release("other");
    gate_.before = [&](uint64_t size) {
        if (size == blob_sealed_size(kVictim))
            library_.write("UPDATE release_files SET release_id = 'other', _updated_at = stamp() WHERE id = 'victim'");
        return Result<void>();
    };
    EXPECT_EQ(library_.send(gate_).sent, 2u);
    EXPECT_EQ(library_.queued(), 1u) << "what was sent is sealed for the release it was in";
    EXPECT_EQ(stored(), 2u);
    gate_.before = [](uint64_t) { return Result<void>(); };
    EXPECT_EQ(library_.send(gate_).sent, 1u);
    EXPECT_EQ(stored(), 3u);
    EXPECT_EQ(library_.queued(), 0u);
}

TEST_F(Sending, WaitsWhereNothingMayBeWritten) {
    add_files(50);
    gate_.before = [](uint64_t) { return fail(ErrorKind::denied, "read only"); };
    const BlobReport report = library_.send(gate_);
    EXPECT_EQ(report.own_waiting, 50u);
    EXPECT_EQ(report.kept.front(), "file-1000.flac: read only");
    EXPECT_EQ(gate_.written().size(), size_t{CarrierHealth::kUselessAfter}) << "and the rest is not even tried";
}

TEST_F(Sending, EndsAtOnceWhenTheCarrierIsFull) {
    add_files(50);
    gate_.before = [](uint64_t) {
        return Result<void>(tl::unexpected<Error>({ErrorKind::retry, "full", Cause::no_space}));
    };
    ASSERT_FALSE(sync_blobs(library_.round(gate_)));
    EXPECT_EQ(gate_.written().size(), 1u);
}

TEST_F(Sending, TriesLastWhatFailedMostOften) {
    add_victim();
    add_files(5);
    gate_.refuse(kVictim, ErrorKind::denied);
    library_.send(gate_);
    EXPECT_EQ(gate_.written().front(), blob_sealed_size(kVictim));
    library_.add_release("release-001");
    library_.add_file("newcomer", "release-001", 200);
    library_.send(gate_);
    const std::vector<uint64_t> written = gate_.written();
    EXPECT_EQ(written[written.size() - 2], blob_sealed_size(200));
    EXPECT_EQ(written.back(), blob_sealed_size(kVictim));
}

TEST_F(Sending, ManyThatFailStarveNoOther) {
    library_.add_release("a");
    for (int i = 0; i < 40; ++i) library_.add_file("bad-" + std::to_string(i), "a", kVictim);
    add_files(5);
    gate_.refuse(kVictim, ErrorKind::denied);
    for (int round = 0; round < 6 && stored() < 5; ++round) EXPECT_GT(library_.send(gate_).own_waiting, 0u);
    EXPECT_EQ(stored(), 5u);
}

TEST_F(Sending, GoesReleaseByRelease) {
    library_.add_release("b");
    library_.add_release("a");
    library_.add_file("1", "b", 300);
    library_.add_file("2", "a", 301);
    library_.add_file("3", "b", 302);
    library_.add_file("4", "a", 303);
    library_.send(gate_);
    EXPECT_EQ(gate_.written(), (std::vector<uint64_t>{blob_sealed_size(301), blob_sealed_size(303),
                                                      blob_sealed_size(300), blob_sealed_size(302)}));
}

TEST_F(Sending, IsLeftToTheProcessThatIsAtIt) {
    add_files(3);
    std::shared_ptr<void> other = try_lock_blobs(library_.paths()).value();
    ASSERT_TRUE(other);
    EXPECT_TRUE(library_.send(gate_).elsewhere);
    EXPECT_EQ(gate_.written().size(), 0u);
    other.reset();
    const BlobReport report = library_.send(gate_);
    EXPECT_FALSE(report.elsewhere);
    EXPECT_EQ(report.sent, 3u);
    other = try_lock_blobs(library_.paths()).value();
    EXPECT_FALSE(library_.send(gate_).elsewhere) << "there is nothing to send";
}

TEST_F(Sending, TakesAlongWhatIsImportedMeanwhile) {
    add_files(3);
    std::atomic<bool> imported = false;
    gate_.before = [&](uint64_t) -> Result<void> {
        if (!imported.exchange(true)) library_.add_file("000-late", "release-100", 500);
        return {};
    };
    EXPECT_EQ(library_.send(gate_).sent, 4u);
    EXPECT_EQ(library_.queued(), 0u);
}

TEST_F(Sending, CostsOneRequestForASmallFileAndAsksFirstForALargeOne) {
    const auto counting = s3::make_counting_bucket(*bucket_);
    library_.add_release("a");
    library_.add_file("small", "a", 100'000);
    library_.send(*counting);
    EXPECT_EQ(counting->counts().total(), 1u);
    library_.add_file("large", "a", 3 << 20);
    library_.send(*counting);
    EXPECT_EQ(counting->counts().put, 2u);
    EXPECT_EQ(counting->counts().stat, 1u);
    library_.write("INSERT INTO blob_queue (owner_id, kind) VALUES ('small', 'file'), ('large', 'file')");
    library_.write("DELETE FROM carried_blobs");
    EXPECT_EQ(library_.send(*counting).sent, 0u) << "they lie there";
    EXPECT_EQ(counting->counts().put, 3u) << "only the small one was offered again";
    EXPECT_EQ(stored(), 2u);
}

TEST_F(Sending, ReplacesWhatHasAnotherSize) {
    library_.add_release("a");
    for (const size_t size : {size_t{1000}, size_t{3} << 20, size_t{20} << 20}) {
        const std::string id = "file-" + std::to_string(size);
        library_.add_file(id, "a", size);
        library_.send(*bucket_);
        for (const s3::ObjectInfo& object : blobs()) ASSERT_TRUE(bucket_->put(object.path, Bytes(5)));
        library_.write("INSERT INTO blob_queue (owner_id, kind) VALUES ('" + id + "', 'file')");
        library_.write("DELETE FROM carried_blobs");
        EXPECT_EQ(library_.send(*bucket_).sent, 1u);
        uint64_t whole = 0;
        for (const s3::ObjectInfo& object : blobs()) whole += object.size == blob_sealed_size(size) ? 1 : 0;
        EXPECT_EQ(whole, 1u) << size;
    }
}

TEST_F(Sending, TakesTheChunkHashesOfFetchedFilesOnce) {
    library_.add_release("a");
    const fs::path path = library_.add_file("fetched", "a", 200'000, false);
    EXPECT_EQ(library_.send(gate_).sent, 1u);
    EXPECT_EQ(library_.value("SELECT length(chunk_hashes) FROM file_chunks"), "64");
    const fs::path changed = library_.add_file("changed", "a", 200'001, false);
    std::ofstream(changed, std::ios::binary) << std::string(200'001, 'x');
    EXPECT_EQ(library_.send(gate_).refused.size(), 1u) << "bytes that are not the row's are never sealed";
    EXPECT_EQ(stored(), 1u);
}

TEST(CarrierHealth, OneSuccessForgivesWhatFailedBefore) {
    CarrierHealth health;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i + 1 < CarrierHealth::kUnreachableAfter; ++i) health.failed({ErrorKind::retry, "down"});
        EXPECT_FALSE(health.verdict());
        health.succeeded();
    }
    for (int i = 0; i + 1 < CarrierHealth::kUselessAfter; ++i) health.failed({ErrorKind::denied, "no"});
    EXPECT_FALSE(health.verdict());
    health.failed({ErrorKind::denied, "no"});
    ASSERT_TRUE(health.verdict());
    EXPECT_EQ(health.verdict()->message, "no");
    health.succeeded();
    EXPECT_TRUE(health.verdict()) << "a verdict stands";
}

}  // namespace bae::node::test
