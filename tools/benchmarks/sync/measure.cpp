#include "measure.h"

#include <stdlib.h>

#include "rows.h"

namespace bae::node {
std::span<const EmbeddedFile> embedded_sql();
}

namespace bae::benchmarks {

Scratch::Scratch(const std::filesystem::path& in) {
    std::string name = (in / "bae-bench-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::span<const EmbeddedFile> music_schema() { return node::embedded_sql(); }

Result<std::unique_ptr<sync::Database>> open_library(const std::filesystem::path& path, uint8_t device) {
    crypto::DeviceId id;
    id.bytes[7] = static_cast<std::byte>(device);
    return sync::Database::open({.path = path, .migrations = music_schema(), .device = id});
}

Result<std::unique_ptr<sync::sqlite::Connection>> open_plain(const std::filesystem::path& path, bool foreign_keys) {
    auto c = TRY(sync::sqlite::Connection::open(path, sync::sqlite::OpenMode::create));
    TRY(
        c->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA "
                   "cache_size = -65536"));
    TRY(c->execute(foreign_keys ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF"));
    TRY(c->define("stamp", [] { return std::string("1700000000000-0000-0000000000000001"); }));
    for (const EmbeddedFile& migration : music_schema()) TRY(c->execute(std::string(migration.text)));
    return c;
}

size_t batches(double rows) {
    const auto count = static_cast<size_t>(rows / static_cast<double>(make_batch(0).rows()));
    return count == 0 ? 1 : count;
}

}  // namespace bae::benchmarks
