#include "sync/changes.h"

#include <gtest/gtest.h>

namespace bae::sync {

namespace {

using namespace std::literals;

class Listing : public ChangeVisitor {
  public:
    Result<void> table(const TableHeader& header) override {
        text += "[" + std::string(header.name);
        for (const auto column : header.columns) text += " " + std::string(column);
        text += "]";
        return {};
    }
    Result<void> insert(std::string_view id, std::span<const ValueView> values) override {
        text += " +" + std::string(id);
        for (const ValueView& value : values) text += "," + hex_encode(packed(value));
        return {};
    }
    Result<void> update(std::string_view id, std::span<const ColumnChange> changes) override {
        text += " ~" + std::string(id);
        for (const ColumnChange& change : changes)
            text += "," + std::to_string(change.column) + "=" + hex_encode(packed(change.value));
        return {};
    }
    Result<void> remove(std::string_view id) override {
        text += " -" + std::string(id);
        return {};
    }
    std::string text;
};

// [[name, [column...], [inserts], [updates], [removals]]] with the parts as MessagePack already.
std::string one_table(std::string_view columns, std::string_view inserts, std::string_view updates,
                      std::string_view removals) {
    return "\x91\x95\xa1t"s + std::string(columns) + std::string(inserts) + std::string(updates) +
           std::string(removals);
}

void expect_corrupt(std::string_view changes, const char* why) {
    const auto checked = check_changes(as_bytes(changes));
    ASSERT_FALSE(checked) << why;
    EXPECT_EQ(checked.error().kind, ErrorKind::corrupt) << why;
}

constexpr auto kNone = "\x90"sv;
constexpr auto kColumns =
    "\x92\xa1"
    "a\xa1"
    "b"sv;
constexpr auto kInsert = "\x91\x93\xa1i\x07\xc2"sv;           // i: 7, DEFAULT
constexpr auto kUpdate = "\x91\x95\xa1u\x00\xa1x\x01\xc0"sv;  // u: a = 'x', b = NULL
constexpr auto kRemove = "\x91\xa1r"sv;

}  // namespace

TEST(Changes, AreReadInTheOrderTheyAreStored) {
    Listing listing;
    const std::string changes = one_table(kColumns, kInsert, kUpdate, kRemove);
    ASSERT_TRUE(check_changes(as_bytes(changes)));
    ASSERT_TRUE(read_changes(as_bytes(changes), listing));
    EXPECT_EQ(listing.text, "[t a b] +i,07,c2 ~u,0=a178,1=c0 -r");
}

TEST(Changes, MayBeAnUpdateOfNoColumn) {
    Listing listing;
    const std::string changes = one_table(kNone, kNone, "\x91\x91\xa1u"sv, kNone);
    ASSERT_TRUE(check_changes(as_bytes(changes)));
    ASSERT_TRUE(read_changes(as_bytes(changes), listing));
    EXPECT_EQ(listing.text, "[t] ~u");
}

TEST(Changes, EndWithTheErrorOfTheVisitor) {
    class Refusing : public Listing {
        Result<void> update(std::string_view, std::span<const ColumnChange>) override {
            return fail(ErrorKind::cancelled, "no");
        }
    } refusing;
    const auto read = read_changes(as_bytes(one_table(kColumns, kInsert, kUpdate, kRemove)), refusing);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::cancelled);
    EXPECT_EQ(refusing.text, "[t a b] +i,07,c2");
}

TEST(Changes, AreRefusedWhenAnyByteIsMissingOrTooMuch) {
    const std::string changes = one_table(kColumns, kInsert, kUpdate, kRemove);
    for (size_t size = 0; size < changes.size(); size++) expect_corrupt(changes.substr(0, size), "cut short");
    expect_corrupt(changes + "\xc0", "a byte behind the end");
}

TEST(Changes, AreRefusedUnlessInShortestForm) {
    expect_corrupt(one_table(kColumns, "\x91\x93\xa1i\xcc\x07\xc2"sv, kNone, kNone), "7 in two bytes");
    expect_corrupt(one_table(kColumns, "\x91\x93\xd9\x01i\x07\xc2"sv, kNone, kNone), "a short text with a long head");
    expect_corrupt(one_table(kColumns, "\xdc\x00\x01\x93\xa1i\x07\xc2"sv, kNone, kNone),
                   "a short list with a long head");
}

