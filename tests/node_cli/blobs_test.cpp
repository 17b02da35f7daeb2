// Blobs between a file of this disk and a bucket.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "node/blobs/blob.h"
#include "node/blobs/incoming_file.h"
#include "node/blobs/sealed_file.h"
#include "node/blobs/workers.h"
#include "node_cli/temporary_directory.h"
#include "s3/memory_bucket.h"

namespace bae::node {
namespace fs = std::filesystem;
using crypto::kBlobChunkPlainBytes;

static Bytes pattern(size_t size) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 2654435761u) >> 24);
    return bytes;
}

class Blobs : public ::testing::TestWithParam<size_t> {
  protected:
    void SetUp() override {
        ASSERT_TRUE(crypto::initialize());
        plain_ = pattern(GetParam());
        make(plain_);
    }
    void make(const Bytes& plain) {
        key_ = std::make_unique<crypto::BlobKey>(crypto::SecretKey(), crypto::sha256(plain), plain.size());
        file_ = directory_.path() / "file";
        write(plain);
        hashes_.clear();
        for (size_t at = 0; at == 0 || at < plain.size(); at += kBlobChunkPlainBytes) {
            append(hashes_,
                   crypto::chunk_hash(ByteView(plain).subspan(at, std::min(plain.size() - at, kBlobChunkPlainBytes)))
                       .view());
        }
    }
    void write(const Bytes& plain) { std::ofstream(file_, std::ios::binary) << as_text(plain); }
    Bytes sealed() {
        SealedFile body = SealedFile::open(file_, *key_, hashes_).value();
        Bytes bytes(static_cast<size_t>(body.size()));
        EXPECT_TRUE(body.read(0, bytes));
        return bytes;
    }
    IncomingFile incoming() const {
        return {.part = directory_.path() / "cache/part",
                .destination = directory_.path() / "out/name.ogg",
                .hash = crypto::sha256(plain_)};
    }
    Bytes content(const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        return to_bytes(as_bytes(text));
    }

    TemporaryDirectory directory_;
    Bytes plain_, hashes_;
    fs::path file_;
    std::unique_ptr<crypto::BlobKey> key_;
    std::unique_ptr<s3::Bucket> bucket_ = s3::make_memory_bucket();
};
INSTANTIATE_TEST_SUITE_P(Sizes, Blobs,
                         ::testing::Values(0, 1, kBlobChunkPlainBytes - 1, kBlobChunkPlainBytes,
                                           kBlobChunkPlainBytes + 1, 20 * kBlobChunkPlainBytes + 7));

TEST_P(Blobs, ArriveAsTheyLeft) {
    ASSERT_TRUE(bucket_->put("blob", sealed()));
    const fs::path arrived = receive_blob(*bucket_, "blob", *key_, incoming()).value();
    EXPECT_EQ(content(arrived), plain_);
    EXPECT_EQ(hash_chunks(arrived, crypto::sha256(plain_)).value(), hashes_);
    EXPECT_FALSE(fs::exists(incoming().part));
}

