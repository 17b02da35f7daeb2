// SIGKILL at every named point of a round, of founding and of restoring, in a process of its own on homes in real
// directories; then everything goes on as if nothing had happened: nothing committed is lost, nothing sealed differs.
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <regex>
#include <set>

#include "s3/directory_bucket.h"
#include "sync_replica/home.h"

extern char** environ;

namespace bae::sync::testing {

namespace {

namespace fs = std::filesystem;

std::set<std::string> crash_points() {
    std::set<std::string> names;
    const std::regex point("CRASH_POINT\\(\"([^\"]+)\"\\)");
    for (const auto& file : fs::directory_iterator(fs::path(BAE_SOURCE_DIR) / "sync")) {
        if (file.path().extension() != ".cpp") continue;
        std::ifstream in(file.path());
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        for (auto at = std::sregex_iterator(text.begin(), text.end(), point); at != std::sregex_iterator(); ++at)
            names.insert((*at)[1]);
    }
    return names;
}

// A home on disk, the same in the killed process and in the one that looks at what it left.
class DiskHome {
  public:
    DiskHome(const fs::path& base, const std::string& name, Person& person, FakeClock& time)
        : person_(person), time_(time), root_(base / name) {
        fs::create_directories(root_);
        mirror_ =
            std::move(*s3::open_directory_bucket({root_ / "mirror", s3::RootPolicy::create, s3::Durability::unsynced}));
        keys_.emplace(load_keys());
        database_ = std::move(*Database::open({root_ / "library.db", kSchema, keys_->id(), &time_}));
    }
    crypto::DeviceKeys load_keys() {
        std::ifstream in(root_ / "keys", std::ios::binary);
        const std::string stored((std::istreambuf_iterator<char>(in)), {});
        if (!stored.empty()) return *crypto::DeviceKeys::from_secret(as_bytes(stored));
        crypto::DeviceKeys made = crypto::DeviceKeys::generate(crypto::system_random());
        store(made);
        return made;
    }
    void store(const crypto::DeviceKeys& keys) {
        std::ofstream(root_ / "keys.new", std::ios::binary) << as_text(keys.secret().view());
        fs::rename(root_ / "keys.new", root_ / "keys");
    }
    ReplicaOptions options() {
        return {.database = *database_,
                .mirror = *mirror_,
                .device = *keys_,
                .identity = &person_.identity,
                .random = crypto::system_random(),
                .clock = time_,
                .program_version = "test",
                .on_new_device = [this](const crypto::DeviceKeys& keys) -> Result<void> {
                    return store(keys), Result<void>();
                }};
    }
    // Opens what is there, or makes it: the founder founds, others restore.
    Result<void> begin(s3::Bucket& carrier, const std::optional<crypto::LibraryId>& library) {
        auto opened = Replica::open(options());
        if (!opened && opened.error().kind == ErrorKind::not_found) {
            opened = library ? Replica::restore(options(), *library, std::nullopt, carrier, nullptr)
                             : Replica::found(options(), person_.next);
        }
        if (!opened) return tl::unexpected(opened.error());
        replica_ = std::move(*opened);
        return library ? Result<void>() : replica_->adopt(carrier);
    }
    Result<void> add(const std::string& id) {
        time_.now++;
        TRY(database_->write("test", [&](sqlite::Connection& c) {
            return c.execute("INSERT INTO albums(id, title, _updated_at) VALUES ('" + id +
                             "', 't', stamp()) ON CONFLICT DO NOTHING");
        }));
        return {};
    }
    Result<void> sync(s3::Bucket& carrier) {
        TRY(replica_->sync(carrier, "carrier", {}));
        return {};
    }
    std::string albums() {
        std::string all;
        auto reader = database_->read();
        EXPECT_TRUE((*reader)->each("SELECT id FROM albums ORDER BY id",
                                    [&](const sqlite::Statement& row) { all += row.string(0) + " "; }));
        return all;
    }
    Replica& replica() { return *replica_; }
    Database& database() { return *database_; }
    const fs::path& root() const { return root_; }

