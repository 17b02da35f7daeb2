// A row that others' rows belong to was deleted: it is listed and can be inserted again, with the values it had.
#include "sync/library.h"

namespace bae::sync {
namespace {

TEST(DeletedParents, AreListedWithTheirValuesAndCanBeInsertedAgain) {
    Library alice(1), bob(2);
    alice.must_write("INSERT INTO shelves(id, name, _updated_at) VALUES('s1', 'upper', stamp())");
    bob.must_merge(alice.seal());
    alice.must_write("DELETE FROM shelves WHERE id = 's1'");
    bob.must_write(
        "UPDATE shelves SET name = 'top', _updated_at = stamp() WHERE id = 's1';"
        "INSERT INTO books(id, shelf, _updated_at) VALUES('b1', 's1', stamp())");
    const IncomingObject deleted = alice.seal();
    alice.must_merge(bob.seal());
    bob.must_merge(deleted);
    EXPECT_TRUE(alice->conflicts().value().size() >= 1);
    for (Library* library : {&alice, &bob}) {
        const auto parents = (*library)->deleted_parents().value();
        ASSERT_EQ(parents.size(), 1u);
        EXPECT_EQ(parents[0].table, "shelves");
        EXPECT_EQ(parents[0].id, "s1");
        EXPECT_FALSE(parents[0].lost_value.empty());
    }
    ASSERT_TRUE(bob->restore_conflict(bob->deleted_parents().value()[0]));
    EXPECT_EQ(bob.value("SELECT name FROM shelves WHERE id = 's1'"), "top");
    EXPECT_EQ(bob.value("SELECT shelf FROM books WHERE id = 'b1'"), "s1");
    EXPECT_TRUE(bob->deleted_parents().value().empty());
    EXPECT_EQ(bob->digest().value(), bob->recompute_digest().value());
}

// Somebody tags a book while somebody else throws its shelf away: one action brings back book and shelf.
TEST(DeletedParents, ComeBackWithTheRowsTheyBelongedTo) {
    static constexpr EmbeddedFile kNotes[] = {kShelf[0], {"0002_notes", R"sql(
CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, book TEXT NOT NULL REFERENCES books(id) ON DELETE CASCADE,
  _updated_at TEXT NOT NULL);
CREATE INDEX notes_book ON notes(book);
)sql"}};
    Library alice(1, kNotes), bob(2, kNotes);
    alice.must_write(
        "INSERT INTO shelves(id, name, _updated_at) VALUES('s1', 'upper', stamp());"
        "INSERT INTO books(id, shelf, title, _updated_at) VALUES('b1', 's1', 'Emma', stamp())");
    bob.must_merge(alice.seal());
    alice.must_write("DELETE FROM shelves");
    bob.must_write("INSERT INTO notes(id, book, _updated_at) VALUES('n1', 'b1', stamp())");
    alice.must_merge(bob.seal());
    ASSERT_EQ(alice->deleted_parents().value().size(), 1u);
    const auto restored = alice->restore_conflict(alice->deleted_parents().value()[0]);
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(alice.value("SELECT s.name || b.title || n.id FROM notes n JOIN books b ON b.id = n.book JOIN shelves s "
                          "ON s.id = b.shelf"),
              "upperEmman1");
    bob.must_merge(alice.seal());
    EXPECT_EQ(alice->digest().value(), alice->recompute_digest().value());
}

}  // namespace
}  // namespace bae::sync
