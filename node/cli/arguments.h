#pragma once
// The command line as plain values. CLI11 is seen by arguments.cpp alone, because including it is slow to build.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/config.h"

namespace bae::node {

struct InitCommand {
    std::optional<std::string> name;
    bool passphrase = false;
};
struct ImportCommand {
    std::vector<std::string> paths;
    bool copy = false, dry_run = false, again = false;
};
struct ListCommand {
    std::string kind;   // "albums"
    std::string query;  // empty: all
};
struct ShowCommand {
    std::string id;
};
struct GetCommand {
    std::vector<std::string> ids;
    std::optional<std::string> to;
};
struct EditCommand {
    std::string kind, id;
    std::vector<std::string> assignments;  // column=value
};
struct RemoveCommand {
    std::string kind, id;
};
struct TagCommand {
    bool add = true;
    std::string tag;
    std::vector<std::string> ids;
};
struct BucketCommand {
    enum class Action { show, use, probe };
    Action action = Action::show;
    std::optional<std::string> url;  // absent: the one in use
    bool create = false;             // use: make the bucket at the provider
    bool thorough = false;           // probe: in parts, too
};
struct SyncCommand {
    bool mend_clock = false, yes = false;
};
struct StatusCommand {
    bool seen = false;  // alarms shown are acknowledged
};
struct ConflictsCommand {
    std::optional<uint64_t> restore;  // number as listed, from 1
};
struct IdentityCommand {
    bool export_code = false;
};
struct RestoreCommand {
    std::optional<std::string> code;  // text, "-", "@FILE"; absent: ask
    std::optional<std::string> from, name;
    bool passphrase = false;
};
struct NodeCommand {};
struct DigestCommand {};
struct DumpCommand {};
struct VerifyCommand {
    bool files = false, bucket = false;
    bool read_data = false;  // of the bucket
};
struct InspectCommand {
    std::vector<std::string> files;
};

using Command =
    std::variant<InitCommand, ImportCommand, ListCommand, ShowCommand, GetCommand, EditCommand, RemoveCommand,
                 TagCommand, BucketCommand, SyncCommand, StatusCommand, ConflictsCommand, IdentityCommand,
                 RestoreCommand, NodeCommand, DigestCommand, DumpCommand, VerifyCommand, InspectCommand>;

struct Invocation {
    Settings settings;  // flags that are settings
    bool json = false, quiet = false;
    Command command;
};

// Help and version were printed (0), or the arguments are wrong and a message says how (2).
struct Ended {
    int exit_code = 0;
};

std::variant<Invocation, Ended> parse_arguments(int argc, const char* const* argv);

}  // namespace bae::node
