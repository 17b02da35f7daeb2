// The command line as values, and what may be edited.
#include "node/cli/arguments.h"

#include <gtest/gtest.h>

#include "node/cli/edit_values.h"

namespace bae::node {

static std::variant<Invocation, Ended> parsed(std::vector<const char*> words) {
    words.insert(words.begin(), "bae");
    return parse_arguments(static_cast<int>(words.size()), words.data());
}

template <class T>
static T command(std::vector<const char*> words) {
    return std::get<T>(std::get<Invocation>(parsed(std::move(words))).command);
}

TEST(Arguments, TakeSettingsBeforeAndAfterTheCommand) {
    for (const auto& words : std::vector<std::vector<const char*>>{{"--home", "/x", "--json", "list", "albums"},
                                                                   {"list", "albums", "--home", "/x", "--json"}}) {
        const Invocation invocation = std::get<Invocation>(parsed(words));
        EXPECT_EQ(invocation.settings, (Settings{{"home", "/x"}}));
        EXPECT_TRUE(invocation.json);
        EXPECT_FALSE(invocation.quiet);
    }
}

TEST(Arguments, ReachTheirCommand) {
    EXPECT_EQ(command<InitCommand>({"init", "--name", "study"}).name, "study");
    EXPECT_EQ(command<ImportCommand>({"import", "a", "b", "--copy"}).paths, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(command<ImportCommand>({"import", "a", "--dry-run"}).dry_run);
    EXPECT_TRUE(command<ImportCommand>({"import", "a", "--again"}).again);
    EXPECT_EQ(command<ListCommand>({"list", "albums", "blue"}).query, "blue");
    EXPECT_EQ(command<EditCommand>({"edit", "album", "ab", "title=x y", "mbid="}).assignments,
              (std::vector<std::string>{"title=x y", "mbid="}));
    EXPECT_EQ(command<GetCommand>({"get", "a", "b", "--to", "out"}).to, "out");
    EXPECT_TRUE(command<TagCommand>({"tag", "add", "Jazz", "a", "b"}).add);
    EXPECT_FALSE(command<TagCommand>({"tag", "remove", "Jazz", "a"}).add);
    EXPECT_EQ(command<BucketCommand>({"bucket"}).action, BucketCommand::Action::show);
    const auto use = command<BucketCommand>({"bucket", "use", "file:///x", "--create"});
    EXPECT_EQ(std::tie(use.action, use.url, use.create),
              std::tuple(BucketCommand::Action::use, std::optional<std::string>("file:///x"), true));
    EXPECT_FALSE(command<BucketCommand>({"bucket", "use", "file:///x"}).create);
    const auto probe = command<BucketCommand>({"bucket", "probe", "--thorough"});
    EXPECT_EQ(std::tie(probe.action, probe.url, probe.thorough),
              std::tuple(BucketCommand::Action::probe, std::optional<std::string>(), true));
    EXPECT_EQ(command<BucketCommand>({"bucket", "probe", "s3://b"}).url, "s3://b");
    EXPECT_EQ(command<ConflictsCommand>({"conflicts", "restore", "3"}).restore, 3u);
    EXPECT_EQ(command<ConflictsCommand>({"conflicts"}).restore, std::nullopt);
    EXPECT_TRUE(command<IdentityCommand>({"identity", "export"}).export_code);
    EXPECT_FALSE(command<IdentityCommand>({"identity", "show"}).export_code);
    EXPECT_EQ(command<RestoreCommand>({"restore", "-"}).code, "-");
    EXPECT_EQ(command<RestoreCommand>({"restore", "@code", "--from", "file:///x"}).from, "file:///x");
    EXPECT_EQ(command<RestoreCommand>({"restore"}).code, std::nullopt);
    EXPECT_TRUE(command<VerifyCommand>({"verify", "--files"}).files);
    EXPECT_TRUE(command<VerifyCommand>({"verify", "--bucket", "--read-data"}).read_data);
    EXPECT_TRUE(command<SyncCommand>({"sync", "--mend-clock"}).mend_clock);
}

TEST(Arguments, InBracketsStayAsTheyAre) {
    const std::vector<std::string> words = {"[Soundtracks]", "[a,b]", "plain", "{}", "[]"};
    EXPECT_EQ(command<ImportCommand>({"import", "[Soundtracks]", "[a,b]", "plain", "{}", "[]"}).paths, words);
    EXPECT_EQ(command<ImportCommand>({"import", "[x]", "--copy", "[y]"}).paths,
              (std::vector<std::string>{"[x]", "[y]"}));
    EXPECT_EQ(command<ListCommand>({"list", "albums", "[live]"}).query, "[live]");
    EXPECT_EQ(command<TagCommand>({"tag", "add", "[x,y]", "a"}).tag, "[x,y]");
    EXPECT_EQ(command<EditCommand>({"edit", "album", "[ab]", "title=x", "[label=y]"}).assignments,
              (std::vector<std::string>{"title=x", "[label=y]"}));
    EXPECT_EQ(command<GetCommand>({"get", "a", "--to", "[out]"}).to, "[out]");
}

TEST(Arguments, ThatAreWrongEndWith2) {
    for (const auto& words : std::vector<std::vector<const char*>>{{},
                                                                   {"nonsense"},
                                                                   {"list"},
                                                                   {"tag"},
                                                                   {"import"},
                                                                   {"sync", "--nonsense"},
                                                                   {"bucket", "use"},
                                                                   {"bucket", "--create"},
                                                                   {"conflicts", "restore", "x"},
                                                                   {"init", "extra"}}) {
        const auto result = parsed(words);
        ASSERT_TRUE(std::holds_alternative<Ended>(result)) << (words.empty() ? "nothing" : words[0]);
        EXPECT_EQ(std::get<Ended>(result).exit_code, 2);
    }
}

static std::vector<Column> columns() {
    return {{.name = "id", .type = "TEXT", .required = true},
            {.name = "album_id", .type = "TEXT", .required = true, .belongs_to = "albums"},
            {.name = "title", .type = "TEXT", .required = true},
            {.name = "label", .type = "TEXT"},
            {.name = "disc_count", .type = "INTEGER"},
            {.name = "gain", .type = "REAL"},
            {.name = "hash", .type = "BLOB"},
            {.name = "_updated_at", .type = "TEXT", .required = true}};
}

TEST(Assignment, TakesTheTypeOfItsColumn) {
    EXPECT_EQ(parse_assignment("release", columns(), "title=a=b")->text, "a=b");
    EXPECT_EQ(parse_assignment("release", columns(), "disc_count=3")->integer, 3);
    EXPECT_EQ(parse_assignment("release", columns(), "gain=-7.25")->real, -7.25);
    EXPECT_EQ(parse_assignment("release", columns(), "album_id=ab")->belongs_to, "albums");
    const Assignment none = parse_assignment("release", columns(), "label=").value();
    EXPECT_FALSE(none.text || none.integer || none.real);
}

TEST(Assignment, RefusesWhatTheColumnCannotHold) {
    for (const char* text :
         {"id=x", "_updated_at=x", "hash=00", "title=", "album_id=", "colour=red", "title", "=x", "disc_count=1.5",
          "disc_count=1x", "disc_count=-3", "disc_count=0", "disc_count=99999999999999999999", "gain=loud", "gain=nan",
          "gain=inf", "label=\xff", "label=a\nb", "label=a\x1b"}) {
        const auto assignment = parse_assignment("release", columns(), text);
        ASSERT_FALSE(assignment) << text;
        EXPECT_EQ(assignment.error().kind, ErrorKind::invalid_input);
    }
    EXPECT_NE(parse_assignment("release", columns(), "colour=red")
                  .error()
                  .message.find("album_id, title, label, disc_count, gain"),
              std::string::npos);
}

}  // namespace bae::node
