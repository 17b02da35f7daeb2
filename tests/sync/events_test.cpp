#include <algorithm>

#include "sync/library.h"

namespace bae::sync {

namespace {

constexpr const char* kOne = "INSERT INTO shelves(id, name, _updated_at) VALUES('s1', 'one', stamp());";

struct Heard {
    std::vector<CommitEvent> events;
    Database::Subscription subscription;
    explicit Heard(Library& library) {
        subscription = library->subscribe([this](const CommitEvent& event) { events.push_back(event); });
    }
};

}  // namespace

TEST(Events, TellWhatACommitTouched) {
    Library library;
    Heard heard(library);
    library.must_write(std::string(kOne) + "INSERT INTO books(id, shelf, _updated_at) VALUES('b1', 's1', stamp())");
    ASSERT_EQ(heard.events.size(), 1u);
    EXPECT_FALSE(heard.events[0].merged);
    std::ranges::sort(heard.events[0].tables);
    EXPECT_EQ(heard.events[0].tables, (std::vector<std::string>{"books", "shelves"}));
}

TEST(Events, TellWhatWasMerged) {
    Library a(1), b(2);
    a.must_write(kOne);
    Heard heard(b);
    const IncomingObject object = a.seal();
    b.must_merge(object);
    ASSERT_EQ(heard.events.size(), 1u);
    EXPECT_TRUE(heard.events[0].merged);
    EXPECT_EQ(heard.events[0].tables, std::vector<std::string>{"shelves"});
}

TEST(Events, AreNotSentForWhatWasTakenBack) {
    Library library;
    Heard heard(library);
    EXPECT_FALSE(library.write(std::string(kOne) + "UPDATE shelves SET name = 'x', _updated_at = 'y'"));
    EXPECT_FALSE(library->write("", [](sqlite::Connection& c) -> Result<void> {
        TRY(c.execute(kOne));
        return fail(ErrorKind::cancelled, "no");
    }));
    EXPECT_TRUE(heard.events.empty());
}

TEST(Events, EndWithTheSubscription) {
    Library library;
    Heard heard(library);
    heard.subscription.reset();
    library.must_write(kOne);
    EXPECT_TRUE(heard.events.empty());
}

TEST(Events, ComeWithoutLocksHeld) {
    Library library;
    std::string read, written;
    Database::Subscription subscription;
    subscription = library->subscribe([&](const CommitEvent& event) {
        if (event.tables != std::vector<std::string>{"shelves"}) return;
        read = library.value("SELECT name FROM shelves");
        written = library.must_write("INSERT INTO books(id, shelf, _updated_at) VALUES('b1', 's1', stamp())");
    });
    library.must_write(kOne);
    EXPECT_EQ(read, "one");
    EXPECT_NE(written, "");
}

}  // namespace bae::sync
