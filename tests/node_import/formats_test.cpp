// Files of every format, held against what ffprobe and sha256sum say of them.
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "node_import/library.h"

namespace bae::node::test {
namespace {

using nlohmann::json;

json probe(const fs::path& file) {
    return json::parse(output_of("ffprobe -v error -show_streams -show_format -of json " + shell_word(file)));
}

// What ffprobe says of each, kept beside the media: starting it takes longer than all the rest of these tests.
std::vector<json> probe_all(const std::string& name, const std::vector<fs::path>& files) {
    json key;
    for (const fs::path& file : files)
        key.push_back({file.string(), fs::file_size(file), fs::last_write_time(file).time_since_epoch().count()});
    const fs::path kept = media("probed-" + name + ".json");
    if (json found = json::parse(read_file(kept), nullptr, false); found.is_object() && found["of"] == key)
        return found["probed"];
    std::vector<json> probed(files.size());
    std::atomic<size_t> next = 0;
    {
        std::vector<std::jthread> threads(2);
        for (std::jthread& thread : threads)
            thread = std::jthread([&] {
                for (size_t i; (i = next++) < files.size();) probed[i] = probe(files[i]);
            });
    }
    const fs::path unfinished = kept.string() + "." + std::to_string(::getpid());
    write_file(unfinished, json{{"of", key}, {"probed", probed}}.dump());
    fs::rename(unfinished, kept);
    return probed;
}

// Where a container keeps its tags differs; names differ in case.
std::map<std::string, std::string> probed_tags(const json& probed) {
    std::map<std::string, std::string> out;
    for (const json& part : {probed["streams"][0], probed["format"]}) {
        if (!part.contains("tags")) continue;
        for (const auto& [name, value] : part["tags"].items()) {
            std::string lower = name;
            for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            out[lower] = value.get<std::string>();
        }
    }
    return out;
}

using Row = Library::Row;

std::string column(const Row& row, const char* name) { return row.contains(name) ? row.at(name) : std::string(); }

std::string row_query(const fs::path& file) {
    return "SELECT l.file_hash AS file_hash, f.size AS size, a.*, t.title AS title, coalesce(t.artist_credit, "
           "b.artist_credit) AS artist, b.title AS album, "
           "t.number AS number, r.id AS release_id FROM local_files l JOIN release_files f ON f.id = l.file_id JOIN "
           "audio_formats a ON "
           "a.file_id = f.id "
           "JOIN tracks t ON t.file_id = f.id JOIN releases r ON r.id = f.release_id JOIN albums b ON b.id = "
           "r.album_id "
           "WHERE l.path = CAST('" +
           fs::canonical(file).string() + "' AS BLOB)";
}

void expect_same_audio(const Row& row, const json& probed) {
    const json& stream = probed["streams"][0];
    const std::string codec = stream["codec_name"];
    EXPECT_EQ(column(row, "codec"), codec.starts_with("pcm") ? "pcm" : codec);
    EXPECT_EQ(column(row, "sample_rate"), stream["sample_rate"].get<std::string>());
    EXPECT_EQ(column(row, "channels"), std::to_string(stream["channels"].get<int>()));
    // encoders' padding is counted by one and not by the other
    EXPECT_NEAR(std::stod(column(row, "length_ms")), 1000 * std::stod(probed["format"]["duration"].get<std::string>()),
                150);
}

void expect_same_tags(const Row& row, const std::map<std::string, std::string>& tags) {
    for (const char* name : {"title", "artist", "album"}) {
        if (tags.contains(name)) {
            EXPECT_EQ(column(row, name), tags.at(name));
        }
    }
    if (tags.contains("track")) {
        EXPECT_EQ(column(row, "number"), std::to_string(std::stoi(tags.at("track"))));
    }
}

class Formats : public testing::TestWithParam<const char*> {};

TEST_P(Formats, RowsSayWhatTheFilesSay) {
    const bool original = std::string_view(GetParam()) == "ogg";
    const fs::path folder = original ? fs::path("/usr/share/games/wesnoth/1.16/data/core/music") : media(GetParam());
    if (!fs::exists(folder)) GTEST_SKIP() << folder << " is missing (Debian's wesnoth-1.16-music)";
    const TemporaryDirectory home;
    Library library(home.path());
    const ImportReport report = library.import({folder.string()});
    EXPECT_TRUE(report.failed.empty());
    const std::vector<fs::path> files = files_below(folder);
    const std::vector<json> probed = probe_all(GetParam(), files);
    std::map<std::string, std::string> sums = sha256sums(files);
    std::map<std::string, std::set<std::string>> releases;  // by what ffprobe says is the album, "" for none
    for (size_t i = 0; i < files.size(); ++i) {
        SCOPED_TRACE(files[i]);
        const std::vector<Row> found = library.rows(row_query(files[i]));
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(column(found[0], "file_hash"), sums[files[i].string()]);
        EXPECT_EQ(column(found[0], "size"), std::to_string(fs::file_size(files[i])));
        expect_same_audio(found[0], probed[i]);
        const auto tags = probed_tags(probed[i]);
        expect_same_tags(found[0], tags);
        releases[tags.contains("album") ? tags.at("album") : ""].insert(column(found[0], "release_id"));
    }
    for (const auto& [album, ids] : releases) EXPECT_EQ(ids.size(), 1U) << album;
    EXPECT_EQ(report.releases, releases.size());
    EXPECT_EQ(report.files, files.size());
    EXPECT_FALSE(files.empty());
}

INSTANTIATE_TEST_SUITE_P(Every, Formats, testing::Values("ogg", "flac", "mp3", "m4a", "opus", "wav"),
                         [](const auto& format) { return std::string(format.param); });

}  // namespace
}  // namespace bae::node::test
