// Audio on its way in: nothing waits for a file that is in trouble, and trouble of the carrier ends it.
#include "node/blobs/fetch.h"

#include <algorithm>
#include <atomic>

#include "node/blobs/carrier_health.h"
#include "node/blobs/incoming_file.h"
#include "node_cli/blob_library.h"
#include "s3/fault_bucket.h"

namespace bae::node::test {

using crypto::blob_sealed_size;
using State = FetchedFile::State;

static constexpr size_t kVictim = 77;  // bytes, so that it is known by its size

class Getting : public ::testing::Test {
  protected:
    // Files that were sent and are no longer here.
    void add_files(const std::string& release, std::vector<size_t> sizes) {
        library_.add_release(release);
        for (const size_t size : sizes) {
            const std::string id = release + "-" + std::to_string(1000 + sizes_.size());
            originals_.push_back(library_.add_file(id, release, size));
            sizes_.push_back(size);
        }
        library_.send(*bucket_);
        for (const fs::path& path : originals_) fs::remove(path);
        library_.write("DELETE FROM local_files");
    }
    std::vector<WantedFile> wanted(const std::string& release) {
        return wanted_files(library_.database(), library_.paths(), {}, release).value();
    }
    std::vector<FetchedFile> get(const std::vector<WantedFile>& wanted, int workers = 1) {
        return fetch_files(library_.round(gate_, workers), wanted, true).value();
    }
    static size_t count(const std::vector<FetchedFile>& files, State state) {
        return static_cast<size_t>(std::ranges::count(files, state, &FetchedFile::state));
    }

    BlobLibrary library_;
    std::unique_ptr<s3::Bucket> bucket_ = s3::make_memory_bucket();
    BlobGate gate_{*bucket_};
    std::vector<fs::path> originals_;
    std::vector<size_t> sizes_;
};

TEST_F(Getting, GoesOnWhenOneFileAlwaysFails) {
    add_files("a", {kVictim, 100, 101, 102, 103});
    for (const ErrorKind kind : {ErrorKind::retry, ErrorKind::denied, ErrorKind::corrupt, ErrorKind::unsupported}) {
        gate_.refuse(kVictim, kind);
        const std::vector<FetchedFile> files = get(wanted("a"));
        EXPECT_EQ(count(files, State::failed), 1u) << to_string(kind);
        const std::string remedy = kind == ErrorKind::corrupt ? kDamageRemedy : "";
        EXPECT_EQ(files.front().reason, "no such luck" + remedy);
        EXPECT_EQ(count(files, State::fetched) + count(files, State::present), 4u);
    }
    gate_.before = [](uint64_t) { return Result<void>(); };
    EXPECT_EQ(count(get(wanted("a")), State::fetched), 1u);
}

TEST_F(Getting, GoesOnWhileOneFileIsStuck) {
    std::vector<size_t> sizes{kVictim};
    constexpr size_t kOthers = 150;  // more than are begun with
    for (size_t i = 0; i < kOthers; ++i) sizes.push_back(100 + i);
    add_files("a", sizes);
    Milestone others;
    gate_.before = [&](uint64_t size) -> Result<void> {
        if (size != blob_sealed_size(kVictim)) {
            others.reach();
            return {};
        }
        return others.wait_for(kOthers) ? Result<void>() : fail(ErrorKind::internal, "the others wait for this one");
    };
    EXPECT_EQ(count(get(wanted("a"), 2), State::fetched), kOthers + 1);
}

TEST_F(Getting, EndsEarlyWhenTheCarrierIsUnreachable) {
    add_files("a", std::vector<size_t>(40, 100));
    std::atomic<int> calls = 0;
    gate_.before = [&](uint64_t) {
        ++calls;
        return fail(ErrorKind::retry, "no route to host");
    };
    const std::vector<FetchedFile> files = get(wanted("a"));
    EXPECT_EQ(calls, CarrierHealth::kUnreachableAfter);
    EXPECT_EQ(count(files, State::failed), 40u);
    EXPECT_EQ(files.front().reason, "no route to host");
    EXPECT_EQ(files.back().reason, "not reached");
}

TEST_F(Getting, TellsEachResultAsItComes) {
    add_files("a", {100, 101, kVictim});
    gate_.refuse(kVictim, ErrorKind::denied);
    const std::vector<WantedFile> files = wanted("a");
    std::map<size_t, State> told;
    ASSERT_TRUE(fetch_files(library_.round(gate_, 2), files, true,
                            [&](size_t index, const FetchedFile& file) { told[index] = file.state; }));
    EXPECT_EQ(told, (std::map<size_t, State>{{0, State::fetched}, {1, State::fetched}, {2, State::failed}}));
}

TEST_F(Getting, LeavesNothingOfWhatNobodyHas) {
    add_files("a", {100, 101});
    const std::vector<s3::ObjectInfo> blobs = bucket_->list_all("storage/").value();
    for (const s3::ObjectInfo& blob : blobs) ASSERT_TRUE(bucket_->remove(blob.path));
    EXPECT_EQ(count(get(wanted("a"), 2), State::absent), 2u);
    EXPECT_TRUE(fs::is_empty(library_.paths().cache()));
}

TEST_F(Getting, AsksForLargeFilesInWindows) {
    const auto size = static_cast<size_t>(kWindowBytes + kWindowBytes / 2);
    add_files("a", {size, 100});
    const auto counting = s3::make_counting_bucket(*bucket_);
    const auto files = fetch_files(library_.round(*counting), wanted("a"), true).value();
    EXPECT_EQ(count(files, State::fetched), 2u);
    EXPECT_EQ(counting->counts().total(), 3u);
    EXPECT_EQ(counting->counts().bytes_received, blob_sealed_size(size) + blob_sealed_size(100));
    EXPECT_EQ(fs::file_size(files.front().path), size);
}

}  // namespace bae::node::test
