// What Database::write refuses, and that nothing of a refused write stays.
#include "sync/library.h"

namespace bae::sync {

namespace {

constexpr const char* kOne = "INSERT INTO shelves(id, name, _updated_at) VALUES('s1', 'one', stamp());";

class WriteRules : public ::testing::Test {
  protected:
    void SetUp() override { library.must_write(kOne); }
    void expect_refused(const std::string& sql, ErrorKind kind = ErrorKind::invalid_input) {
        const auto before = std::tuple(library->outbox_size().value(), library->digest().value(),
                                       library->last_stamp().value(), everything());
        const auto written = library.write(sql);
        ASSERT_FALSE(written) << sql;
        EXPECT_EQ(written.error().kind, kind) << sql << ": " << written.error().message;
        EXPECT_FALSE(written.error().message.empty());
        const auto after = std::tuple(library->outbox_size().value(), library->digest().value(),
                                      library->last_stamp().value(), everything());
        EXPECT_EQ(before, after) << sql;
        EXPECT_TRUE(library.write("UPDATE shelves SET height = coalesce(height, 0) + 1, _updated_at = stamp()"))
            << "after " << sql;
    }
    std::string everything() {
        return library.value(
            "SELECT (SELECT coalesce(group_concat(id || name || _updated_at), '') FROM shelves) ||"
            "(SELECT coalesce(group_concat(id || shelf || _updated_at), '') FROM books) || (SELECT count(*) FROM "
            "desk)");
    }
    Library library;
};

}  // namespace

TEST_F(WriteRules, RefuseARowThatDoesNotCarryTheStamp) {
    expect_refused("INSERT INTO shelves(id, _updated_at) VALUES('s2', 'now')");
    expect_refused("INSERT INTO shelves(id, _updated_at) SELECT 's2', _updated_at FROM shelves");
    expect_refused("UPDATE shelves SET name = 'other'");
    expect_refused("UPDATE shelves SET name = 'other', _updated_at = stamp() || ' '");
}

TEST_F(WriteRules, RefuseOneRowOfManyWithoutTheStamp) {
    expect_refused(
        "INSERT INTO shelves(id, _updated_at) VALUES('s2', stamp()); INSERT INTO books(id, shelf, _updated_at) "
        "VALUES('b1', 's2', 'x')");
}

TEST_F(WriteRules, RefuseToChangeAnId) {
    expect_refused("UPDATE shelves SET id = 's9', _updated_at = stamp()");
    expect_refused(
        "INSERT INTO shelves(id, _updated_at) VALUES('s1', stamp()) ON CONFLICT(id) DO UPDATE SET id = 's9', "
        "_updated_at = stamp()");
}

TEST_F(WriteRules, RefuseReplace) {
    expect_refused("REPLACE INTO shelves(id, _updated_at) VALUES('s1', stamp())");
    expect_refused("INSERT OR REPLACE INTO shelves(id, name, _updated_at) VALUES('s1', 'other', stamp())");
    library.must_write("INSERT INTO shelves(id, _updated_at) VALUES('s2', stamp())");
    expect_refused("UPDATE OR REPLACE shelves SET id = 's1', _updated_at = stamp() WHERE id = 's2'");
}

TEST_F(WriteRules, RefuseARowWithoutTheRowItBelongsTo) {
    expect_refused("INSERT INTO books(id, shelf, _updated_at) VALUES('b1', 'nowhere', stamp())");
}

TEST_F(WriteRules, TakeBackEverythingWhenTheCallbackFails) {
    const std::string before = everything();
    for (const ErrorKind kind : {ErrorKind::cancelled, ErrorKind::not_found, ErrorKind::internal}) {
        const auto written = library->write("", [&](sqlite::Connection& c) -> Result<void> {
            TRY(c.execute(
                "INSERT INTO shelves(id, _updated_at) VALUES('s2', stamp()); INSERT INTO desk(what) VALUES('pen');"
                "DELETE FROM shelves WHERE id = 's1'"));
            return fail(kind, "said no");
        });
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().kind, kind);
        EXPECT_EQ(everything(), before);
        EXPECT_EQ(library->outbox_size().value(), 1u);
    }
}

