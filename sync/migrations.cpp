#include "sync/migrations.h"

#include <fmt/core.h>

namespace bae::sync {

namespace {

struct Versions {
    size_t own = 0, application = 0;
};

Result<Versions> versions(sqlite::Connection& c) {
    Versions v;
    v.application = static_cast<size_t>(TRY(c.integer("PRAGMA user_version")).value_or(0));
    const auto present = TRY(c.integer("SELECT 1 FROM sqlite_schema WHERE name = 'sync_meta'"));
    if (present)
        v.own =
            static_cast<size_t>(TRY(c.integer("SELECT value FROM sync_meta WHERE key = 'sync_schema'")).value_or(0));
    return v;
}

Result<void> apply(sqlite::Connection& c, std::span<const EmbeddedFile> files, size_t from) {
    for (size_t i = from; i < files.size(); i++)
        TRY_CONTEXT(c.execute(std::string(files[i].text)), fmt::format("migration {}", files[i].name));
    return {};
}

}  // namespace

Result<void> migrate(sqlite::Connection& c, std::span<const EmbeddedFile> application) {
    const std::span<const EmbeddedFile> own = embedded_sql();
    Versions now = TRY(versions(c));
    if (now.own > own.size() || now.application > application.size())
        return fail(ErrorKind::upgrade_needed,
                    fmt::format("this library was last used by a newer version of the program (schema {}.{}, this "
                                "program knows {}.{}): upgrade it",
                                now.application, now.own, application.size(), own.size()));
    if (now.own == own.size() && now.application == application.size()) return {};
    auto transaction = TRY(sqlite::Transaction::begin(c, sqlite::Transaction::Kind::write));
    now = TRY(versions(c));  // another process may have been first
    TRY(apply(c, own, now.own));
    TRY(
        c.run("INSERT INTO sync_meta (key, value) VALUES ('sync_schema', ?) ON CONFLICT(key) DO UPDATE SET value = "
              "excluded.value",
              own.size()));
    TRY(apply(c, application, now.application));
    if (now.application < application.size())
        TRY(c.execute(fmt::format("PRAGMA user_version = {}", application.size())));
    return transaction.commit();
}

}  // namespace bae::sync
