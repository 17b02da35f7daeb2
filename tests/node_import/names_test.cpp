#include "node/import/names.h"

#include <gtest/gtest.h>

#include "node/import/file_tags.h"
#include "node/import/scan.h"

namespace bae::node {
namespace {

TEST(Names, SpellingsOfOneNameHaveOneKey) {
    EXPECT_EQ(normalised("  Sigur   R\u00f3s "), normalised("SIGUR RO\u0301S"));
    EXPECT_EQ(normalised("Stra\u00dfe"), normalised("STRASSE"));
    EXPECT_EQ(normalised("\uff21\uff22"), "ab");
    EXPECT_NE(normalised("Low"), normalised("Slow"));
}

TEST(Names, TextFromTagsIsValidTrimmedAndShort) {
    EXPECT_EQ(clean_text(" a\nb\t"), "a b");
    EXPECT_EQ(clean_text("caf\xe9"), "caf\xef\xbf\xbd");
    const std::string clipped = clean_text(std::string(1023, 'x') + "\u00e9\u00e9");
    EXPECT_EQ(clipped, std::string(1023, 'x')) << "cut between characters";
    EXPECT_EQ(clean_text(std::string(100000, 'x')).size(), kMaxTextBytes);
}

TEST(Names, FileNamesCannotLeaveTheirFolder) {
    EXPECT_EQ(safe_file_name(".."), "_");
    EXPECT_EQ(safe_file_name("../../etc/passwd"), "_.._etc_passwd");
    EXPECT_EQ(safe_file_name("AC/DC"), "AC_DC");
    EXPECT_EQ(safe_file_name("con"), "_con");
    EXPECT_EQ(safe_file_name(std::string("a\0b", 3)), "a b");
    EXPECT_LE(safe_file_name(std::string(5000, 'y')).size(), 120U);
}

TEST(Names, DiscFoldersAreRecognised) {
    for (const auto* name : {"CD1", "cd 1", "Disc 1", "disk_1", "CD 01"}) {
        const auto found = disc_suffix(name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->disc, 1);
        EXPECT_EQ(found->rest, "");
    }
    EXPECT_EQ(disc_suffix("Album (Disc 2)")->rest, "Album");
    EXPECT_EQ(disc_suffix("Album - CD3")->disc, 3);
    for (const auto* name : {"ABCD1", "1999", "Disc", "Album 2", "CD 0", ""}) EXPECT_FALSE(disc_suffix(name)) << name;
    EXPECT_EQ(release_folder("/m/Album/CD2/01.flac").path, "/m/Album");
    EXPECT_EQ(release_folder("/m/Album (Disc 2)/01.flac").path, "/m/Album");
    EXPECT_EQ(release_folder("/m/Album/01.flac").path, "/m/Album");
}

FileTags tags_of(RawTags raw) {
    std::vector<std::string> notes;
    return read_tags(raw, notes);
}

TEST(Tags, NumbersAreReadOrLeftOut) {
    EXPECT_EQ(tags_of({{"TRACKNUMBER", {"03/12"}}}).number, 3);
    EXPECT_EQ(tags_of({{"DISCNUMBER", {"1/2"}}}).disc_count, 2);
    for (const auto* odd : {"", "A1", "-1", "0", "99999999999999999999", "/"}) {
        EXPECT_FALSE(tags_of({{"TRACKNUMBER", {odd}}}).number) << odd;
    }
    EXPECT_DOUBLE_EQ(*tags_of({{"REPLAYGAINTRACKGAIN", {"-7.50 dB"}}}).track_gain, -7.5);
    EXPECT_DOUBLE_EQ(*tags_of({{"R128TRACKGAIN", {"-512"}}}).track_gain, 3.0);
    EXPECT_FALSE(tags_of({{"REPLAYGAINTRACKGAIN", {"nan"}}}).track_gain);
}

TEST(Tags, DatesAreAsPreciseAsTheyAreWritten) {
    const std::map<std::string, std::string> cases{{"1997", "1997"},
                                                   {"1997-06", "1997-06"},
                                                   {"1997-06-16", "1997-06-16"},
                                                   {"1997-06-16T10:00:00", "1997-06-16"},
                                                   {"1997/06", "1997"}};
    for (const auto& [written, wanted] : cases) EXPECT_EQ(tags_of({{"DATE", {written}}}).date, wanted) << written;
    for (const auto* odd : {"97", "0000", "unknown", ""}) EXPECT_FALSE(tags_of({{"DATE", {odd}}}).date) << odd;
}

TEST(Tags, MusicBrainzIdsAreCheckedAndSplit) {
    const std::string one = "6f0e0000-1111-4222-8333-444455556666", two = "7f0e0000-1111-4222-8333-444455556666";
    std::vector<std::string> notes;
    const FileTags tags = read_tags(
        {{"ARTISTS", {"A", "B"}}, {"MUSICBRAINZARTISTID", {one + "; " + two}}, {"MUSICBRAINZALBUMID", {"nonsense"}}},
        notes);
    ASSERT_EQ(tags.artists.size(), 2U);
    EXPECT_EQ(tags.artists[1].mbid, two);
    EXPECT_FALSE(tags.release_mbid);
    EXPECT_EQ(notes.size(), 1U);
}

TEST(Tags, MarksTellWhichTagsChanged) {
    const FileTags before = tags_of({{"TITLE", {"One"}}, {"ALBUM", {"X"}}});
    FileTags after = before;
    EXPECT_TRUE(changed_columns(tag_marks(before), tag_marks(after)).empty());
    after.title = "Two";
    after.genres = {"Jazz"};
    const auto changed = changed_columns(tag_marks(before), tag_marks(after));
    ASSERT_EQ(changed.size(), 2U);
    EXPECT_EQ(tag_columns()[changed[0]].column, "title");
    EXPECT_EQ(tag_columns()[changed[1]].column, "genres");
    EXPECT_TRUE(changed_columns(ByteView(tag_marks(before)).first(0), tag_marks(after)).empty())
        << "older marks lack columns";
}

}  // namespace
}  // namespace bae::node
