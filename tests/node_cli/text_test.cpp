// Text of others, JSON and tables.
#include <gtest/gtest.h>

#include "node/output/escape.h"
#include "node/output/json.h"
#include "node/output/output.h"
#include "node/output/rate.h"
#include "node/output/table.h"

namespace bae::node {

TEST(Shown, LeavesPlainTextAsItIs) {
    EXPECT_EQ(shown("Abbey Road (Remastered) / \"x\" \\ ok"), "Abbey Road (Remastered) / \"x\" \\ ok");
    EXPECT_EQ(shown("Ünïcödé 日本 👩‍👩‍👧"), "Ünïcödé 日本 👩‍👩‍👧");
}

TEST(Shown, EscapesWhatMovesTheCursorOrReordersTheLine) {
    EXPECT_EQ(shown("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(shown("\x1b[2J\x07\x7f"), "\\x1b[2J\\x07\\x7f");
    EXPECT_EQ(shown("a\u202eb"), "a\\u{202e}b");
    EXPECT_EQ(shown("\u2066\u2069\u200f\ufeff\u2028"), "\\u{2066}\\u{2069}\\u{200f}\\u{feff}\\u{2028}");
    EXPECT_EQ(shown("\u0085"), "\\u{85}");
    EXPECT_EQ(shown(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Shown, EscapesBytesThatAreNoText) {
    EXPECT_EQ(shown("\xff\xfe"), "\\xff\\xfe");
    EXPECT_EQ(shown("ok\xc3"), "ok\\xc3");
    EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    EXPECT_EQ(shown("\xc0\xaf"), "\\xc0\\xaf");
}

TEST(Shown, NeverContainsAControlByteWhateverComesIn) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            for (const char c : shown(text)) ASSERT_FALSE((c >= 0 && c < 0x20) || c == 0x7f) << first << " " << second;
        }
    }
}

TEST(Json, EscapesWhatRfc8259Asks) {
    EXPECT_EQ(json_string("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\u0001\"");
    EXPECT_EQ(json_string("\u202e"), "\"\\u202e\"");
    EXPECT_EQ(json_string("\U000e0041"), "\"\\udb40\\udc41\"");
    EXPECT_EQ(json_string("\xff"), "\"\\ufffd\"");
    EXPECT_EQ(json_string("é"), "\"é\"");
}

TEST(Json, KeepsTheOrderOfItsKeys) {
    const JsonObject inner = JsonObject().boolean("x", true);
    EXPECT_EQ(JsonObject()
                  .text("b", "1")
                  .integer("a", -2)
                  .null("n")
                  .real("r", 0.5)
                  .real("inf", 1.0 / 0.0)
                  .object("o", inner)
                  .line(),
              R"({"b":"1","a":-2,"n":null,"r":0.5,"inf":null,"o":{"x":true}})");
    EXPECT_EQ(JsonObject().objects("l", {inner, inner}).texts("t", {"a", "\""}).line(),
              R"({"l":[{"x":true},{"x":true}],"t":["a","\""]})");
    EXPECT_EQ(JsonObject().line(), "{}");
}

TEST(Width, CountsColumnsNotBytes) {
    EXPECT_EQ(display_width("abc"), 3u);
    EXPECT_EQ(display_width("日本"), 4u);
    EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST(Fitted, CutsBetweenCharactersAndSaysSo) {
    EXPECT_EQ(fitted("short", 10), "short");
    EXPECT_EQ(fitted("exactly ten", 11), "exactly ten");
    EXPECT_EQ(fitted("abcdef", 4), "abc…");
    EXPECT_EQ(fitted("日本語", 5), "日本…");
    EXPECT_LE(display_width(fitted("日本語日本語", 4)), 4u);
}

TEST(Table, AlignsColumnsAndEscapesCells) {
    Table table({{"name"}, {"size", Table::Align::right}});
    table.add({"a\nb", "10"});
    table.add({"longer", "5"});
    EXPECT_EQ(table.text(0, false), "name    size\na\\nb      10\nlonger     5\n");
}

TEST(Table, GivesWayAtTheEndFirst) {
    Table table({{"id"}, {"title"}});
    table.add({"0123456789", std::string(100, 'x')});
    const std::string text = table.text(40, false);
    EXPECT_NE(text.find("0123456789"), text.npos);
    EXPECT_NE(text.find("…"), text.npos);
    for (size_t start = 0; start < text.size(); start = text.find('\n', start) + 1) {
        EXPECT_LE(display_width(std::string_view(text).substr(start, text.find('\n', start) - start)), 40u);
    }
}

TEST(Rate, IsThatOfTheLastSeconds) {
    Rate rate;
    EXPECT_EQ(rate.per_s(), 0u);
    rate.note(1000, 0);
    EXPECT_EQ(rate.per_s(), 0u);
    rate.note(1100, 500'000);
    EXPECT_EQ(rate.per_s(), 0u) << "too early to tell";
    for (int64_t second = 2; second <= 60; ++second)
        rate.note(second * 1000, static_cast<uint64_t>(second) * 1'000'000);
    EXPECT_EQ(rate.per_s(), 1'000'000u);
    for (int64_t second = 61; second <= 80; ++second)
        rate.note(second * 1000, 60'000'000 + static_cast<uint64_t>(second - 60) * 3'000'000);
    EXPECT_EQ(rate.per_s(), 3'000'000u);
    for (int64_t second = 81; second <= 100; ++second) rate.note(second * 1000, 120'000'000);
    EXPECT_EQ(rate.per_s(), 0u) << "it is stuck";
}

TEST(ProgressText, TellsFilesAndBytesWhereThereAreAny) {
    EXPECT_EQ(progress_text({.phase = "files", .done = 5, .total = 20}, 0), "files      [#####               ] 5/20");
    EXPECT_EQ(progress_text({.phase = "scan", .done = 5}, 0), "scan 5");
    EXPECT_EQ(progress_text({.phase = "audio",
                             .done = 12,
                             .total = 41,
                             .bytes = 310'000'000,
                             .total_bytes = 1'240'000'000,
                             .detail = "a\nb"},
                            24'000'000),
              "audio      [#####               ] 12 of 41 files, 310.0 MB of 1.2 GB, 24.0 MB/s " + shown("a\nb"));
    EXPECT_EQ(progress_text({.phase = "x", .done = 1, .total = 1, .bytes = UINT64_MAX, .total_bytes = 1}, 0)
                  .find("[####################]"),
              11u);
}

}  // namespace bae::node
