#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/cli/rows.h"
#include "node/import/names.h"
#include "node/output/escape.h"
#include "node/output/table.h"

namespace bae::node {
namespace {

// What a list shows people; programs get the table's own columns.
struct Listing {
    const char* name;
    const char* table;
    const char* columns;  // for people; id first
    const char* from;     // the table is `t`
    const char* order;
    const char* matches;  // names that a query is looked for in, separated by 0x1f
    std::vector<Table::Column> titles;
};

const std::vector<Listing>& listings() {
    using enum Table::Align;
    static const std::vector<Listing> all = {
        {"albums",
         "albums",
         "t.id, t.artist_credit, t.title, substr(coalesce(t.original_date, (SELECT min(r.date) FROM releases r WHERE "
         "r.album_id = t.id)), 1, 4)",
         "albums t",
         "coalesce(t.artist_credit, '') COLLATE NOCASE, t.original_date, coalesce(t.sort_title, t.title) COLLATE "
         "NOCASE, t.id",
         "t.title || x'1f' || coalesce(t.artist_credit, '')",
         {{"id"}, {"artist"}, {"album"}, {"year"}}},
        {"releases",
         "releases",
         "t.id, a.artist_credit, coalesce(t.title, a.title), t.date, t.label, t.catalog_number, t.media",
         "releases t JOIN albums a ON a.id = t.album_id",
         "coalesce(a.artist_credit, '') COLLATE NOCASE, a.original_date, a.id, t.date, t.id",
         "a.title || x'1f' || coalesce(a.artist_credit, '') || x'1f' || coalesce(t.title, '') || x'1f' || "
         "coalesce(t.label, '') || x'1f' || coalesce(t.catalog_number, '')",
         {{"id"}, {"artist"}, {"release"}, {"date"}, {"label"}, {"number"}, {"media"}}},
        {"tracks",
         "tracks",
         "t.id, coalesce(t.artist_credit, a.artist_credit), a.title, t.disc, t.number, t.title, t.length_ms",
         "tracks t JOIN releases r ON r.id = t.release_id JOIN albums a ON a.id = r.album_id",
         "a.artist_credit COLLATE NOCASE, a.title COLLATE NOCASE, r.id, t.disc, t.number, t.id",
         "t.title || x'1f' || coalesce(t.artist_credit, a.artist_credit, '') || x'1f' || a.title",
         {{"id"}, {"artist"}, {"album"}, {"disc", right}, {"no", right}, {"title"}, {"length", right}}},
        {"artists",
         "artists",
         "t.id, t.name, t.disambiguation, (SELECT count(*) FROM album_artists l WHERE l.artist_id = t.id)",
         "artists t",
         "coalesce(t.sort_name, t.name) COLLATE NOCASE, t.id",
         "t.name || x'1f' || coalesce(t.sort_name, '')",
         {{"id"}, {"artist"}, {"which"}, {"albums", right}}},
        {"files",
         "release_files",
         "t.id, a.title, t.name, t.size",
         "release_files t JOIN releases r ON r.id = t.release_id JOIN albums a ON a.id = r.album_id",
         "a.title COLLATE NOCASE, r.id, t.name, t.id",
         "t.name || x'1f' || a.title",
         {{"id"}, {"album"}, {"file"}, {"size", right}}},
        {"tags",
         "tags",
         "t.id, t.name, (SELECT count(*) FROM release_tags l WHERE l.tag_id = t.id), (SELECT count(*) FROM track_tags "
         "l WHERE l.tag_id = t.id)",
         "tags t",
         "t.name COLLATE NOCASE, t.id",
         "t.name",
         {{"id"}, {"tag"}, {"releases", right}, {"tracks", right}}},
        {"collections",
         "collections",
         "t.id, t.name, t.description, (SELECT count(*) FROM collection_entries e WHERE e.collection_id = t.id)",
         "collections t",
         "t.name COLLATE NOCASE, t.id",
         "t.name || x'1f' || coalesce(t.description, '')",
         {{"id"}, {"collection"}, {"description"}, {"entries", right}}},
        {"devices",
         "devices",
         "t.id, t.name, t.device_id",
         "devices t",
         "t.name COLLATE NOCASE, t.id",
         "t.name",
         {{"id"}, {"device"}, {"device id"}}},
    };
    return all;
}

const Listing* listing_named(std::string_view name) {
    for (const Listing& listing : listings()) {
        if (name == listing.name) return &listing;
    }
    return nullptr;
}

// The rows of a listing. With a query the names it is looked for in are the last column, compared in every script as
// people do: without case, composed or not.
class Rows {
  public:
    static Result<Rows> select(sync::sqlite::Connection& connection, const Listing& listing, const std::string& columns,
                               const std::string& query) {
        const std::string matches = query.empty() ? "" : fmt::format(", {}", listing.matches);
        auto statement = TRY(connection.prepare(
            fmt::format("SELECT {}{} FROM {} ORDER BY {}", columns, matches, listing.from, listing.order)));
        return Rows(std::move(statement), normalised(query));
    }
    Result<bool> step() {
        while (TRY(statement_.step())) {
            if (query_.empty() || normalised(statement_.text(columns())).find(query_) != std::string::npos) return true;
        }
        return false;
    }
    const sync::sqlite::Statement& row() const { return statement_; }
    int columns() const { return statement_.column_count() - (query_.empty() ? 0 : 1); }

  private:
    Rows(sync::sqlite::Statement statement, std::string query)
        : statement_(std::move(statement)), query_(std::move(query)) {}
    sync::sqlite::Statement statement_;
    std::string query_;
};

Result<void> list_json(Output& out, Rows& rows) {
    while (TRY(rows.step())) {
        JsonObject object;
        for (int i = 0; i < rows.columns(); ++i) add_column(object, rows.row(), i);
        out.line(object);
    }
    return {};
}

std::string for_people(std::string_view title, const sync::sqlite::Statement& row, int column) {
    if (row.is_null(column)) return "";
    if (title == "length") return length_text(row.integer(column));
    if (title == "size") return size_text(static_cast<uint64_t>(row.integer(column)));
    return cell(row, column);
}

Result<void> list_table(Output& out, const Listing& listing, Rows& rows, bool all) {
    Table table(listing.titles);
    while (TRY(rows.step())) {
        std::vector<std::string> cells;
        for (size_t i = 0; i < listing.titles.size(); ++i)
            cells.push_back(for_people(listing.titles[i].title, rows.row(), static_cast<int>(i)));
        table.add(std::move(cells));
    }
    if (table.size() == 0)
        out.note(fmt::format("no {}{}", listing.name, all ? " yet" : " match"));
    else
        out.print(table.text(out.width(), out.color()));
    return {};
}

}  // namespace

Result<ExitCode> run(Session& session, const ListCommand& command) {
    const Listing* listing = listing_named(command.kind);
    if (!listing) {
        std::vector<std::string> names;
        for (const Listing& one : listings()) names.emplace_back(one.name);
        return session.usage(fmt::format("there is no list of \"{}\"; did you mean \"{}\"?", shown(command.kind),
                                         nearest(command.kind, names)));
    }
    const auto reader = TRY(TRY(session.database())->read());
    const std::string columns = session.out().json() ? "t.*" : listing->columns;
    // a query of blanks alone is none
    const std::string query = normalised(command.query).empty() ? "" : command.query;
    Rows rows = TRY(Rows::select(*reader, *listing, columns, query));
    if (session.out().json())
        TRY(list_json(session.out(), rows));
    else
        TRY(list_table(session.out(), *listing, rows, query.empty()));
    return ExitCode::done;
}

}  // namespace bae::node
