// Settings, places and homes being made.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "node/config.h"
#include "node/files.h"
#include "node/home.h"
#include "node/place.h"
#include "node_cli/temporary_directory.h"

namespace bae::node {
namespace fs = std::filesystem;

static std::optional<std::string> nothing(const char*) { return std::nullopt; }

static fs::path written(const TemporaryDirectory& directory, const std::string& text) {
    const fs::path file = directory.path() / "config.toml";
    std::ofstream(file) << text;
    return file;
}

TEST(Config, HasDefaultsWithoutAFile) {
    const TemporaryDirectory directory;
    EXPECT_EQ(load_config(directory.path() / "none", nothing, {}).value(), Config());
}

TEST(Config, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
    const TemporaryDirectory directory;
    const fs::path file =
        written(directory, "home = '/a'\n[bucket]\nattempts = 2\nworkers = 3\n[import]\nthreads = 4\n");
    const Environment environment = [](const char* name) {
        return std::string_view(name) == "BAE_BUCKET_WORKERS" || std::string_view(name) == "BAE_IMPORT_THREADS"
                   ? std::optional<std::string>("7")
                   : std::nullopt;
    };
    const Config config = load_config(file, environment, {{"import.threads", "9"}}).value();
    EXPECT_EQ(config, (Config{.home = "/a", .bucket_attempts = 2, .bucket_workers = 7, .import_threads = 9}));
}

TEST(Config, TakesSettingsOfServers) {
    const TemporaryDirectory directory;
    const fs::path file =
        written(directory, "[bucket]\nca_file = '/ca.pem'\nparallel = 2\ngive_up_after = 9\n[limits]\nupload = 500\n");
    EXPECT_EQ(load_config(file, nothing, {{"limits.download", "70"}}).value(), (Config{.bucket_ca_file = "/ca.pem",
                                                                                       .bucket_give_up_after = 9,
                                                                                       .bucket_parallel = 2,
                                                                                       .limits_download = 70,
                                                                                       .limits_upload = 500}));
}

TEST(Config, RefusesUnknownKeysAndNamesTheNearest) {
    const TemporaryDirectory directory;
    for (const auto& [text, words] :
         std::map<std::string, std::string>{{"hom = 'x'", "did you mean \"home\""},
                                            {"[bucket]\nworker = 1", "did you mean \"bucket.workers\""},
                                            {"[import]\nthreads = true", "takes a number"},
                                            {"[bucket]\nattempts = 1001", "from 1 to 1000"},
                                            {"[limits]\nup = 1", "did you mean \"limits.upload\""},
                                            {"x = [", "line"}}) {
        const auto config = load_config(written(directory, text), nothing, {});
        ASSERT_FALSE(config) << text;
        EXPECT_EQ(config.error().kind, ErrorKind::invalid_input);
        EXPECT_NE(config.error().message.find(words), std::string::npos) << config.error().message;
    }
}

static fs::path directory_of(std::string_view url) { return *parse_place(url).value().directory(); }

TEST(Place, UrlsAndPathsNameTheSameDirectory) {
    EXPECT_EQ(directory_of("file:///mnt/nas/my%20music"), "/mnt/nas/my music");
    EXPECT_EQ(directory_of("file:///mnt/nas/"), "/mnt/nas");
    EXPECT_EQ(directory_of("/mnt/nas/../nas/"), "/mnt/nas");
    EXPECT_EQ(directory_of("music"), fs::current_path() / "music");
    for (const fs::path path : {"/plain", "/with blank", "/per%cent", "/line\nbreak", "/\xff\xfe"})
        EXPECT_EQ(directory_of(Place{path}.url()), path);
}

TEST(Place, OfABucketIsKnownByItsCanonicalUrl) {
    const Place place = parse_place("s3://music/bae/?region=eu-1&endpoint=HTTPS://S3.example.org:443").value();
    ASSERT_TRUE(place.s3());
    EXPECT_FALSE(place.directory());
    EXPECT_EQ(parse_place(place.url()).value(), place);
    EXPECT_EQ(place.url().find("443"), std::string::npos);
}

TEST(Place, RefusesWhatIsNone) {
    for (const char* url : {"", "http://host/", "file://relative", "file:///a%2", "file:///a%zz", "file:///a%00b",
                            "s3://", "s3://music?endpoint=http://example.org", "s3://key:secret@music"}) {
        const Result<Place> place = parse_place(url);
        ASSERT_FALSE(place) << url;
        EXPECT_EQ(place.error().kind, ErrorKind::invalid_input);
    }
}

static HomeRecord some_record() {
    HomeRecord record;
    record.library.bytes[0] = std::byte{1};
    record.device.bytes[0] = std::byte{2};
    record.identity.bytes[0] = std::byte{3};
    return record;
}

TEST(HomeRecord, ReadsWhatItWroteAndNothingElse) {
    const std::string text = some_record().text();
    EXPECT_EQ(HomeRecord::parse(text).value(), some_record());
    for (size_t length = 0; length < text.size(); ++length)
        EXPECT_FALSE(HomeRecord::parse(text.substr(0, length))) << length;
    EXPECT_FALSE(HomeRecord::parse(text + "more\n"));
    EXPECT_EQ(HomeRecord::parse("bae library 2\n").error().kind, ErrorKind::upgrade_needed);
}

TEST(NewHome, IsThereOnlyAfterCommit) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path() / "deep/home"};
    EXPECT_EQ(read_home(home).error().kind, ErrorKind::not_found);
    {
        NewHome made = NewHome::begin(home).value();
        ASSERT_TRUE(write_file_durably(made.paths().database(), as_bytes("rows"), 0600));
        EXPECT_EQ(read_home(home).error().kind, ErrorKind::not_found);
        ASSERT_TRUE(made.commit(some_record()));
    }
    EXPECT_EQ(read_home(home).value(), some_record());
    EXPECT_TRUE(fs::exists(home.database()));
    EXPECT_FALSE(fs::exists(home.root / ".founding"));
    EXPECT_FALSE(fs::exists(home.root / ".founded"));
    EXPECT_EQ(NewHome::begin(home).error().kind, ErrorKind::conflict);
}

