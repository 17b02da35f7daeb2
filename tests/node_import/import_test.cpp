#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>

#include "crypto/blob.h"
#include "node_import/library.h"

namespace bae::node::test {
namespace {

// A copy of generated albums that a test may damage.
class Import : public testing::Test {
  protected:
    void SetUp() override {
        if (!fs::exists(media("tidy"))) GTEST_SKIP() << "the test media are missing: tests/media/make";
        fs::copy(media("tidy"), music(), fs::copy_options::recursive);
    }
    fs::path music() const { return place_.path() / "music"; }
    fs::path home(const std::string& name) const { return place_.path() / name; }
    std::vector<fs::path> files() const {
        std::vector<fs::path> out;
        for (const auto& entry : fs::recursive_directory_iterator(music())) {
            if (entry.path().extension() == ".flac") out.push_back(entry.path());
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    static std::string row_of(const fs::path& file, const std::string& what) {
        return "SELECT " + what + " FROM local_files l JOIN tracks t ON t.file_id = l.file_id WHERE l.path = CAST('" +
               file.string() + "' AS BLOB)";
    }
    TemporaryDirectory place_;
};

TEST_F(Import, TheSameFilesAgainChangeNothing) {
    Library library(home("a"));
    const ImportReport first = library.import({music().string()});
    EXPECT_EQ(first.files, files().size());
    const auto rows = library.dump();
    const uint64_t transactions = library.transactions();
    const ImportReport second = library.import({music().string()});
    EXPECT_EQ(second.skipped_unchanged, files().size());
    EXPECT_EQ(second.files + second.updated + second.known + second.moved + second.missing, 0U);
    ImportOptions again = library.options({music().string()});
    again.again = true;
    ASSERT_TRUE(run_import(*library.database, again)) << "reading everything once more";
    EXPECT_EQ(library.dump(), rows);
    EXPECT_EQ(library.transactions(), transactions);
}

TEST_F(Import, OrderAndPartsMakeNoDifference) {
    Library whole(home("whole")), parts(home("parts"));
    whole.import({music().string()});
    std::vector<std::string> artists;
    for (const auto& entry : fs::directory_iterator(music())) artists.push_back(entry.path().string());
    std::sort(artists.rbegin(), artists.rend());
    for (const std::string& artist : artists) parts.import({artist});
    EXPECT_EQ(parts.dump(), whole.dump());
}

TEST_F(Import, AHalfImportedReleaseGrowsAndKeepsItsId) {
    Library library(home("a"));
    const fs::path folder = files()[0].parent_path();
    const fs::path away = place_.path() / "later.flac";
    fs::rename(files()[0], away);
    const fs::path back = folder / "back.flac";
    library.import({folder.string()});
    const std::string id = library.value("SELECT id FROM releases");
    fs::rename(away, back);
    const ImportReport report = library.import({folder.string()});
    EXPECT_EQ(report.files, 1U);
    EXPECT_EQ(library.value("SELECT group_concat(id) FROM releases"), id);
    Library whole(home("b"));
    whole.import({folder.string()});
    EXPECT_EQ(library.value("SELECT hex(content_hash) FROM releases"),
              whole.value("SELECT hex(content_hash) FROM releases"));
}

TEST_F(Import, MovedFilesAreRecognisedAndMissingOnesMarked) {
    Library library(home("a"));
    library.import({music().string()});
    const auto rows = library.dump();
    const fs::path folder = files()[0].parent_path();
    const auto before = files();
    const auto count = static_cast<size_t>(
        std::count_if(before.begin(), before.end(), [&](const auto& f) { return f.parent_path() == folder; }));
    fs::rename(folder, music() / "moved");
    const fs::path lost = before.back();
    ASSERT_NE(lost.parent_path(), folder);
    fs::remove(lost);
    const ImportReport report = library.import({music().string()});
    EXPECT_EQ(report.moved, count);
    EXPECT_EQ(report.missing, 1U);
    EXPECT_EQ(report.files, 0U);
    EXPECT_EQ(library.dump(), rows);
    EXPECT_EQ(library.value("SELECT count(*) FROM local_files WHERE state = 'missing'"), "1");
}

TEST_F(Import, ARetaggedFileChangesOnlyWhatItsTagsChanged) {
    Library library(home("a"));
    library.import({music().string()});
    const fs::path file = files()[0];
    const std::string track = library.value(row_of(file, "t.id"));
    ASSERT_TRUE(library.database->write("edit", [&](sync::sqlite::Connection& c) {
        return c.run("UPDATE tracks SET number = 77, title = 'Edited', _updated_at = stamp() WHERE id = ?", track);
    }));
    set_tag(file, "TITLE", "From the file");
    const ImportReport report = library.import({music().string()});
    EXPECT_EQ(report.updated, 1U);
    EXPECT_EQ(report.files, 0U);
    EXPECT_EQ(library.value("SELECT title FROM tracks WHERE id = '" + track + "'"), "From the file");
    EXPECT_EQ(library.value("SELECT number FROM tracks WHERE id = '" + track + "'"), "77")
        << "edited in the library, unchanged in the file";
    EXPECT_EQ(
        library.value(
            "SELECT lower(hex(f.file_hash)) FROM tracks t JOIN release_files f ON f.id = t.file_id WHERE t.id = '" +
            track + "'"),
        output_of("sha256sum " + shell_word(file)).substr(0, 64));
}

TEST_F(Import, ADamagedFileIsReportedAndTheRestImported) {
    Library library(home("a"));
    library.import({music().string()});
    const fs::path file = files()[0];
    write_file(file, read_file(file).substr(0, 60));
    const ImportReport report = library.import({music().string()});
    ASSERT_EQ(report.failed.size(), 1U);
    EXPECT_EQ(report.failed[0].path, file.string());
    EXPECT_EQ(library.value("SELECT state FROM local_files WHERE path = CAST('" + file.string() + "' AS BLOB)"),
              "damaged");
}

TEST_F(Import, StrangeFileSystemEntriesAreSurvived) {
    const fs::path folder = place_.path() / "strange";
    const std::string bytes = read_file(files()[0]);
    write_file(folder / "new\nline" / "a.flac", bytes);
    write_file(folder / "latin \xe9" / "b\xff.flac", bytes + "x");
    write_file(folder / "wrong extension" / "c.mp3", bytes + "xy");
    for (const char* name : {"._c.flac", ".DS_Store", ".Trash-1000/files/d.flac", ".git/e.flac", ".stversions/f.flac"})
        write_file(folder / name, bytes);
    write_file(folder / "empty.flac", "");
    fs::create_directories(folder / "folder.mp3" / "empty folder");
    fs::create_symlink(folder, folder / "loop");
    fs::create_symlink("nowhere", folder / "dangling.flac");
    ASSERT_EQ(::mkfifo((folder / "pipe.flac").c_str(), 0600), 0);
    Library library(home("a"));
    const ImportReport report = library.import({folder.string()});
    EXPECT_EQ(report.files, 3U);
    ASSERT_EQ(report.failed.size(), 3U);
    EXPECT_EQ(fs::path(report.failed[0].path).filename(), "dangling.flac");
    EXPECT_EQ(fs::path(report.failed[1].path).filename(), "empty.flac");
    EXPECT_EQ(fs::path(report.failed[2].path).filename(), "pipe.flac");
    EXPECT_EQ(library.import({folder.string()}).skipped_unchanged, 3U);
    EXPECT_EQ(library.run({(folder / "no such folder").string()}).error().kind, ErrorKind::not_found);
}

TEST_F(Import, NamesThatBeginWithADotAreMusicToo) {
    const fs::path folder = place_.path() / "dots";
    const auto all = files();
    fs::create_directories(folder / "...And Justice" / "CD1");
    fs::create_directories(folder / ".38 Special");
    fs::copy(all[0], folder / "...And Justice" / "CD1" / "a.flac");
    fs::copy(all[1], folder / ".38 Special" / ".b.flac");
    Library library(home("a"));
    EXPECT_EQ(library.import({folder.string()}).files, 2U);
}

TEST_F(Import, ADryRunSaysTheSameAndWritesNothing) {
    Library library(home("a"));
    ImportOptions options = library.options({music().string()});
    options.dry_run = true;
    const auto rehearsed = run_import(*library.database, options);
    ASSERT_TRUE(rehearsed);
    EXPECT_TRUE(library.dump().empty());
    EXPECT_EQ(library.value("SELECT count(*) FROM local_files"), "0");
    EXPECT_EQ(library.transactions(), 0U);
    EXPECT_TRUE(fs::is_empty(library.home / "artwork"));
    const ImportReport report = library.import({music().string()});
    EXPECT_EQ(rehearsed->files, report.files);
    EXPECT_EQ(rehearsed->releases, report.releases);
}

TEST_F(Import, CopiesAreVerifiedNamedAndNotMadeTwice) {
    Library library(home("a"));
    ImportOptions options = library.options({music().string()});
    options.copy_to = (library.home / "files").string();
    ASSERT_TRUE(run_import(*library.database, options));
    const auto copies = library.rows("SELECT path, file_hash FROM local_files");
    EXPECT_EQ(copies.size(), files().size());
    std::map<std::string, std::string> sums = sha256sums(files_below(*options.copy_to));
    for (const auto& row : copies) {
        const std::string path(as_text(*hex_decode(row.at("path"))));
        ASSERT_TRUE(path.starts_with(*options.copy_to + "/")) << path;
        EXPECT_EQ(sums[path], row.at("file_hash"));
    }
    const auto again = run_import(*library.database, options);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->skipped_unchanged, files().size());
    Library referenced(home("b"));
    referenced.import({music().string()});
    EXPECT_EQ(library.dump(), referenced.dump()) << "where files lie is local";
}

TEST_F(Import, ChunkHashesAreThoseThatSealingChecks) {
    const fs::path file = files()[0];
    write_file(file, read_file(file) + std::string(5 << 20, '\0'));
    Library library(home("a"));
    library.import({file.string()});
    const std::string bytes = read_file(file);
    std::string wanted;
    for (size_t at = 0; at < bytes.size(); at += crypto::kBlobChunkPlainBytes) {
        wanted += hex_encode(
            crypto::chunk_hash(as_bytes(std::string_view(bytes).substr(at, crypto::kBlobChunkPlainBytes))).view());
    }
    EXPECT_EQ(library.value("SELECT chunk_hashes FROM file_chunks"), wanted);
}

TEST_F(Import, CancellingKeepsWhatWasCommitted) {
    Library library(home("a"));
    ImportOptions options = library.options({music().string()});
    options.cancelled = [calls = std::make_shared<std::atomic<int>>(0)] { return ++*calls > 200; };
    const auto stopped = run_import(*library.database, options);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
    library.import({music().string()});
    Library whole(home("b"));
    whole.import({music().string()});
    EXPECT_EQ(library.dump(), whole.dump());
}

TEST_F(Import, ArtworkIsStoredOncePerPicture) {
    Library library(home("a"));
    library.import({music().string()});
    const auto images = library.rows("SELECT DISTINCT file_hash, size, mime FROM library_images");
    EXPECT_FALSE(images.empty());
    for (const auto& row : images) {
        const fs::path path =
            artwork_path((library.home / "artwork").string(), *crypto::Hash256::parse(row.at("file_hash")));
        EXPECT_EQ(fs::file_size(path), std::stoull(row.at("size")));
        EXPECT_EQ(output_of("sha256sum " + shell_word(path)).substr(0, 64), row.at("file_hash"));
    }
}

#ifdef BAE_CRASH_POINTS
// The status of a child that imports and is killed at the n-th pass of a point.
int import_killed_at(const std::string& point, const fs::path& home, const fs::path& music, bool copy) {
    const std::string command = "BAE_CRASH_AT=" + shell_word(point) + (copy ? " BAE_TEST_COPY=1 " : " ") +
                                shell_word(fs::read_symlink("/proc/self/exe")) + " --import " + shell_word(home) + " " +
                                shell_word(music);
    return std::system(("exec env " + command).c_str());
}

TEST_F(Import, KilledAnywhereAndRunAgainGivesTheSameRows) {
    Library whole(home("whole"));
    whole.import({music().string()});
    const auto wanted = whole.dump();
    int number = 0;
    for (const char* point : {"import: file hashed:100", "import: artwork synced:3", "import: before commit",
                              "import: after commit", "import: copy synced:50", "import: copy named:20"}) {
        SCOPED_TRACE(point);
        const bool copy = std::string_view(point).find("copy") != std::string_view::npos;
        const fs::path where = home("killed" + std::to_string(number++));
        const int status = import_killed_at(point, where, music(), copy);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
        Library library(where);
        ImportOptions options = library.options({music().string()});
        if (copy) options.copy_to = (library.home / "files").string();
        ASSERT_TRUE(run_import(*library.database, options));
        EXPECT_EQ(library.dump(), wanted);
        EXPECT_EQ(library.value("SELECT count(*) FROM local_files"), std::to_string(files().size()));
    }
}
#endif

}  // namespace
}  // namespace bae::node::test