TEST(Changes, AreRefusedWithTwiceTheSameTableColumnOrRow) {
    const std::string table = one_table(kNone, kNone, kNone, kRemove).substr(1);
    expect_corrupt("\x92" + table + table, "a table twice");
    expect_corrupt(one_table("\x92\xa1"
                             "a\xa1"
                             "a"sv,
                             kInsert, kNone, kNone),
                   "a column twice");
    expect_corrupt(one_table(kNone, kNone, kNone, "\x92\xa1r\xa1r"sv), "a row deleted twice");
    expect_corrupt(one_table(kNone, "\x91\x91\xa1r"sv, kNone, kRemove), "a row inserted and deleted");
    expect_corrupt(one_table(kNone, kNone, "\x91\x91\xa1r"sv, kRemove), "a row updated and deleted");
}

TEST(Changes, AreRefusedWhenTheyNameWhatStandsInFront) {
    expect_corrupt(one_table("\x91\xa2id"sv, "\x91\x92\xa1i\x07"sv, kNone, kNone), "column id");
    expect_corrupt(one_table("\x91\xab_updated_at"sv, "\x91\x92\xa1i\x07"sv, kNone, kNone), "column _updated_at");
    expect_corrupt(one_table("\x91\xa0"sv, "\x91\x92\xa1i\x07"sv, kNone, kNone), "a column without a name");
}

TEST(Changes, AreRefusedWithColumnsOutOfOrderOrRange) {
    expect_corrupt(one_table(kColumns, kNone, "\x91\x95\xa1u\x01\xc0\x00\xc0"sv, kNone), "descending");
    expect_corrupt(one_table(kColumns, kNone, "\x91\x95\xa1u\x01\xc0\x01\xc0"sv, kNone), "the same twice");
    expect_corrupt(one_table(kColumns, kNone, "\x91\x93\xa1u\x02\xc0"sv, kNone), "a column that is not there");
    expect_corrupt(one_table(kNone, kNone, "\x91\x93\xa1u\x00\xc0"sv, kNone), "a column where there are none");
    expect_corrupt(one_table(kColumns, kNone, "\x91\x92\xa1u\x00"sv, kNone), "a column without a value");
    expect_corrupt(one_table(kColumns, kNone, "\x91\x93\xa1u\x00\xc2"sv, kNone), "an update to DEFAULT");
}

TEST(Changes, AreRefusedWithTooManyOrTooFewValues) {
    expect_corrupt(one_table(kColumns, "\x91\x92\xa1i\x07"sv, kNone, kNone), "one value for two columns");
    expect_corrupt(one_table(kColumns, "\x91\x94\xa1i\x07\x07\x07"sv, kNone, kNone), "three values for two columns");
    expect_corrupt(one_table(kColumns, "\x91\x93\xa1i\x07\xc3"sv, kNone, kNone), "true");
    expect_corrupt(one_table(kColumns, "\x91\x93\xa1i\x07\x90"sv, kNone, kNone), "a list as a value");
    expect_corrupt(one_table(kColumns, "\x91\x93\xa1i\x07\xcf\xff\xff\xff\xff\xff\xff\xff\xff"sv, kNone, kNone),
                   "an integer of 65 bits");
}

TEST(Changes, AreRefusedWithoutAChange) {
    expect_corrupt(one_table(kColumns, kNone, kNone, kNone), "an empty table");
    expect_corrupt("\x91\x95\xa0\x90\x90\x90\x91\xa1r"sv, "a table without a name");
    expect_corrupt(one_table(kNone, kNone, kNone, "\x91\xa0"sv), "a row without an id");
}

TEST(Changes, AreRefusedOverTheLimits) {
    const auto text = [](size_t size) {
        Bytes out;
        Packer(out).text(std::string(size, 'n'));
        return std::string(as_text(out));
    };
    EXPECT_TRUE(check_changes(as_bytes(one_table(kNone, kNone, kNone, "\x91" + text(kMaxIdBytes)))));
    expect_corrupt(one_table(kNone, kNone, kNone, "\x91" + text(kMaxIdBytes + 1)), "a long id");
    const std::string rest = "\x90\x90\x90\x91\xa1r"s;
    EXPECT_TRUE(check_changes(as_bytes("\x91\x95" + text(kMaxNameBytes) + rest)));
    expect_corrupt("\x91\x95" + text(kMaxNameBytes + 1) + rest, "a long name");
    expect_corrupt(one_table(kNone, "\xdd\xff\xff\xff\xff"sv, kNone, kNone), "more rows than bytes");
}

}  // namespace bae::sync
