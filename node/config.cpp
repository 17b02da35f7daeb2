#include "node/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <charconv>
#include <cstdlib>
#include <numeric>

#include "node/output/escape.h"

namespace bae::node {
namespace {

struct Key {
    const char* name;
    const char* environment;
    int Config::*number;  // null: `home` or `bucket.ca_file`
    int least, most;
};
constexpr int kMostKibPerSecond = 100'000'000;
constexpr Key kKeys[] = {
    {"home", "BAE_HOME", nullptr, 0, 0},
    {"bucket.attempts", "BAE_BUCKET_ATTEMPTS", &Config::bucket_attempts, 1, 1000},
    {"bucket.ca_file", "BAE_BUCKET_CA_FILE", nullptr, 0, 0},
    {"bucket.give_up_after", "BAE_BUCKET_GIVE_UP_AFTER", &Config::bucket_give_up_after, 1, 86'400},
    {"bucket.parallel", "BAE_BUCKET_PARALLEL", &Config::bucket_parallel, 1, 16},
    {"bucket.stall_after", "BAE_BUCKET_STALL_AFTER", &Config::bucket_stall_after, 1, 3600},
    {"bucket.workers", "BAE_BUCKET_WORKERS", &Config::bucket_workers, 1, 16},
    {"import.threads", "BAE_IMPORT_THREADS", &Config::import_threads, 0, 256},
    {"limits.download", "BAE_LIMITS_DOWNLOAD", &Config::limits_download, 0, kMostKibPerSecond},
    {"limits.upload", "BAE_LIMITS_UPLOAD", &Config::limits_upload, 0, kMostKibPerSecond},
    {"node.poll_s", "BAE_NODE_POLL_S", &Config::node_poll_s, 1, 86'400},
};

std::vector<std::string> known_keys() {
    std::vector<std::string> names;
    for (const Key& key : kKeys) names.emplace_back(key.name);
    return names;
}

Result<void> set(Config& config, std::string_view name, const std::string& value, const std::string& where) {
    for (const Key& key : kKeys) {
        if (name != key.name) continue;
        if (!key.number) {
            if (name == "home")
                config.home = value;
            else
                config.bucket_ca_file = value;
            return {};
        }
        int number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || end != value.data() + value.size() || number < key.least || number > key.most) {
            return fail(ErrorKind::invalid_input, fmt::format("{}: {} is \"{}\", but takes a number from {} to {}",
                                                              where, name, shown(value), key.least, key.most));
        }
        config.*key.number = number;
        return {};
    }
    return fail(ErrorKind::invalid_input, fmt::format("{}: there is no setting \"{}\"; did you mean \"{}\"?", where,
                                                      shown(name), nearest(name, known_keys())));
}

Result<void> read_table(Config& config, const toml::table& table, const std::string& prefix, const std::string& where) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        if (const toml::table* inner = node.as_table()) {
            TRY(read_table(config, *inner, name + ".", where));
        } else if (const auto text = node.value_exact<std::string>()) {
            TRY(set(config, name, *text, where));
        } else if (const auto number = node.value_exact<int64_t>()) {
            TRY(set(config, name, std::to_string(*number), where));
        } else {
            TRY(set(config, name, "(neither text nor a whole number)", where));
        }
    }
    return {};
}

Result<void> read_file(Config& config, const std::filesystem::path& file) {
    std::error_code missing;
    if (!std::filesystem::exists(file, missing)) return {};
    const std::string where = shown(file.native());
    try {
        const toml::table table = toml::parse_file(file.native());
        return read_table(config, table, "", where);
    } catch (const toml::parse_error& error) {
        return fail(ErrorKind::invalid_input,
                    fmt::format("{}: line {}: {}", where, error.source().begin.line, shown(error.description())));
    }
}

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    return std::string(value);
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
    std::string best;
    size_t least = SIZE_MAX;
    for (const std::string& candidate : known) {
        const size_t distance = edit_distance(name.substr(0, 64), candidate);
        if (distance < least) best = candidate, least = distance;
    }
    return best;
}

Result<std::filesystem::path> config_path(Environment environment) {
    if (const auto xdg = environment("XDG_CONFIG_HOME")) return std::filesystem::path(*xdg) / "bae/config.toml";
    if (const auto home = environment("HOME")) return std::filesystem::path(*home) / ".config/bae/config.toml";
    return fail(ErrorKind::invalid_input,
                "neither $XDG_CONFIG_HOME nor $HOME is set, so there is no place for settings");
}

Result<Config> load_config(const std::filesystem::path& file, Environment environment, const Settings& flags) {
    Config config;
    TRY(read_file(config, file));
    for (const Key& key : kKeys) {
        if (const auto value = environment(key.environment)) TRY(set(config, key.name, *value, key.environment));
    }
    for (const auto& [name, value] : flags) TRY(set(config, name, value, "command line"));
    return config;
}

}  // namespace bae::node
