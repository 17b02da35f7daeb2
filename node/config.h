#pragma once
// Settings: config.toml, over it environment variables, over them flags. Nothing here is secret. Keys, limits and
// defaults are one table in config.cpp; unknown keys are refused with the nearest one there is.
// A key a.b_c is $BAE_A_B_C and --a-b-c; those of limits are --limit-upload and --limit-download.
//
//   home                  where the library lies
//   bucket.attempts       calls in all when the storage has a passing fault; not set: 5 to a directory, to a server as
//                         many as give_up_after leaves time for
//   bucket.ca_file        PEM file of the authorities to trust for TLS instead of the system's
//   bucket.give_up_after  seconds in which a request to a server is repeated at most
//   bucket.parallel       requests to a server per large file
//   bucket.stall_after    seconds without a byte from or to a server after which a request has failed
//   bucket.workers        files sealed and sent, or fetched, at a time
//   import.threads        files read at a time; 0: one per processor
//   limits.download       KiB per second from the bucket; 0: no limit
//   limits.upload         KiB per second to the bucket; 0: no limit
//   node.poll_s           seconds after which the daemon asks the bucket for news
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/base/result.h"

namespace bae::node {

struct Config {
    std::optional<std::filesystem::path> home;
    int bucket_attempts = 0;  // not set
    std::string bucket_ca_file;
    int bucket_give_up_after = 60;
    int bucket_parallel = 4;
    int bucket_stall_after = 30;
    int bucket_workers = 3;
    int import_threads = 0;
    int limits_download = 0, limits_upload = 0;
    int node_poll_s = 30;
    bool operator==(const Config&) const = default;
};

using Settings = std::map<std::string, std::string, std::less<>>;  // by key, as text
using Environment = std::optional<std::string> (*)(const char* name);
std::optional<std::string> process_environment(const char* name);  // absent also if empty

// $XDG_CONFIG_HOME/bae/config.toml, by default ~/.config.
Result<std::filesystem::path> config_path(Environment environment);
// A missing file is no error. invalid_input names file, key and what would be right.
Result<Config> load_config(const std::filesystem::path& file, Environment environment, const Settings& flags);
// The one of `known` that differs from `name` in the fewest letters.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace bae::node
