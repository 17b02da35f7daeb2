// Schemas that open refuses: each breaks one rule of sync/database.h.
#include "sync/library.h"

namespace bae::sync {

namespace {

constexpr const char* kParent = "CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, a BLOB, _updated_at TEXT NOT NULL);";

Result<std::unique_ptr<Database>> open_with(const std::filesystem::path& directory, const std::string& sql) {
    const EmbeddedFile migration{"0001_test", sql};
    return Database::open({directory / "library.db", std::span(&migration, 1), device_id(1)});
}

void expect_refused(const std::string& sql, const std::string& table) {
    TestDirectory directory;
    const auto opened = open_with(directory.path, sql);
    ASSERT_FALSE(opened) << sql;
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid_input) << opened.error().message;
    EXPECT_NE(opened.error().message.find(table), std::string::npos)
        << opened.error().message << " does not name " << table;
}

void expect_accepted(const std::string& sql) {
    TestDirectory directory;
    const auto opened = open_with(directory.path, sql);
    EXPECT_TRUE(opened) << sql << ": " << opened.error().message;
}

std::string child(const std::string& column, const std::string& index = "CREATE INDEX c_p ON child(p);") {
    return std::string(kParent) + "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, p " + column +
           ", _updated_at TEXT NOT NULL);" + index;
}

}  // namespace

TEST(SchemaRules, AcceptWhatTheyAskFor) {
    expect_accepted(kParent);
    expect_accepted(child("TEXT NOT NULL REFERENCES p(id) ON DELETE CASCADE"));
    expect_accepted(child("TEXT NOT NULL REFERENCES p ON DELETE CASCADE"));
    expect_accepted("CREATE TABLE local(x UNIQUE CHECK (x > 0), y REFERENCES local(x))");
}

TEST(SchemaRules, RefuseAnyIdButTextPrimaryKeyNotNullInFront) {
    expect_refused("CREATE TABLE thing(id TEXT PRIMARY KEY, _updated_at TEXT NOT NULL)", "thing");
    expect_refused("CREATE TABLE thing(id INTEGER PRIMARY KEY NOT NULL, _updated_at TEXT NOT NULL)", "thing");
    expect_refused("CREATE TABLE thing(id TEXT NOT NULL, _updated_at TEXT NOT NULL)", "thing");
    expect_refused("CREATE TABLE thing(a TEXT, id TEXT PRIMARY KEY NOT NULL, _updated_at TEXT NOT NULL)", "thing");
    expect_refused("CREATE TABLE thing(uuid TEXT PRIMARY KEY NOT NULL, _updated_at TEXT NOT NULL)", "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT NOT NULL, b TEXT NOT NULL, _updated_at TEXT NOT NULL, PRIMARY KEY(id, b))",
        "thing");
}

TEST(SchemaRules, RefuseAnyUpdatedAtButTextNotNull) {
    expect_refused("CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, _updated_at TEXT)", "thing");
    expect_refused("CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, _updated_at INTEGER NOT NULL)", "thing");
}

TEST(SchemaRules, RefuseUnique) {
    expect_refused("CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a TEXT UNIQUE, _updated_at TEXT NOT NULL)",
                   "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT, _updated_at TEXT NOT NULL, UNIQUE(a, b))",
        "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a BLOB, _updated_at TEXT NOT NULL); CREATE UNIQUE INDEX u ON "
        "thing(a)",
        "thing");
}

TEST(SchemaRules, RefuseCheck) {
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER CHECK (a > 0), _updated_at TEXT NOT NULL)",
        "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER check(a > 0), _updated_at TEXT NOT NULL)", "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER CHECK\n(a > 0), _updated_at TEXT NOT NULL)",
        "thing");
}

TEST(SchemaRules, RefuseGeneratedColumns) {
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER AS (a + 1), _updated_at TEXT NOT NULL)",
        "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER GENERATED ALWAYS AS (a) STORED, "
        "_updated_at TEXT NOT "
        "NULL)",
        "thing");
}