TEST(NewHome, LeavesNothingWithoutCommit) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path() / "home"};
    { ASSERT_TRUE(NewHome::begin(home)); }
    EXPECT_TRUE(fs::is_empty(home.root));
}

TEST(NewHome, IsMadeByOneAtATime) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const NewHome first = NewHome::begin(home).value();
    EXPECT_EQ(NewHome::begin(home).error().kind, ErrorKind::retry);
}

TEST(NewHome, KeepsSecretsThatWereThere) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    ASSERT_TRUE(write_file_durably(home.secrets(), as_bytes("old"), 0600));
    NewHome made = NewHome::begin(home).value();
    EXPECT_EQ(read_small_file(made.paths().secrets(), 100).value(), "old");
    ASSERT_TRUE(write_file_durably(made.paths().secrets(), as_bytes("new"), 0600));
    EXPECT_EQ(read_small_file(home.secrets(), 100).value(), "old");
    ASSERT_TRUE(made.commit(some_record()));
    EXPECT_EQ(read_small_file(home.secrets(), 100).value(), "new");
}

// Every state that a crash can leave between commit and the end: `moved` parts are in the home, the rest in .founded.
TEST(NewHome, FindersFinishWhatACrashLeft) {
    const std::vector<std::string> parts = {"library.db", "mirror", "secrets", "library.id"};
    for (size_t moved = 0; moved <= parts.size(); ++moved) {
        const TemporaryDirectory directory;
        const HomePaths home{directory.path()};
        fs::create_directory(home.root / ".founded");
        for (size_t i = 0; i < parts.size(); ++i) {
            const std::string text = parts[i] == "library.id" ? some_record().text() : parts[i];
            ASSERT_TRUE(
                write_file_durably((i < moved ? home.root : home.root / ".founded") / parts[i], as_bytes(text), 0600));
        }
        EXPECT_EQ(read_home(home).value(), some_record()) << moved;
        for (const std::string& part : parts) EXPECT_TRUE(fs::exists(home.root / part)) << moved << " " << part;
    }
}

TEST(NewHome, AnUnfinishedOneIsStartedOver) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    fs::create_directories(home.root / ".founding/mirror");
    EXPECT_EQ(read_home(home).error().kind, ErrorKind::not_found);
    const NewHome made = NewHome::begin(home).value();
    EXPECT_FALSE(fs::exists(made.paths().mirror()));
}

TEST(NewHome, MakesAnEmptyDirectoryPrivateAndLeavesAnother) {
    const TemporaryDirectory directory;
    for (const bool empty : {true, false}) {
        const HomePaths home{directory.path() / (empty ? "empty" : "full")};
        fs::create_directory(home.root);
        fs::permissions(home.root, fs::perms(0755));
        if (!empty) std::ofstream(home.root / "other") << "x";
        ASSERT_TRUE(NewHome::begin(home));
        EXPECT_EQ(fs::status(home.root).permissions(), fs::perms(empty ? 0700 : 0755));
    }
}

TEST(Files, WrittenByManyAtOnceAreWholeAndLeaveNothingElse) {
    const TemporaryDirectory directory;
    const Bytes bytes(300'000, std::byte{7});
    std::vector<std::thread> threads;
    std::atomic<int> failed = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round)
                failed += write_file_durably(directory.path() / "picture", bytes, 0600) ? 0 : 1;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(fs::file_size(directory.path() / "picture"), bytes.size());
    EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 1);
}

TEST(Files, AreRenamedOnlyToAFreeNameInEveryWayThereIs) {
    for (const auto rename : {rename_if_free, link_if_free, reserve_and_rename}) {
        const TemporaryDirectory directory;
        const fs::path from = directory.path() / "from", to = directory.path() / "to";
        ASSERT_TRUE(write_file_durably(from, as_bytes("new"), 0600));
        EXPECT_EQ(rename(from, to).value(), true);
        EXPECT_FALSE(fs::exists(from));
        EXPECT_EQ(read_small_file(to, 10).value(), "new");
        ASSERT_TRUE(write_file_durably(from, as_bytes("newer"), 0600));
        EXPECT_EQ(rename(from, to).value(), false);
        EXPECT_EQ(read_small_file(to, 10).value(), "new");
        EXPECT_TRUE(fs::exists(from));
        EXPECT_FALSE(rename(from, directory.path() / "gone/to"));
    }
}

TEST(Files, KnowWhetherTheyAreStillAtTheirPath) {
    const TemporaryDirectory directory;
    const fs::path path = directory.path() / "part";
    const File file = File::open_to_append(path).value();
    EXPECT_TRUE(file.is_at_its_path().value());
    fs::rename(path, directory.path() / "named");
    EXPECT_FALSE(file.is_at_its_path().value());
    const File other = File::open_to_append(path).value();
    EXPECT_FALSE(file.is_at_its_path().value());
    EXPECT_TRUE(other.is_at_its_path().value());
}

}  // namespace bae::node
