// Files that are cut off or rot, before and after they are imported. A damaged file must never replace the hash of the
// good one, which every device goes by.
#include "node_import/library.h"

namespace bae::node::test {
namespace {

std::string cut(const std::string& bytes, size_t parts, size_t of) {
    return bytes.substr(0, bytes.size() * parts / of);
}

std::string flipped(std::string bytes, size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    return bytes;
}

std::string state_of(Library& library, const fs::path& file) {
    return library.value("SELECT state FROM local_files WHERE path = CAST('" + file.string() + "' AS BLOB)");
}

// A file of each format, with another title, by a program that writes such tags.
void retag(const fs::path& file, const std::string& title) {
    if (file.extension() == ".flac") return set_tag(file, "TITLE", title);
    const fs::path other = file.parent_path() / ("retagged" + file.extension().string());
    const std::string metadata =
        file.extension() == ".ogg" || file.extension() == ".opus" ? "-metadata:s:a:0" : "-metadata";
    output_of("ffmpeg -v error -nostdin -y -i " + shell_word(file) + " -map 0:a -c copy " + metadata + " " +
              shell_word("title=" + title) + " " + shell_word(other));
    fs::rename(other, file);
}

class Damage : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        const bool original = std::string_view(GetParam()) == "ogg";
        const fs::path folder =
            original ? fs::path("/usr/share/games/wesnoth/1.16/data/core/music") : media(GetParam());
        if (!fs::exists(folder)) GTEST_SKIP() << folder << " is missing (Debian's wesnoth-1.16-music)";
        file_ = place_.path() / "music" / (std::string("elf-land.") + GetParam());
        fs::create_directories(file_.parent_path());
        fs::copy(folder / file_.filename(), file_);
        bytes_ = read_file(file_);
    }
    fs::path home() const { return place_.path() / "home"; }
    std::vector<std::string> music() const { return {(place_.path() / "music").string()}; }
    void expect_refused(Library& library, const std::string& bytes) {
        const auto rows = library.dump();
        write_file(file_, bytes);
        const ImportReport report = library.import(music());
        ASSERT_EQ(report.failed.size(), 1U);
        EXPECT_EQ(report.failed[0].path, file_.string());
        EXPECT_EQ(report.updated, 0U);
        EXPECT_EQ(state_of(library, file_), "damaged");
        EXPECT_EQ(library.dump(), rows);
    }
    TemporaryDirectory place_;
    fs::path file_;
    std::string bytes_;
};

TEST_P(Damage, NoCutOrFlippedFileReplacesTheGoodOne) {
    Library library(home());
    library.import(music());
    for (const size_t part : {1U, 2U, 5U}) {
        SCOPED_TRACE(part);
        expect_refused(library, cut(bytes_, part, 6));
    }
    expect_refused(library, flipped(bytes_, bytes_.size() / 2));
    write_file(file_, bytes_);
    const ImportReport report = library.import(music());
    EXPECT_TRUE(report.failed.empty());
    EXPECT_EQ(state_of(library, file_), "present");
}

TEST_P(Damage, ARetaggedFileIsNotTakenForDamaged) {
    Library library(home());
    library.import(music());
    retag(file_, "Another title");
    const ImportReport report = library.import(music());
    for (const FailedFile& failed : report.failed) ADD_FAILURE() << failed.reason;
    EXPECT_EQ(report.updated, 1U);
    EXPECT_EQ(library.value("SELECT title FROM tracks"), "Another title");
    EXPECT_EQ(state_of(library, file_), "present");
}

TEST_P(Damage, ARetaggedFileThatIsCutOffAsWellIsRefused) {
    Library library(home());
    library.import(music());
    retag(file_, "Another title");
    const std::string retagged = read_file(file_);
    expect_refused(library, cut(retagged, 2, 3));
}

INSTANTIATE_TEST_SUITE_P(Every, Damage, testing::Values("ogg", "flac", "mp3", "m4a", "opus", "wav"),
                         [](const auto& format) { return std::string(format.param); });