  private:
    Person& person_;
    FakeClock& time_;
    fs::path root_;
    std::unique_ptr<s3::Bucket> mirror_;
    std::optional<crypto::DeviceKeys> keys_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Replica> replica_;
};

// Two devices and a copy of the second, that write and sync in turn. Every step can be done again.
Result<void> play(const fs::path& base) {
    TRY(crypto::initialize());
    Person person(5);
    FakeClock time(kStart);
    auto carrier = TRY(s3::open_directory_bucket({base / "carrier", s3::RootPolicy::create, s3::Durability::unsynced}));
    DiskHome a(base, "a", person, time);
    TRY(a.begin(*carrier, std::nullopt));
    TRY(a.add("a1"));
    TRY(a.sync(*carrier));
    {
        DiskHome b(base, "b", person, time);
        TRY(b.begin(*carrier, a.replica().library()));
        TRY(b.sync(*carrier));
        TRY(b.add("b1"));
        TRY(b.sync(*carrier));
    }
    if (!fs::exists(base / "copied")) {
        fs::remove_all(base / "c");
        fs::copy(base / "b", base / "c", fs::copy_options::recursive);
        std::ofstream(base / "copied") << "yes";
    }
    time.now += kHour;
    DiskHome b(base, "b", person, time), c(base, "c", person, time);
    TRY(b.begin(*carrier, a.replica().library()));
    TRY(c.begin(*carrier, a.replica().library()));
    TRY(b.add("b2"));
    TRY(c.add("c1"));
    for (int i = 0; i < 2; i++) {
        for (DiskHome* home : {&b, &c, &a}) TRY(home->sync(*carrier));
    }
    for (DiskHome* home : {&a, &b, &c}) {
        if (home->albums() != "a1 b1 b2 c1 ")
            return fail(ErrorKind::internal, home->root().string() + " has " + home->albums());
        if (TRY(home->database().digest()) != TRY(a.database().digest()))
            return fail(ErrorKind::internal, "digests differ");
        const auto status = TRY(home->replica().status());
        if (!status.holds.empty() || status.pending > 0)
            return fail(ErrorKind::internal, home->root().string() + " waits");
        const auto wrong = TRY(home->replica().verify({}));
        if (!wrong.empty()) return fail(ErrorKind::internal, wrong[0]);
    }
    return {};
}

// Runs play() in another process under these variables; its wait status.
int play_elsewhere(const fs::path& base, const std::vector<std::string>& variables) {
    std::vector<std::string> all = variables;
    all.push_back("BAE_CRASH_HOME=" + base.string());
    for (char** one = environ; *one != nullptr; one++) all.push_back(*one);
    std::vector<char*> environment;
    for (std::string& one : all) environment.push_back(one.data());
    environment.push_back(nullptr);
    std::string program = "/proc/self/exe", filter = "--gtest_filter=CrashChild.PlaysToTheEnd",
                brief = "--gtest_brief=1";
    char* arguments[] = {program.data(), filter.data(), brief.data(), nullptr};
    pid_t child = 0;
    EXPECT_EQ(posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environment.data()), 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

class Scratch {
  public:
    Scratch() : path(scratch_base() / ("bae-crash-" + std::to_string(::getpid()))) {
        fs::remove_all(path);
        fs::create_directories(path);
    }
    ~Scratch() { fs::remove_all(path); }
    const fs::path path;
};

}  // namespace

TEST(CrashChild, PlaysToTheEnd) {
    const char* given = std::getenv("BAE_CRASH_HOME");
    std::optional<Scratch> own;
    const auto played = play(given == nullptr ? own.emplace().path : fs::path(given));
    ASSERT_TRUE(played) << played.error().message;
}

TEST(Crash, EveryNamedPointIsReached) {
    const Scratch scratch;
    EXPECT_EQ(play_elsewhere(scratch.path, {"BAE_CRASH_LOG=" + (scratch.path / "log").string()}), 0);
    std::set<std::string> reached;
    std::ifstream log(scratch.path / "log");
    for (std::string line; std::getline(log, line);) reached.insert(line);
    for (const std::string& name : crash_points()) EXPECT_TRUE(reached.contains(name)) << name;
}

TEST(Crash, NothingIsLostWhereverTheProcessDies) {
    for (const std::string& name : crash_points()) {
        for (int pass = 1; pass <= 12; pass++) {
            SCOPED_TRACE(name + ":" + std::to_string(pass));
            const Scratch scratch;
            const int status = play_elsewhere(scratch.path, {"BAE_CRASH_AT=" + name + ":" + std::to_string(pass)});
            if (WIFEXITED(status)) {
                EXPECT_EQ(WEXITSTATUS(status), 0);
                break;  // the point is not passed that often
            }
            EXPECT_EQ(WTERMSIG(status), SIGKILL);
            EXPECT_EQ(play_elsewhere(scratch.path, {}), 0);
            if (HasFailure()) return;
        }
    }
}

}  // namespace bae::sync::testing