TEST(SchemaRules, RefuseForeignKeysThatDoNotMeanBelongsTo) {
    expect_refused(child("TEXT REFERENCES p(id) ON DELETE CASCADE"), "child");
    expect_refused(child("TEXT NOT NULL REFERENCES p(id)"), "child");
    expect_refused(child("TEXT NOT NULL REFERENCES p(id) ON DELETE SET NULL"), "child");
    expect_refused(child("TEXT NOT NULL REFERENCES p(id) ON DELETE RESTRICT"), "child");
    expect_refused(child("TEXT NOT NULL REFERENCES p(a) ON DELETE CASCADE"), "child");
    expect_refused(child("TEXT NOT NULL REFERENCES nowhere(id) ON DELETE CASCADE"), "child");
}

TEST(SchemaRules, RefuseForeignKeysWithoutAnIndex) {
    expect_refused(child("TEXT NOT NULL REFERENCES p(id) ON DELETE CASCADE", ""), "child");
    expect_refused(
        child("TEXT NOT NULL REFERENCES p(id) ON DELETE CASCADE", "CREATE INDEX c_p ON child(_updated_at, p)"),
        "child");
    expect_refused(
        child("TEXT NOT NULL REFERENCES p(id) ON DELETE CASCADE", "CREATE INDEX c_p ON child(p) WHERE p > 'a'"),
        "child");
}

TEST(SchemaRules, RefuseCycles) {
    expect_refused(
        "CREATE TABLE tree(id TEXT PRIMARY KEY NOT NULL, up TEXT NOT NULL REFERENCES tree(id) ON DELETE CASCADE,"
        "_updated_at TEXT NOT NULL); CREATE INDEX i ON tree(up)",
        "tree");
    expect_refused(
        "CREATE TABLE one(id TEXT PRIMARY KEY NOT NULL, x TEXT NOT NULL REFERENCES two(id) ON DELETE CASCADE, "
        "_updated_at TEXT NOT NULL);"
        "CREATE TABLE two(id TEXT PRIMARY KEY NOT NULL, x TEXT NOT NULL REFERENCES one(id) ON DELETE CASCADE, "
        "_updated_at TEXT NOT NULL);"
        "CREATE INDEX i1 ON one(x); CREATE INDEX i2 ON two(x)",
        "");
}

TEST(SchemaRules, RefuseLocalTablesThatReferenceSyncedOnes) {
    expect_refused(std::string(kParent) + "CREATE TABLE local(p TEXT REFERENCES p(id) ON DELETE CASCADE)", "local");
}

TEST(SchemaRules, RefuseDefaultsThatAreNotConstant) {
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a TEXT DEFAULT CURRENT_TIMESTAMP, _updated_at TEXT NOT NULL)",
        "thing");
    expect_refused(
        "CREATE TABLE thing(id TEXT PRIMARY KEY NOT NULL, a INTEGER DEFAULT (random()), _updated_at TEXT NOT NULL)",
        "thing");
}

TEST(SchemaRules, RefuseTablesWithTheNamesOfThisModule) {
    expect_refused("CREATE TABLE sync_thing(id TEXT PRIMARY KEY NOT NULL, _updated_at TEXT NOT NULL)", "sync_thing");
}

TEST(SchemaRules, OfANewerProgramAskForAnUpgrade) {
    const EmbeddedFile two[] = {kShelf[0],
                                {"0002_more", "ALTER TABLE books ADD COLUMN pages INTEGER NOT NULL DEFAULT 0"}};
    TestDirectory directory;
    ASSERT_TRUE(Database::open({directory.path / "library.db", two, device_id(1)}));
    const auto older = Database::open({directory.path / "library.db", kShelf, device_id(1)});
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().kind, ErrorKind::upgrade_needed);
}

}  // namespace bae::sync
