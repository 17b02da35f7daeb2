// Odd and broken music: a library of odd tags, held against the list of what was written into the files, and a folder
// of what is damaged, no music, or no file.
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "node/import/file_tags.h"
#include "node/import/names.h"
#include "node_import/library.h"

namespace bae::node::test {
namespace {

using nlohmann::json;
using Row = Library::Row;

// The list is ASCII; bytes that are no UTF-8 stand in it as lone surrogates U+DC80 to U+DCFF.
std::string bytes_of_word(const std::string& quoted) {
    std::string escaped;
    std::string out;
    for (size_t at = 0; at < quoted.size();) {
        const bool lone =
            quoted.compare(at, 4, "\\udc") == 0 && quoted[at + 4] >= '8' &&
            (at < 6 || quoted.compare(at - 6, 3, "\\ud") != 0 || quoted[at - 3] < '8' || quoted[at - 3] > 'b');
        if (lone) {
            out += json::parse("\"" + escaped + "\"").get<std::string>();
            out += static_cast<char>(std::stoi(quoted.substr(at + 4, 2), nullptr, 16));
            escaped.clear();
            at += 6;
        } else if (quoted[at] == '\\') {
            const size_t length = quoted[at + 1] == 'u' ? 6 : 2;
            escaped += quoted.substr(at, length);
            at += length;
        } else {
            escaped += quoted[at++];
        }
    }
    return out + json::parse("\"" + escaped + "\"").get<std::string>();
}

struct Written {
    std::string path;
    std::map<std::string, std::string> first;  // of each tag, by its name in upper case
    std::set<std::string> unclear;             // tags with values that are not UTF-8
};

// One object per line, whose strings hold no raw quotes: taken apart by hand because of the surrogates.
Written parse_line(const std::string& line) {
    std::vector<std::string> words;
    for (size_t at = 0; (at = line.find('"', at)) != std::string::npos;) {
        size_t end = at + 1;
        while (line[end] != '"') end += line[end] == '\\' ? 2 : 1;
        words.push_back(bytes_of_word(line.substr(at + 1, end - at - 1)));
        at = end + 1;
    }
    Written out{words.at(1), {}, {}};  // "path", it, "tags", then names and values
    for (size_t i = 3; i + 1 < words.size(); i += 2) {
        for (char& c : words[i]) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        std::string& value = words[i + 1];
        value.resize(std::min(value.find('\0'), value.size()));  // which ends a text for the tag parser
        const std::string clean = clean_text(value);
        // bytes of an encoding that nobody names are left out, or replaced
        if (clean.find("\xef\xbf\xbd") != std::string::npos)
            out.unclear.insert(words[i]);
        else if (!clean.empty())
            out.first.emplace(words[i], value);
    }
    return out;
}

std::string cell(const Row& row, const char* name) { return row.contains(name) ? row.at(name) : std::string(); }

class Odd : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (!fs::exists(media("odd"))) return;
        place_ = std::make_unique<TemporaryDirectory>();
        library_ = std::make_unique<Library>(place_->path());
        report_ = library_->import({media("odd").string()});
        std::ifstream list(media("odd.json"));
        for (std::string line; std::getline(list, line);) written_.push_back(parse_line(line));
        for (Row& row :
             library_->rows("SELECT CAST(l.path AS BLOB) AS path, t.*, b.title AS album, b.id AS album_id, "
                            "coalesce(t.artist_credit, "
                            "b.artist_credit) AS artist, r.date AS date FROM local_files l JOIN tracks t ON t.file_id "
                            "= l.file_id JOIN "
                            "releases r ON r.id = t.release_id JOIN albums b ON b.id = r.album_id")) {
            std::string path(as_text(*hex_decode(row.at("path"))));
            rows_.emplace(std::move(path), std::move(row));
        }
    }
    static void TearDownTestSuite() {
        library_.reset();
        place_.reset();
    }
    void SetUp() override {
        if (!library_) GTEST_SKIP() << "the test media are missing: tests/media/make";
    }
    static const Row& row_of(const Written& file) {
        static const Row kNone;
        const auto found = rows_.find(fs::canonical(media("odd")).string() + "/" + file.path);
        EXPECT_NE(found, rows_.end()) << file.path;
        return found == rows_.end() ? kNone : found->second;
    }

    inline static std::unique_ptr<TemporaryDirectory> place_;
    inline static std::unique_ptr<Library> library_;
    inline static ImportReport report_;
    inline static std::vector<Written> written_;
    inline static std::map<std::string, Row> rows_;
};

TEST_F(Odd, EveryFileIsImportedWhateverItsNameAndTags) {
    for (const FailedFile& failed : report_.failed)
        EXPECT_TRUE(failed.reason.find("picture") != std::string::npos) << failed.path << failed.reason;
    EXPECT_EQ(report_.files + report_.known, written_.size()) << "untagged files can be the same twice";
    EXPECT_EQ(rows_.size(), written_.size());
}

TEST_F(Odd, TextsAreThoseThatWereWrittenCleaned) {
    ASSERT_GT(written_.size(), 1000U);
    for (const Written& file : written_) {
        SCOPED_TRACE(file.path);
        const Row& row = row_of(file);
        if (file.first.contains("TITLE") && !file.unclear.contains("TITLE")) {
            EXPECT_EQ(cell(row, "title"), clean_text(file.first.at("TITLE")));
        } else {
            EXPECT_FALSE(cell(row, "title").empty());
        }
        EXPECT_FALSE(cell(row, "album").empty());
    }
}

