// Several threads and processes on one storage, and processes that die.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>

#include "conformance/suite.h"

namespace bae::s3::conformance {

struct Race {
    int errors = 0;
    int created = 0;
    std::string letters;  // of those who were told `created`
};

// Four clients create the same object at the same time, each full of its own letter; `rounds` times.
static std::vector<Race> race(Storage& storage, int rounds) {
    constexpr int kThreads = 4;
    std::vector<Race> races(static_cast<size_t>(rounds));
    std::mutex mutex;
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; t++)
        threads.emplace_back([&, letter = static_cast<char>('a' + t)] {
            const auto mine = storage.open();
            for (size_t round = 0; round < races.size(); round++) {
                start.arrive_and_wait();
                const auto outcome =
                    mine->put_if_absent("race/" + std::to_string(round), as_bytes(std::string(5000, letter)));
                const std::lock_guard lock(mutex);
                if (!outcome) races[round].errors++;
                if (!outcome || *outcome != PutOutcome::created) continue;
                races[round].created++;
                races[round].letters += letter;
            }
        });
    for (std::thread& thread : threads) thread.join();
    return races;
}

TEST_P(AtomicConformance, OfRacingThreadsOneCreates) {
    const auto races = race(*storage, 25);
    for (size_t round = 0; round < races.size(); round++) {
        EXPECT_EQ(races[round].errors, 0) << round;
        ASSERT_EQ(races[round].created, 1) << round;
        EXPECT_EQ(text_of("race/" + std::to_string(round)), std::string(5000, races[round].letters.front()));
    }
    EXPECT_EQ(paths("").size(), races.size());
}

// What is left where a storage knows no conditions.
TEST_P(Conformance, OfRacingThreadsSomebodyCreatesAWholeObject) {
    const auto races = race(*storage, rounds(12));
    for (size_t round = 0; round < races.size(); round++) {
        EXPECT_EQ(races[round].errors, 0) << round;
        const std::string text = text_of("race/" + std::to_string(round));
        EXPECT_EQ(text, std::string(5000, text.front()));
        EXPECT_NE(races[round].letters.find(text.front()), std::string::npos) << races[round].letters << text.front();
    }
}

static bool is_one_letter(ByteView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [&](std::byte b) { return b == bytes.front(); });
}

TEST_P(Conformance, ReadersSeeTheOldBytesOrTheNew) {
    replace("head", std::string(1000, 'a'));
    std::atomic<bool> done = false;
    std::atomic<int> mixed = 0;
    std::atomic<int> missing = 0;
    std::thread reader([&] {
        const auto mine = storage->open();
        while (!done) {
            const auto bytes = mine->get("head", 1 << 20);
            if (!bytes) missing++;
            // Each letter goes with one size.
            if (bytes &&
                (!is_one_letter(*bytes) || bytes->size() != 1000 * (std::to_integer<size_t>(bytes->front()) - 'a' + 1)))
                mixed++;
            const auto listed = mine->list("", "", 10);
            if (!listed || listed->objects.size() != 1) missing++;
        }
    });
    for (int i = 0; i < rounds(100); i++) {
        const int letter = i % 26;
        replace("head", std::string(static_cast<size_t>(1000 * (letter + 1)), static_cast<char>('a' + letter)));
    }
    done = true;
    reader.join();
    EXPECT_EQ(mixed, 0);
    EXPECT_EQ(missing, 0);
}