TEST_P(Blobs, AreTheSameBytesFromAnyOffset) {
    const Bytes whole = sealed();
    SealedFile body = SealedFile::open(file_, *key_, hashes_).value();
    for (size_t at = whole.size(); at > 0; at -= std::min<size_t>(at, 40'000)) {
        const size_t start = at - std::min<size_t>(at, 50'000);
        Bytes part(at - start);
        ASSERT_TRUE(body.read(start, part));
        ASSERT_TRUE(equal(part, ByteView(whole).subspan(start, part.size())));
    }
}

TEST_P(Blobs, OfAFileThatChangedAreNeverSealed) {
    for (size_t at : {size_t{0}, plain_.size() / 2, plain_.size() - 1}) {
        if (at >= plain_.size()) continue;
        Bytes changed = plain_;
        changed[at] ^= std::byte{1};
        write(changed);
        SealedFile body = SealedFile::open(file_, *key_, hashes_).value();
        Bytes bytes(static_cast<size_t>(body.size()));
        const Result<void> read = body.read(0, bytes);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().kind, ErrorKind::conflict);
    }
    Bytes longer = plain_;
    longer.push_back(std::byte{0});
    write(longer);
    EXPECT_EQ(SealedFile::open(file_, *key_, hashes_).error().kind, ErrorKind::conflict);
}

TEST_P(Blobs, WithADamagedByteGetNoName) {
    const Bytes good = sealed();
    for (size_t at : {size_t{0}, good.size() / 2, good.size() - 1}) {
        Bytes bad = good;
        bad[at] ^= std::byte{1};
        ASSERT_TRUE(bucket_->put("blob", bad));
        const auto arrived = receive_blob(*bucket_, "blob", *key_, incoming());
        ASSERT_FALSE(arrived);
        EXPECT_EQ(arrived.error().kind, ErrorKind::corrupt);
        EXPECT_FALSE(fs::exists(incoming().destination));
    }
    ASSERT_TRUE(bucket_->put("blob", good));
    EXPECT_EQ(content(receive_blob(*bucket_, "blob", *key_, incoming()).value()), plain_)
        << "after damage, the next try completes";
}

TEST_P(Blobs, AreContinuedFromAnyPart) {
    ASSERT_TRUE(bucket_->put("blob", sealed()));
    fs::create_directories(incoming().part.parent_path());
    for (size_t size : {size_t{0}, plain_.size() / 3, plain_.size() / 2, plain_.size()}) {
        fs::remove(incoming().destination);
        std::ofstream(incoming().part, std::ios::binary) << as_text(ByteView(plain_).first(size));
        EXPECT_EQ(content(receive_blob(*bucket_, "blob", *key_, incoming()).value()), plain_);
    }
}

TEST_P(Blobs, AreFetchedAnewWhenThePartIsRubbish) {
    ASSERT_TRUE(bucket_->put("blob", sealed()));
    fs::create_directories(incoming().part.parent_path());
    std::ofstream(incoming().part, std::ios::binary) << std::string(plain_.size() + 3 * kBlobChunkPlainBytes, 'x');
    EXPECT_EQ(content(receive_blob(*bucket_, "blob", *key_, incoming()).value()), plain_);
}

TEST_P(Blobs, AreNamedBesideWhatIsThere) {
    ASSERT_TRUE(bucket_->put("blob", sealed()));
    fs::create_directories(incoming().destination.parent_path());
    std::ofstream(incoming().destination) << "somebody's own";
    const fs::path arrived = receive_blob(*bucket_, "blob", *key_, incoming()).value();
    EXPECT_EQ(arrived.filename(), "name (2).ogg");
    EXPECT_EQ(content(incoming().destination), to_bytes(as_bytes("somebody's own")));
    const fs::path again = receive_blob(*bucket_, "blob", *key_, incoming()).value();
    EXPECT_EQ(again, arrived) << "the same bytes are there already";
}

TEST_P(Blobs, AreCopiedAndVerified) {
    EXPECT_EQ(content(receive_copy(file_, plain_.size(), incoming()).value()), plain_);
    fs::remove(incoming().destination);
    write(pattern(plain_.size() + 1));
    const auto grown = receive_copy(file_, plain_.size() + 1, incoming());
    ASSERT_FALSE(grown);
    EXPECT_EQ(grown.error().kind, ErrorKind::corrupt);
}

TEST_P(Blobs, ThatAreCopiedStartAnewAndReplaceOnlyWhatIsDamaged) {
    fs::create_directories(incoming().part.parent_path());
    std::ofstream(incoming().part, std::ios::binary) << std::string(plain_.size() + 100, 'x');
    EXPECT_EQ(content(receive_copy(file_, plain_.size(), incoming()).value()), plain_);
    std::ofstream(incoming().destination, std::ios::binary) << "rotten";
    IncomingFile over = incoming();
    over.replaces = true;
    EXPECT_EQ(receive_copy(file_, plain_.size(), over).value(), over.destination);
    EXPECT_EQ(content(over.destination), plain_);
}

TEST_P(Blobs, AreNotAbsentBecauseAFolderIsInTheWay) {
    ASSERT_TRUE(bucket_->put("blob", sealed()));
    fs::create_directories(directory_.path() / "out");
    fs::create_symlink("nowhere", directory_.path() / "cache");
    const auto arrived = receive_blob(*bucket_, "blob", *key_, incoming());
    ASSERT_FALSE(arrived);
    EXPECT_NE(arrived.error().kind, ErrorKind::not_found);
}

TEST(PathId, IsOneSafeNameForAnyId) {
    EXPECT_EQ(path_id("0197a3b2-0000-7000-8000-000000000001"), "0197a3b2-0000-7000-8000-000000000001");
    for (const std::string id :
         {"", "..", "../../x", "a/b", "ABC", "0197a3b2-0000-7000-8000-00000000000/", "\x1b[2J"}) {
        EXPECT_EQ(path_id(id).find_first_not_of("0123456789abcdef-"), std::string::npos) << id;
        EXPECT_GE(path_id(id).size(), 36u);
        EXPECT_EQ(path_id(id), path_id(id));
    }
    EXPECT_NE(path_id("a/b"), path_id("a_b"));
}

TEST(Work, IsDoneOnceEachAndReportedHere) {
    std::vector<int> runs(1000), reports(1000);
    run_work({.count = runs.size(),
              .threads = 4,
              .run = [&](size_t i) { ++runs[i]; },
              .done = [&](size_t i) { ++reports[i]; }});
    EXPECT_EQ(runs, std::vector<int>(1000, 1));
    EXPECT_EQ(reports, std::vector<int>(1000, 1));
}

TEST(Work, BeginsNothingOnceStopped) {
    std::atomic<int> runs = 0;
    run_work({.count = 1000, .threads = 2, .run = [&](size_t) { ++runs; }, .stop = [&] { return runs >= 10; }});
    EXPECT_GE(runs, 10);
    EXPECT_LE(runs, 12);
    run_work({.count = 0, .run = [&](size_t) { FAIL(); }});
}

TEST(Work, IsSuppliedUntilThereIsNoMore) {
    std::mutex mutex;
    std::vector<int> runs(100);
    size_t supplied = 3;
    const auto caller = std::this_thread::get_id();
    run_work({.count = 3,
              .threads = 4,
              .run =
                  [&](size_t i) {
                      const std::lock_guard lock(mutex);
                      ASSERT_LT(i, supplied);
                      ++runs[i];
                  },
              .more = [&]() -> size_t {
                  EXPECT_EQ(std::this_thread::get_id(), caller);
                  const std::lock_guard lock(mutex);
                  const size_t added = std::min<size_t>(7, runs.size() - supplied);
                  supplied += added;
                  return added;
              }});
    EXPECT_EQ(runs, std::vector<int>(100, 1));
}

TEST(Work, ThatTakesLongHoldsUpNothingElse) {
    std::atomic<size_t> others = 0;
    std::atomic<bool> all = false;
    size_t supplied = 0;
    run_work({.threads = 2,
              .run =
                  [&](size_t i) {
                      if (i > 0) {
                          if (++others == 999) all = true, all.notify_all();
                      } else {
                          all.wait(false);
                      }
                  },
              .more = [&] { return supplied == 1000 ? size_t{0} : (supplied += 10, size_t{10}); }});
    EXPECT_EQ(others, 999u);
}

}  // namespace bae::node