TEST_F(WriteRules, RefuseThatTheCallbackEndsTheTransaction) {
    for (const char* sql : {"COMMIT", "ROLLBACK"})
        EXPECT_FALSE(library.write("UPDATE shelves SET name = 'x', _updated_at = stamp();" + std::string(sql))) << sql;
    EXPECT_EQ(library->outbox_size().value(), 1u);
    EXPECT_EQ(library->digest().value(), library->recompute_digest().value());
}

TEST(Write, OfLocalTablesOnlySendsNothing) {
    Library library;
    const auto written = library.write("INSERT INTO desk(what) VALUES('pen')");
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_FALSE(written->stamp);
    EXPECT_EQ(library->outbox_size().value(), 0u);
    EXPECT_EQ(library.value("SELECT what FROM desk"), "pen");
}

TEST(Write, ThatTakesBackItsOwnRowsSendsNothing) {
    Library library;
    EXPECT_EQ(library.must_write(std::string(kOne) + "DELETE FROM shelves"), "");
    EXPECT_EQ(library.must_write(std::string("SAVEPOINT a;") + kOne + "ROLLBACK TO a; RELEASE a"), "");
    EXPECT_EQ(library->outbox_size().value(), 0u);
    EXPECT_EQ(library->digest().value(), Digest{});
}

TEST(Write, StampsRowsAndTellsTheStamp) {
    Library library;
    const std::string first = library.must_write(kOne);
    EXPECT_EQ(first, "1700000000000-0000-0000000000000001");
    EXPECT_EQ(library.value("SELECT _updated_at FROM shelves"), first);
    library.clock.now = 5;  // a clock that went back
    const std::string second = library.must_write("UPDATE shelves SET name = 'two', _updated_at = stamp()");
    EXPECT_EQ(second, "1700000000000-0001-0000000000000001");
    EXPECT_EQ(library->last_stamp().value().text(), second);
}

TEST(Write, IsRefusedWhenTheClockIsAfterTheYear2100) {
    Library library;
    library.clock.now = 5'000'000'000'000;
    const auto written = library.write(kOne);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::invalid_input);
    library.clock.now = 1'700'000'000'000;
    EXPECT_TRUE(library.write(kOne));
}

TEST(Write, OfAPresentValueIsNoEditOfTheColumn) {
    Library a(1), b(2);
    a.must_write(kOne);
    b.must_merge(a.seal());
    a.must_write("UPDATE shelves SET name = 'mine', _updated_at = stamp()");
    b.clock.now += 10;
    b.must_write(
        "UPDATE shelves SET name = name, height = 3, _updated_at = stamp()");  // a form that saves all its fields
    b.must_merge(a.seal());
    a.must_merge(b.seal());
    for (Library* library : {&a, &b}) EXPECT_EQ(library->value("SELECT name || height FROM shelves"), "mine3");
    EXPECT_TRUE(a->conflicts().value().empty());
}

TEST(Reading, CannotWrite) {
    Library library;
    auto reader = library->read();
    ASSERT_TRUE(reader);
    EXPECT_FALSE((*reader)->execute(kOne));
    EXPECT_FALSE((*reader)->execute("DELETE FROM sync_outbox"));
}

TEST(Reading, SeesOneStateWhileOthersWriteAndMerge) {
    Library a(1), b(2);
    a.must_write(kOne);
    const IncomingObject object = a.seal();
    {
        auto reader = b->read();
        ASSERT_TRUE(reader) << reader.error().message;
        EXPECT_EQ((*reader)->integer("SELECT count(*) FROM shelves").value(), 0);
        b.must_merge(object);
        b.must_write("INSERT INTO shelves(id, _updated_at) VALUES('s2', stamp())");
        EXPECT_EQ((*reader)->integer("SELECT count(*) FROM shelves").value(), 0);
    }
    EXPECT_EQ(b.value("SELECT count(*) FROM shelves"), "2");
}

}  // namespace bae::sync
