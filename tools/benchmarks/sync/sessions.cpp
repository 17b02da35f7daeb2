#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include "sessions.h"

#include <sqlite3.h>

#include "measure.h"
#include "rows.h"

namespace bae::benchmarks {

namespace {

Result<void> succeeded(sync::sqlite::Connection& c, int code, std::string_view doing) {
    if (code == SQLITE_OK) return {};
    return tl::unexpected<Error>(sync::sqlite::sqlite_error(c.raw(), code, doing));
}

Result<Bytes> record(sync::sqlite::Connection& c, const Batch& batch) {
    auto transaction = TRY(sync::sqlite::Transaction::begin(c, sync::sqlite::Transaction::Kind::write));
    sqlite3_session* created = nullptr;
    TRY(succeeded(c, sqlite3session_create(c.raw(), "main", &created), "session"));
    const std::unique_ptr<sqlite3_session, decltype(&sqlite3session_delete)> session(created, &sqlite3session_delete);
    TRY(succeeded(c, sqlite3session_attach(session.get(), nullptr), "attach"));
    TRY(insert_batch(c, batch));
    int size = 0;
    void* bytes = nullptr;
    TRY(succeeded(c, sqlite3session_changeset(session.get(), &size, &bytes), "changeset"));
    const std::unique_ptr<void, decltype(&sqlite3_free)> owned(bytes, &sqlite3_free);
    TRY(transaction.commit());
    const auto* from = static_cast<const std::byte*>(bytes);
    return Bytes(from, from + size);
}

}  // namespace

Result<std::vector<Bytes>> record_sessions(const std::filesystem::path& path, size_t count) {
    auto c = TRY(open_plain(path, true));
    std::vector<Bytes> changesets;
    for (size_t i = 0; i < count; i++) changesets.push_back(TRY(record(*c, make_batch(i))));
    return changesets;
}

Result<void> apply_changeset(sync::sqlite::Connection& connection, const Bytes& changeset) {
    auto* bytes = const_cast<std::byte*>(changeset.data());  // sqlite3changeset_apply takes it as void*, and only reads
    const auto abort = [](void*, int, sqlite3_changeset_iter*) { return SQLITE_CHANGESET_ABORT; };
    return succeeded(
        connection,
        sqlite3changeset_apply(connection.raw(), static_cast<int>(changeset.size()), bytes, nullptr, abort, nullptr),
        "apply");
}

}  // namespace bae::benchmarks
