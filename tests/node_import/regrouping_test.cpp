// Which files are one release when they come, or change their tags, one after the other.
#include "node_import/library.h"

namespace bae::node::test {
namespace {

class Regrouping : public testing::Test {
  protected:
    void SetUp() override {
        if (!fs::exists(media("tidy"))) GTEST_SKIP() << "the test media are missing: tests/media/make";
        for (const fs::path& path : files_below(media("tidy"))) {
            if (path.extension() == ".flac") sources_.push_back(path);
        }
    }
    // A file with these tags alone; no two have the same sound.
    fs::path make(const std::string& folder, const std::string& name, const std::map<std::string, std::string>& tags) {
        const fs::path path = place_.path() / "music" / folder / (name + ".flac");
        fs::create_directories(path.parent_path());
        fs::copy_file(sources_.at(made_++ * 7), path);
        std::string command = "metaflac --remove-all-tags";
        for (const auto& [tag, value] : tags) command += " " + shell_word("--set-tag=" + tag + "=" + value);
        output_of(command + " " + shell_word("--set-tag=TITLE=" + name) + " " + shell_word(path));
        return path;
    }
    std::vector<fs::path> make_mixed() {
        std::vector<fs::path> files;
        for (const char* name : {"one", "two", "three", "four"})
            files.push_back(make("folder", name, {{"ALBUM", "Mixed"}, {"ALBUMARTIST", "Alice"}, {"ARTIST", "Alice"}}));
        return files;
    }
    static void retag(const fs::path& file) {
        set_tag(file, "ALBUM", "Other");
        set_tag(file, "ALBUMARTIST", "Bob");
    }
    std::vector<std::string> music() const { return {(place_.path() / "music").string()}; }
    // "Album by Artist: titles" of each release, sorted.
    static std::vector<std::string> releases(Library& library) {
        std::vector<std::string> out;
        for (const auto& row : library.rows(
                 "SELECT a.title || ' by ' || coalesce((SELECT group_concat(name, '+') FROM (SELECT p.name FROM "
                 "album_artists x JOIN artists p ON p.id = x.artist_id WHERE x.album_id = a.id ORDER BY x.position)), "
                 "'-') || ' (' || coalesce(a.artist_credit, '-') || '): ' || (SELECT group_concat(title, ' ') FROM "
                 "(SELECT "
                 "title FROM tracks t WHERE t.release_id = r.id ORDER BY title)) AS line FROM releases r JOIN albums a "
                 "ON a.id = r.album_id ORDER BY 1"))
            out.push_back(row.at("line"));
        return out;
    }
    static std::string release_of(Library& library, const std::string& title) {
        return library.value("SELECT release_id FROM tracks WHERE title = '" + title + "'");
    }
    // Rows that an import of the same files by another device would not have.
    static void expect_in_order(Library& library) {
        EXPECT_EQ(library.value("SELECT count(*) FROM albums WHERE id NOT IN (SELECT album_id FROM releases)"), "0");
        EXPECT_EQ(library.value("SELECT count(*) FROM releases WHERE id NOT IN (SELECT release_id FROM tracks)"), "0");
        EXPECT_EQ(library.value("SELECT count(*) FROM tracks t JOIN release_files f ON f.id = t.file_id WHERE "
                                "f.release_id <> t.release_id"),
                  "0");
        for (const auto& row : library.rows("SELECT id, content_hash FROM releases")) {
            std::vector<crypto::Hash256> hashes;
            for (const auto& file :
                 library.rows("SELECT file_hash FROM release_files WHERE release_id = '" + row.at("id") + "'"))
                hashes.push_back(*crypto::Hash256::parse(file.at("file_hash")));
            EXPECT_EQ(row.at("content_hash"), content_hash_of(std::move(hashes)).text());
        }
    }
    TemporaryDirectory place_;
    std::vector<fs::path> sources_;
    size_t made_ = 0;
};

using Lines = std::vector<std::string>;

TEST_F(Regrouping, APartThatIsRetaggedBecomesAReleaseOfItsOwn) {
    for (const bool everything : {false, true}) {
        SCOPED_TRACE(everything);
        fs::remove_all(place_.path() / "music");
        made_ = 0;
        const auto files = make_mixed();
        Library library(place_.path() / (everything ? "a" : "b"));
        library.import(music());
        const std::string release = release_of(library, "one");
        const std::string track = library.value("SELECT id FROM tracks WHERE title = 'three'");
        retag(files[2]);
        retag(files[3]);
        ImportOptions options = library.options(music());
        options.again = everything;
        ASSERT_TRUE(run_import(*library.database, options));
        EXPECT_EQ(releases(library), (Lines{"Mixed by Alice (Alice): one two", "Other by Bob (Bob): four three"}));
        EXPECT_EQ(release_of(library, "one"), release);
        EXPECT_EQ(library.value("SELECT id FROM tracks WHERE title = 'three'"), track)
            << "what people said of it stays";
        EXPECT_EQ(library.value("SELECT artist_credit FROM tracks WHERE title = 'three'"), "Alice");
        expect_in_order(library);
    }
}

TEST_F(Regrouping, TheLargerPartKeepsTheRelease) {
    const auto files = make_mixed();
    Library library(place_.path() / "a");
    library.import(music());
    const std::string release = release_of(library, "one");
    ASSERT_TRUE(library.database->write("a sync", [](sync::sqlite::Connection& connection) -> Result<void> {
        TRY(connection.run("INSERT INTO carried_blobs SELECT 'file:///nas', id, file_hash, 'e' FROM release_files"));
        return connection.run("DELETE FROM blob_queue");
    }));
    for (size_t i = 0; i < 3; ++i) retag(files[i]);
    library.import(music());
    EXPECT_EQ(library.value("SELECT count(*) FROM blob_queue WHERE kind = 'file'"), "4")
        << "the fourth for its new key";
    EXPECT_EQ(
        library.value("SELECT count(*) FROM carried_blobs b JOIN tracks t ON t.file_id = b.owner_id WHERE t.title "
                      "= 'four'"),
        "0");
    EXPECT_EQ(releases(library), (Lines{"Mixed by Alice (Alice): four", "Other by Bob (Bob): one three two"}));
    EXPECT_EQ(release_of(library, "one"), release);
    expect_in_order(library);
    retag(files[3]);
    library.import(music());
    EXPECT_EQ(releases(library), (Lines{"Other by Bob (Bob): four one three two"}));
    EXPECT_EQ(release_of(library, "four"), release);
    expect_in_order(library);
}

TEST_F(Regrouping, AnImportInTheMiddleOfRetaggingCostsNoReleaseItsId) {
    const auto files = make_mixed();
    Library library(place_.path() / "a");
    library.import(music());
    const std::string release = release_of(library, "one");
    retag(files[0]);
    library.import(music());
    for (size_t i = 1; i < 4; ++i) retag(files[i]);
    library.import(music());
    EXPECT_EQ(releases(library), (Lines{"Other by Bob (Bob): four one three two"}));
    EXPECT_EQ(release_of(library, "one"), release);
    expect_in_order(library);
}

TEST_F(Regrouping, AWholeAlbumThatIsRetaggedStaysTheSameRelease) {
    const auto files = make_mixed();
    Library library(place_.path() / "a");
    library.import(music());
    const std::string release = release_of(library, "one");
    for (const auto& file : files) retag(file);
    library.import(music());
    EXPECT_EQ(releases(library), (Lines{"Other by Bob (Bob): four one three two"}))
        << "Alice is no album artist any more";
    EXPECT_EQ(release_of(library, "one"), release);
    EXPECT_EQ(library.value("SELECT count(*) FROM tracks WHERE artist_credit = 'Alice'"), "4");
    expect_in_order(library);
}

TEST_F(Regrouping, FilesWithoutAnAlbumArtistJoinTheOneAlbumOfTheirTitle) {
    make("folder", "named", {{"ALBUM", "Tale"}, {"ALBUMARTIST", "Alice"}, {"ARTIST", "Alice"}});
    const fs::path unnamed = make("folder", "unnamed", {{"ALBUM", "Tale"}, {"ARTIST", "Bob"}});
    const fs::path away = place_.path() / "away.flac";
    const Lines wanted{"Tale by Alice (Alice): named unnamed"};
    Library whole(place_.path() / "whole"), named_first(place_.path() / "named"),
        unnamed_first(place_.path() / "unnamed");
    whole.import(music());
    EXPECT_EQ(releases(whole), wanted);
    fs::rename(unnamed, away);
    named_first.import(music());
    fs::rename(away, unnamed);
    named_first.import(music());
    EXPECT_EQ(releases(named_first), wanted);
    unnamed_first.import({unnamed.string()});
    unnamed_first.import(music());
    EXPECT_EQ(releases(unnamed_first).size(), 1U);
    EXPECT_EQ(unnamed_first.value("SELECT count(*) FROM tracks"), "2");
}

TEST_F(Regrouping, TwoAlbumsOfOneTitleInOneFolderStayTwo) {
    const fs::path alice = make("folder", "a", {{"ALBUM", "Greatest Hits"}, {"ALBUMARTIST", "Alice"}});
    const fs::path bob = make("folder", "b", {{"ALBUM", "Greatest Hits"}, {"ALBUMARTIST", "Bob"}});
    const fs::path unnamed = make("folder", "c", {{"ALBUM", "Greatest Hits"}});
    Library whole(place_.path() / "whole"), parts(place_.path() / "parts"), turned(place_.path() / "turned");
    whole.import(music());
    EXPECT_EQ(whole.value("SELECT count(*) FROM releases"), "3") << "whose the third is nobody can tell";
    for (const fs::path& file : {alice, unnamed, bob}) parts.import({file.string()});
    EXPECT_EQ(releases(parts), (Lines{"Greatest Hits by Alice (Alice): a c", "Greatest Hits by Bob (Bob): b"}));
    for (const fs::path& file : {bob, alice}) turned.import({file.string()});
    EXPECT_EQ(releases(turned), (Lines{"Greatest Hits by Alice (Alice): a", "Greatest Hits by Bob (Bob): b"}));
}

TEST_F(Regrouping, ACopyOfARetaggedSourceTakesThePlaceOfTheOldOne) {
    const auto files = make_mixed();
    Library library(place_.path() / "a");
    ImportOptions options = library.options(music());
    options.copy_to = (library.home / "files").string();
    ASSERT_TRUE(run_import(*library.database, options));
    set_tag(files[1], "TITLE", "deux");
    const Result<ImportReport> report = run_import(*library.database, options);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->updated, 1U);
    EXPECT_EQ(report->files, 0U);
    EXPECT_EQ(releases(library), (Lines{"Mixed by Alice (Alice): deux four one three"}));
    std::map<std::string, std::string> copies = sha256sums(files_below(*options.copy_to));
    EXPECT_EQ(copies.size(), 4U) << "the old copy is gone";
    for (const auto& row : library.rows("SELECT path, file_hash FROM local_files"))
        EXPECT_EQ(copies[std::string(as_text(*hex_decode(row.at("path"))))], row.at("file_hash"));
    EXPECT_EQ(run_import(*library.database, options)->skipped_unchanged, 4U);
}

TEST_F(Regrouping, ACutSourceLeavesTheGoodCopyAlone) {
    const auto files = make_mixed();
    Library library(place_.path() / "a");
    ImportOptions options = library.options(music());
    options.copy_to = (library.home / "files").string();
    ASSERT_TRUE(run_import(*library.database, options));
    const auto rows = library.dump();
    const auto copies = sha256sums(files_below(*options.copy_to));
    std::string bytes = read_file(files[1]);
    bytes[bytes.size() * 2 / 3] = static_cast<char>(bytes[bytes.size() * 2 / 3] ^ 1);
    write_file(files[1], bytes);
    const Result<ImportReport> report = run_import(*library.database, options);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(library.dump(), rows);
    EXPECT_EQ(sha256sums(files_below(*options.copy_to)), copies);
}

TEST_F(Regrouping, ARemovedReleaseComesBackOnlyWhenEverythingIsReadAgain) {
    make_mixed();
    Library library(place_.path() / "a");
    library.import(music());
    const auto rows = library.dump();
    ASSERT_TRUE(library.database->write(
        "removal", [](sync::sqlite::Connection& connection) { return connection.run("DELETE FROM albums"); }));
    EXPECT_EQ(library.import(music()).skipped_unchanged, 4U);
    EXPECT_EQ(library.value("SELECT count(*) FROM tracks"), "0");
    ImportOptions again = library.options(music());
    again.again = true;
    ASSERT_TRUE(run_import(*library.database, again));
    EXPECT_EQ(library.dump(), rows);
    ASSERT_TRUE(library.database->write("removal", [](sync::sqlite::Connection& connection) {
        return connection.run("DELETE FROM tracks WHERE title = 'two'");
    }));
    EXPECT_EQ(run_import(*library.database, again)->tracks, 1U);
    EXPECT_EQ(library.dump(), rows);
}

}  // namespace
}  // namespace bae::node::test
