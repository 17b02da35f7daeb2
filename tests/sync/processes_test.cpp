// Several processes on one library, and processes that are killed. A child writes until it is stopped; the parent
// looks.
#include <signal.h>
#include <sys/wait.h>

#include "sync/library.h"

namespace bae::sync {

namespace {

// Writes one shelf with a book per transaction, and says so with a byte after each commit, until `count` or killed.
[[noreturn]] void write_shelves(const std::filesystem::path& file, unsigned device, const std::string& prefix,
                                int count, int tell) {
    auto database = Database::open({file, kShelf, device_id(device)});
    if (!database) ::_exit(3);
    for (int i = 0; i < count; i++) {
        const std::string id = prefix + std::to_string(i);
        const auto written = (*database)->write(id, [&](sqlite::Connection& c) -> Result<void> {
            TRY(c.run("INSERT INTO shelves(id, name, _updated_at) VALUES(?, 'x', stamp())", id));
            return c.run("INSERT INTO books(id, shelf, _updated_at) VALUES(?, ?, stamp())", "b" + id, id);
        });
        if (!written) ::_exit(4);
        if (::write(tell, "x", 1) != 1) ::_exit(5);
    }
    ::_exit(0);
}

// No connection may be open in the parent when it forks: SQLite keeps account of locks per process.
struct Child {
    pid_t pid = -1;
    int told = -1;

    Child(const std::filesystem::path& file, unsigned device, const std::string& prefix, int count) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        pid = ::fork();
        if (pid == 0) {
            ::close(ends[0]);
            write_shelves(file, device, prefix, count, ends[1]);
        }
        ::close(ends[1]);
        told = ends[0];
    }
    ~Child() { ::close(told); }
    bool wait_for(int commits) {
        char byte = 0;
        for (int i = 0; i < commits; i++)
            if (::read(told, &byte, 1) != 1) return false;
        return true;
    }
    int commits_told_until_the_end() {
        int count = 0;
        char byte = 0;
        while (::read(told, &byte, 1) == 1) count++;
        return count;
    }
    int status() {
        int status = 0;
        ::waitpid(pid, &status, 0);
        return status;
    }
};

// Rows, outbox, digest and clock belong together.
void expect_whole(Library& library) {
    EXPECT_EQ(library.value("SELECT count(*) FROM shelves"), library.value("SELECT count(*) FROM books"));
    const auto outbox = library.outbox();
    EXPECT_EQ(std::to_string(outbox.size()), library.value("SELECT count(*) FROM shelves"));
    EXPECT_EQ(library->outbox_size().value(), outbox.size());
    for (size_t i = 1; i < outbox.size(); i++) EXPECT_LT(outbox[i - 1].stamp, outbox[i].stamp);
    for (const auto& transaction : outbox)
        EXPECT_EQ(library.value("SELECT _updated_at FROM shelves WHERE id = '" + transaction.message + "'"),
                  transaction.stamp.text());
    EXPECT_EQ(library->digest().value(), library->recompute_digest().value());
    ASSERT_FALSE(outbox.empty());
    EXPECT_EQ(library->last_stamp().value(), outbox.back().stamp);
    EXPECT_EQ(library.value("PRAGMA integrity_check"), "ok");
}

}  // namespace

TEST(Processes, MayWriteAtOnce) {
    Library library;
    library.close();
    Child one(library.file(), 1, "one", 100), two(library.file(), 1, "two", 100),
        three(library.file(), 1, "three", 100);
    EXPECT_EQ(one.commits_told_until_the_end(), 100);
    EXPECT_EQ(two.commits_told_until_the_end(), 100);
    EXPECT_EQ(three.commits_told_until_the_end(), 100);
    for (Child* child : {&one, &two, &three}) EXPECT_EQ(child->status(), 0);
    library.reopen();
    EXPECT_EQ(library.value("SELECT count(*) FROM shelves"), "300");
    expect_whole(library);
}

TEST(Processes, MayWriteWhileAnotherMerges) {
    Library author(2);
    std::vector<IncomingObject> objects;
    for (int i = 0; i < 50; i++) {
        author.must_write("INSERT INTO shelves(id, name, _updated_at) VALUES('m" + std::to_string(i) +
                          "', 'm', stamp())");
        objects.push_back(author.seal());
    }
    Library library;
    library.close();
    Child child(library.file(), 1, "w", 50);
    library.reopen();
    for (const IncomingObject& object : objects) library.must_merge(object);
    EXPECT_EQ(child.commits_told_until_the_end(), 50);
    EXPECT_EQ(child.status(), 0);
    EXPECT_EQ(library.value("SELECT count(*) FROM shelves"), "100");
    EXPECT_EQ(library->outbox_size().value(), 50u);
    EXPECT_EQ(library->digest().value(), library->recompute_digest().value());
}

TEST(Processes, SeeEachOthersCommitsWithoutReopening) {
    Library library;
    library.close();
    Child child(library.file(), 1, "c", 1);
    library.reopen();
    ASSERT_TRUE(child.wait_for(1));
    EXPECT_EQ(library.value("SELECT count(*) FROM shelves"), "1");
    EXPECT_EQ(child.status(), 0);
    library.must_write("INSERT INTO shelves(id, name, _updated_at) VALUES('mine', 'x', stamp())");
    EXPECT_EQ(library->outbox_size().value(), 2u);
    EXPECT_EQ(library->digest().value(), library->recompute_digest().value());
}

TEST(Processes, KilledAtAnyInstantLeaveRowsAndOutboxTogether) {
    Library library;
    int told = 0;
    for (int round = 0; round < 12; round++) {
        library.close();
        Child child(library.file(), 1, "k" + std::to_string(round) + "-", 1'000'000);
        ASSERT_TRUE(child.wait_for(1 + round * 3));
        told += 1 + round * 3;
        ASSERT_EQ(::kill(child.pid, SIGKILL), 0);
        told += child.commits_told_until_the_end();
        EXPECT_TRUE(WIFSIGNALED(child.status()));
        library.reopen();
        const int kept = std::stoi(library.value("SELECT count(*) FROM shelves"));
        EXPECT_GE(kept, told) << "a commit that was told is lost";
        EXPECT_LE(kept, told + round + 1) << "more than one commit per round was not told";
        expect_whole(library);
    }
}

}  // namespace bae::sync