// What a container says of its own length is enough without an earlier import.
TEST_P(Damage, WhatTheContainerKnowsToBeCutIsNotImported) {
    Library library(home());
    const size_t last = bytes_.size() - 1;
    // an MP3 tells its length in round numbers, a WAV and an MP4 may end in an odd byte of padding
    const bool coarse = file_.extension() == ".mp3" || file_.extension() == ".wav" || file_.extension() == ".m4a";
    for (const size_t size : {bytes_.size() / 3, bytes_.size() * 2 / 3, bytes_.size() - 8192, coarse ? 0 : last}) {
        SCOPED_TRACE(size);
        write_file(file_, bytes_.substr(0, size));
        EXPECT_EQ(library.import(music()).failed.size(), 1U);
    }
    EXPECT_EQ(library.value("SELECT count(*) FROM local_files"), "0");
}

class Rot : public testing::Test {
  protected:
    void SetUp() override {
        if (!fs::exists(media("flac"))) GTEST_SKIP() << "the test media are missing: tests/media/make";
        fs::create_directories(file_.parent_path());
        fs::copy(media("flac") / "battle.flac", file_);
        bytes_ = read_file(file_);
        written_ = fs::last_write_time(file_);
    }
    void replace(const std::string& bytes) {
        write_file(file_, bytes);
        fs::last_write_time(file_, written_);
    }
    std::vector<std::string> music() const { return {file_.parent_path().string()}; }

    TemporaryDirectory place_;
    fs::path file_ = place_.path() / "music" / "song.flac";
    std::string bytes_;
    fs::file_time_type written_;
};

TEST_F(Rot, WhatWasFoundChangedIsReadAgainThoughItsTimeIsTheSame) {
    Library library(place_.path() / "home");
    library.import(music());
    replace(flipped(bytes_, bytes_.size() / 2));
    EXPECT_EQ(library.import(music()).skipped_unchanged, 1U) << "nobody has looked";
    ASSERT_TRUE(library.database->write("a sync", [](sync::sqlite::Connection& connection) {
        return connection.run("UPDATE local_files SET state = 'changed'");
    }));
    for (int times = 0; times < 2; ++times) {
        const ImportReport report = library.import(music());
        EXPECT_EQ(report.failed.size(), 1U);
        EXPECT_EQ(state_of(library, file_), "damaged");
    }
    replace(bytes_);
    EXPECT_TRUE(library.import(music()).failed.empty());
    EXPECT_EQ(state_of(library, file_), "present");
}

TEST_F(Rot, AMissingFileThatIsBackUnchangedIsPresentUnread) {
    Library library(place_.path() / "home");
    library.import(music());
    const fs::path away = place_.path() / "away";
    fs::rename(file_, away);
    EXPECT_EQ(library.import(music()).missing, 1U);
    fs::rename(away, file_);
    EXPECT_EQ(library.import(music()).skipped_unchanged, 1U);
    EXPECT_EQ(state_of(library, file_), "present");
}

TEST_F(Rot, AFileThatWasReplacedOnPurposeIsTakenWhenItIsNamedItself) {
    Library library(place_.path() / "home");
    library.import(music());
    const std::string before = library.value("SELECT hex(file_hash) FROM release_files");
    const fs::path other = place_.path() / "quieter.flac";
    output_of("ffmpeg -v error -nostdin -i " + shell_word(file_) + " -af volume=0.9 -c:a flac " + shell_word(other));
    fs::rename(other, file_);
    ImportOptions again = library.options(music());
    again.again = true;
    Result<ImportReport> report = run_import(*library.database, again);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->failed.size(), 1U) << "an import of everything believes no single file";
    again.paths = {file_.string()};
    report = run_import(*library.database, again);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->failed.empty());
    EXPECT_EQ(report->updated, 1U);
    EXPECT_NE(library.value("SELECT hex(file_hash) FROM release_files"), before);
    EXPECT_EQ(library.value("SELECT lower(hex(file_hash)) FROM release_files"), sha256sums({file_})[file_.string()]);
}

TEST_F(Rot, ANewPictureInAFileIsNoDamage) {
    Library library(place_.path() / "home");
    library.import(music());
    const fs::path picture = files_below(media("tidy")).front().parent_path() / "cover.png";
    if (!fs::exists(picture)) GTEST_SKIP() << picture << " is missing";
    output_of("metaflac --import-picture-from=" + shell_word(picture) + " " + shell_word(file_));
    const ImportReport report = library.import(music());
    EXPECT_TRUE(report.failed.empty());
    EXPECT_EQ(report.updated, 1U);
    EXPECT_EQ(library.value("SELECT count(*) FROM library_images"), "1");
}

}  // namespace
}  // namespace bae::node::test
