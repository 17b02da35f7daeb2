#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/import/names.h"
#include "node/output/escape.h"
#include "node/row_ids.h"

namespace bae::node {
namespace {

Result<std::vector<RowName>> things_of(Session& session, sync::sqlite::Connection& connection,
                                       const std::vector<std::string>& ids) {
    std::vector<RowName> things;
    for (const std::string& id : ids) {
        const RowName row = TRY(find_row(session, connection, {"releases", "tracks", "albums"}, id));
        if (row.table != "albums") {
            things.push_back(row);
            continue;
        }
        TRY(connection.each(
            "SELECT id FROM releases WHERE album_id = ? ORDER BY id",
            [&](const sync::sqlite::Statement& release) {
                things.push_back({"releases", release.string(0)});
            },
            row.id));
    }
    return things;
}

struct Relation {
    std::string table, column;
};
Relation relation_of(const RowName& thing) {
    return thing.table == "tracks" ? Relation{"track_tags", "track_id"} : Relation{"release_tags", "release_id"};
}

Result<int64_t> add(sync::sqlite::Connection& connection, const std::string& name, const std::vector<RowName>& things) {
    const std::string tag = tag_row_id(name);
    TRY(connection.run("INSERT INTO tags (id, name, _updated_at) VALUES (?, ?, stamp()) ON CONFLICT DO NOTHING", tag,
                       name));
    int64_t changed = 0;
    for (const RowName& thing : things) {
        const Relation relation = relation_of(thing);
        TRY(connection.run(
            fmt::format("INSERT INTO {} (id, {}, tag_id, _updated_at) VALUES (?, ?, ?, stamp()) ON CONFLICT DO NOTHING",
                        relation.table, relation.column),
            relation_row_id(relation.table, thing.id, tag), thing.id, tag));
        changed += connection.changes();
    }
    return changed;
}

Result<int64_t> remove(sync::sqlite::Connection& connection, const std::string& name,
                       const std::vector<RowName>& things) {
    const std::string tag = tag_row_id(name);
    int64_t changed = 0;
    for (const RowName& thing : things) {
        const Relation relation = relation_of(thing);
        TRY(connection.run(fmt::format("DELETE FROM {} WHERE {} = ? AND tag_id = ?", relation.table, relation.column),
                           thing.id, tag));
        changed += connection.changes();
    }
    return changed;
}

}  // namespace

Result<ExitCode> run(Session& session, const TagCommand& command) {
    const std::string name = clean_text(command.tag);
    if (name.empty()) return session.usage("a tag needs a name");
    sync::Database* database = TRY(session.database());
    std::vector<RowName> things;
    {
        const auto reader = TRY(database->read());
        things = TRY(things_of(session, *reader, command.ids));
        const auto known = TRY(reader->integer("SELECT 1 FROM tags WHERE id = ?", tag_row_id(name)));
        if (!command.add && !known)
            return fail(ErrorKind::not_found,
                        fmt::format("there is no tag \"{}\"; `bae list tags` shows them", shown(name)));
    }
    int64_t changed = 0;
    TRY(database->write(fmt::format("{} tag {}", command.add ? "add" : "remove", name),
                        [&](sync::sqlite::Connection& connection) -> Result<void> {
                            changed =
                                TRY(command.add ? add(connection, name, things) : remove(connection, name, things));
                            return {};
                        }));
    Output& out = session.out();
    if (out.json()) out.line(JsonObject().text("tag", tag_row_id(name)).integer("changed", changed));
    out.note(fmt::format("{} {} \"{}\"", command.add ? "tagged" : "untagged", changed, shown(name)));
    return session.remark_unsealed();
}

}  // namespace bae::node