// Releases of one MusicBrainz release group are one album, which is called like the first.
TEST_F(Odd, AlbumsAreCalledWhatAFileOfThemSaysOrLikeTheFolder) {
    std::map<std::string, std::set<std::string>> titles;
    for (const Written& file : written_) {
        const std::string folder = fs::path(file.path).parent_path().string();
        const std::string title = file.first.contains("ALBUM") ? file.first.at("ALBUM") : folder;
        titles[cell(row_of(file), "album_id")].insert(normalised(clean_text(title)));
    }
    for (const Written& file : written_) {
        const Row& row = row_of(file);
        EXPECT_TRUE(titles[cell(row, "album_id")].contains(normalised(cell(row, "album"))))
            << file.path << ": " << cell(row, "album");
    }
}

TEST_F(Odd, NumbersAndDatesAreUsableOrAbsent) {
    for (const Written& file : written_) {
        SCOPED_TRACE(file.path);
        const Row& row = row_of(file);
        const std::string number = file.first.contains("TRACKNUMBER") ? file.first.at("TRACKNUMBER") : "";
        const size_t digits = number.find_first_not_of("0123456789");
        if (!number.empty() && number.size() < 6 && number[0] != '0' && digits == std::string::npos) {
            EXPECT_EQ(cell(row, "number"), number);
        }
        if (row.contains("number")) {
            EXPECT_GT(std::stoll(cell(row, "number")), 0);
        }
        EXPECT_GE(std::stoll(cell(row, "disc")), 1);
        const std::string date = cell(row, "date");
        EXPECT_TRUE(date.empty() || date.size() == 4 || date.size() == 7 || date.size() == 10) << date;
    }
}

TEST_F(Odd, NoTextHoldsControlCharactersOrBrokenUtf8) {
    for (const char* text :
         {"SELECT title AS t FROM tracks", "SELECT title AS t FROM albums", "SELECT name AS t FROM artists",
          "SELECT name AS t FROM tags", "SELECT name AS t FROM release_files"}) {
        for (const Row& row : library_->rows(text)) {
            EXPECT_EQ(clean_text(cell(row, "t")), cell(row, "t")) << text;
            EXPECT_FALSE(cell(row, "t").empty()) << text;
        }
    }
}

TEST_F(Odd, FilesOfOneFolderWithOneAlbumAndArtistAreOneRelease) {
    std::map<std::vector<std::string>, std::set<std::string>> releases;
    for (const Written& file : written_) {
        const auto tag = [&](const char* name) {
            return file.first.contains(name) ? normalised(clean_text(file.first.at(name))) : std::string();
        };
        const std::string mbid = tag("MUSICBRAINZ_ALBUMID");
        const std::string folder = fs::path(file.path).parent_path().string();
        releases[is_mbid(mbid) ? std::vector{folder, mbid} : std::vector{folder, tag("ALBUM"), tag("ALBUMARTIST")}]
            .insert(cell(row_of(file), "release_id"));
    }
    for (const auto& [key, ids] : releases) EXPECT_EQ(ids.size(), 1U) << key[0];
}

// `flac -t` decodes what it can; what it refuses must not be imported as it is.
TEST(Broken, OnlyWholeMusicIsImportedAndTheRestIsNamed) {
    const fs::path folder = media("broken");
    if (!fs::exists(folder)) GTEST_SKIP() << "the test media are missing: tests/media/make";
    const TemporaryDirectory home;
    Library library(home.path());
    const ImportReport report = library.import({folder.string()});
    std::set<std::string> failed, imported;
    for (const FailedFile& file : report.failed) {
        EXPECT_FALSE(file.reason.empty());
        failed.insert(fs::path(file.path).filename());
    }
    for (const Row& row : library.rows("SELECT path FROM local_files"))
        imported.insert(fs::path(as_text(*hex_decode(row.at("path")))).filename());
    for (const char* name : {"cut in the frames.flac",
                             "cut in the header.flac",
                             "cut in the tags.flac",
                             "empty.flac",
                             "garbage.flac",
                             "garbage.m4a",
                             "garbage.ogg",
                             "garbage.opus",
                             "garbage.wav",
                             "text.flac",
                             "text.mp3",
                             "text.m4a",
                             "text.ogg",
                             "text.opus",
                             "text.wav",
                             "zeros.ogg",
                             "one byte.mp3",
                             "tags longer than the file.flac",
                             "pipe.flac",
                             "dangling.flac",
                             "itself.flac"}) {
        EXPECT_TRUE(failed.contains(name)) << name;
        EXPECT_FALSE(imported.contains(name)) << name;
    }
    for (const char* name : {"01 whole.flac", "really flac.mp3", "no suffix"})
        EXPECT_TRUE(imported.contains(name)) << name;
    for (const std::string& name : imported) {
        const std::string output = "flac --test --silent --totally-silent -- " + shell_word(folder / name) + " 2>&1";
        if (name != "flipped bit.flac" && name != "comment count absurd.flac") output_of(output);
        EXPECT_FALSE(failed.contains(name)) << name;
    }
    if (::geteuid() != 0) {
        EXPECT_TRUE(failed.contains("unreadable.flac"));
    }
    EXPECT_FALSE(imported.contains("notes.txt"));
}

}  // namespace
}  // namespace bae::node::test