TEST_P(Conformance, ReadersSeeAllBytesOfANewObjectOrNone) {
    const int objects = rounds(60);
    std::atomic<int> partial = 0;
    std::atomic<int> current = 0;
    std::thread reader([&] {
        const auto mine = storage->open();
        for (int i = current; i < objects; i = current) {
            const auto bytes = mine->get("new/" + std::to_string(i), 1 << 20);
            if (bytes ? bytes->size() != 50'000 : bytes.error().kind != ErrorKind::not_found) partial++;
        }
    });
    const std::string text(50'000, 'x');
    for (int i = 0; i < objects; i++, current++)
        EXPECT_TRUE(bucket->put_if_absent("new/" + std::to_string(i), as_bytes(text)));
    reader.join();
    EXPECT_EQ(partial, 0);
}

// A child that runs `work` and exits with what it returns.
template <class Work>
static pid_t child(Work work) {
    std::fflush(nullptr);  // or the child prints it again
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(work());
    return pid;
}

static int exit_code(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_P(SharedAtomicConformance, OfRacingProcessesOneCreates) {
    constexpr int kRounds = 40;
    int gate[2];
    ASSERT_EQ(::pipe(gate), 0);
    const auto run = [&](char letter) {
        ::close(gate[1]);
        const auto mine = storage->open();
        char ignored;
        if (::read(gate[0], &ignored, 1) != 0) return 255;  // until the parent lets both go
        int created = 0;
        for (int round = 0; round < kRounds; round++) {
            const auto outcome =
                mine->put_if_absent("race/" + std::to_string(round), as_bytes(std::string(20'000, letter)));
            if (!outcome) return 254;
            created += *outcome == PutOutcome::created ? 1 : 0;
        }
        return created;
    };
    const pid_t a = child([&] { return run('a'); });
    const pid_t b = child([&] { return run('b'); });
    ::close(gate[0]);
    ::close(gate[1]);
    const int created_by_a = exit_code(a);
    const int created_by_b = exit_code(b);
    EXPECT_EQ(created_by_a + created_by_b, kRounds) << created_by_a << " and " << created_by_b;
    int won_by_a = 0;
    for (int round = 0; round < kRounds; round++) {
        const std::string text = text_of("race/" + std::to_string(round));
        ASSERT_EQ(text, std::string(20'000, text.front()));
        won_by_a += text.front() == 'a' ? 1 : 0;
    }
    EXPECT_EQ(won_by_a, created_by_a);
}

static Bytes body_of(int number) {
    return patterned(static_cast<size_t>(number % 7) * 60'000 + 1, static_cast<uint64_t>(number));
}
static std::string path_of(int number) { return "killed/" + std::to_string(100'000 + number); }

// Writes objects until it is killed, saying so in the pipe before each.
static int write_for_ever(Bucket& bucket, int progress, int first) {
    for (int number = first;; number++) {
        if (::write(progress, &number, sizeof number) != sizeof number) return 1;
        if (!bucket.put_if_absent(path_of(number), body_of(number))) return 2;
        if (!bucket.put("killed/head", body_of(number))) return 3;
    }
}

TEST_P(SharedConformance, AKilledWriterLeavesWholeObjectsOnly) {
    const uint64_t seed = fresh_seed();
    SCOPED_TRACE("BAE_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    int last = 0;
    for (int round = 0; round < rounds(25); round++) {
        int progress[2];
        ASSERT_EQ(::pipe(progress), 0);
        const pid_t writer = child([&] { return write_for_ever(*storage->open(), progress[1], last + 1); });
        ::close(progress[1]);
        for (uint64_t puts = 1 + random() % 4; puts > 0; puts--)
            ASSERT_EQ(::read(progress[0], &last, sizeof last), ssize_t{sizeof last});
        random.discard(random() % 1'000'000);  // some time, to end anywhere inside a put
        ::kill(writer, SIGKILL);
        EXPECT_EQ(exit_code(writer), -1);
        for (int number; ::read(progress[0], &number, sizeof number) == sizeof number;) last = number;
        ::close(progress[0]);
        const auto objects = bucket->list_all("");
        ASSERT_TRUE(objects) << objects.error().message;
        for (const ObjectInfo& object : *objects) {
            const bool is_head = object.path == "killed/head";
            const Bytes bytes = *bucket->get(object.path, 1 << 20);
            int number = is_head ? last : std::stoi(object.path.substr(7)) - 100'000;
            // The head may be one of an earlier round, if every writer since was killed before it came to write its
            // own.
            while (is_head && number > 0 && !equal(bytes, body_of(number))) number--;
            ASSERT_TRUE(equal(bytes, body_of(number)) && number > 0) << object.path;
        }
        ASSERT_GE(objects->size(), static_cast<size_t>(last - round - 1));  // at most one is missing per kill
    }
}

constexpr auto kName = [](const auto& tested) { return tested.param.name; };
INSTANTIATE_TEST_SUITE_P(Shared, SharedConformance, testing::ValuesIn(shared_kinds()), kName);
INSTANTIATE_TEST_SUITE_P(Atomic, AtomicConformance, testing::ValuesIn(atomic_kinds()), kName);
INSTANTIATE_TEST_SUITE_P(SharedAtomic, SharedAtomicConformance, testing::ValuesIn(shared_atomic_kinds()), kName);

}  // namespace bae::s3::conformance
