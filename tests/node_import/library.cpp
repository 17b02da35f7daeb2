#include "node_import/library.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "crypto/secret.h"
#include "node/schema.h"

namespace bae::node::test {

namespace {

// In memory where there is room: hundreds of small libraries wait for nothing but fsync elsewhere.
fs::path place_for_tests() {
    std::error_code error;
    const fs::path memory = "/dev/shm";
    const fs::space_info room = fs::space(memory, error);
    return !error && room.available > (1U << 30) ? memory : fs::temp_directory_path();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
    std::string name = (place_for_tests() / "bae-import-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Library::Library(const fs::path& where) : home(where) {
    EXPECT_TRUE(crypto::initialize());
    fs::create_directories(home / "artwork");
    fs::create_directories(home / "files");
    sync::DatabaseOptions open;
    open.path = home / "library.db";
    open.migrations = embedded_sql();
    open.device.bytes.fill(std::byte{0x11});
    auto opened = sync::Database::open(open);
    if (!opened)
        ADD_FAILURE() << opened.error().message;
    else
        database = std::move(*opened);
}

ImportOptions Library::options(std::vector<std::string> paths) const {
    ImportOptions options;
    options.paths = std::move(paths);
    options.artwork_dir = (home / "artwork").string();
    options.key_epoch = std::string(64, 'e');
    return options;
}

ImportReport Library::import(std::vector<std::string> paths) {
    Result<ImportReport> report = run(std::move(paths));
    if (report) return *report;
    ADD_FAILURE() << report.error().message;
    return {};
}

std::vector<Library::Row> Library::rows(const std::string& sql) {
    std::vector<Row> out;
    auto reader = database->read();
    EXPECT_TRUE(reader);
    const auto done = (**reader).each(sql, [&](const sync::sqlite::Statement& statement) {
        Row row;
        for (int i = 0; i < statement.column_count(); ++i) {
            if (statement.is_null(i)) continue;
            const bool blob = statement.type(i) == sync::sqlite::ColumnType::blob;
            row[std::string(statement.column_name(i))] = blob ? hex_encode(statement.blob(i)) : statement.string(i);
        }
        out.push_back(std::move(row));
    });
    EXPECT_TRUE(done) << sql;
    return out;
}

std::string Library::value(const std::string& sql) {
    const std::vector<Row> found = rows(sql);
    return found.empty() || found[0].empty() ? "" : found[0].begin()->second;
}

std::vector<std::string> Library::dump() {
    std::vector<std::string> out;
    for (const std::string& table : database->synced_tables()) {
        for (Row& row : rows("SELECT * FROM " + table)) {
            row.erase("_updated_at");
            row.erase("added_ms");
            std::string line = table;
            for (const auto& [column, text] : row) line += " " + column + "=" + text;
            out.push_back(std::move(line));
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

uint64_t Library::transactions() {
    const auto size = database->outbox_size();
    EXPECT_TRUE(size);
    return size.value_or(0);
}

std::string output_of(const std::string& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string out;
    char block[4096];
    for (size_t got; pipe && (got = std::fread(block, 1, sizeof block, pipe.get())) > 0;) out.append(block, got);
    const int status = pipe ? ::pclose(pipe.release()) : -1;
    EXPECT_EQ(status, 0) << command;
    return out;
}

std::map<std::string, std::string> sha256sums(const std::vector<fs::path>& files) {
    std::string command = "sha256sum --zero --";
    for (const fs::path& file : files) command += " " + shell_word(file);
    std::istringstream printed(output_of(command));
    std::map<std::string, std::string> sums;
    for (std::string line; std::getline(printed, line, '\0');) sums[line.substr(66)] = line.substr(0, 64);
    EXPECT_EQ(sums.size(), files.size());
    return sums;
}

void set_tag(const fs::path& flac, const std::string& name, const std::string& value) {
    const std::string set = value.empty() ? "" : shell_word("--set-tag=" + name + "=" + value) + " ";
    output_of("metaflac --remove-tag=" + name + " " + set + shell_word(flac));
}

std::vector<fs::path> files_below(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string shell_word(const fs::path& path) {
    std::string out = "'";
    for (const char c : path.string()) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void write_file(const fs::path& path, std::string_view bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

fs::path media(const std::string& folder) { return fs::path(BAE_MEDIA_DIR) / folder; }

}  // namespace bae::node::test
