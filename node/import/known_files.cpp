#include "node/import/known_files.h"

#include <unistd.h>

#include <algorithm>

#include "node/import/audio_mark.h"
#include "node/import/import.h"

namespace bae::node {
namespace {

Result<KnownFiles> load(sync::sqlite::Connection& reader, const std::string& sql,
                        const std::vector<std::string>& roots) {
    KnownFiles known;
    for (const std::string& root : roots) {
        // '0' is what follows '/': everything below the root lies between the two
        const std::string folder = root == "/" ? "" : root;
        const std::string first = folder + "/", last = folder + "0";
        TRY(reader.each(
            sql,
            [&](const auto& row) {
                known[row.string(0)] = {.identity = {row.integer(1), row.integer(2), row.integer(3)},
                                        .present = row.text(4) == "present",
                                        .missing = row.text(4) == "missing",
                                        .was_read = row.integer(5) != 0};
            },
            as_bytes(root), as_bytes(first), as_bytes(last)));
    }
    return known;
}

}  // namespace

Result<KnownFiles> known_files(sync::sqlite::Connection& reader, const std::vector<std::string>& roots) {
    return load(
        reader,
        "SELECT path, size, mtime_ns, inode, state, tag_marks <> x'' FROM local_files WHERE path = ?1 OR (path >= ?2 "
        "AND path < ?3)",
        roots);
}

Result<KnownFiles> known_sources(sync::sqlite::Connection& reader, const std::vector<std::string>& roots) {
    return load(
        reader,
        "SELECT i.path, i.size, i.mtime_ns, i.inode, l.state, 1 FROM import_items i JOIN local_files l ON l.path = "
        "i.copy_path "
        "WHERE i.outcome = 'copied' AND l.state = 'present' AND (i.path = ?1 OR (i.path >= ?2 AND i.path < ?3))",
        roots);
}

Unchanged drop_unchanged(Scan& scan, KnownFiles& known) {
    Unchanged result;
    const auto is_unchanged = [&](const FoundFile& file) {
        const auto row = known.find(file.path);
        if (row == known.end()) return false;
        row->second.found = true;
        if (row->second.identity != file.identity) return false;
        const bool as_imported = row->second.present || row->second.missing;
        if (!as_imported || !row->second.was_read) return false;
        if (row->second.missing) result.back.push_back(file.path);
        ++result.skipped;
        --scan.files;
        scan.bytes -= static_cast<uint64_t>(file.identity.size);
        return true;
    };
    for (FoundFolder& folder : scan.folders) std::erase_if(folder.files, is_unchanged);
    std::erase_if(scan.folders, [](const FoundFolder& folder) { return folder.files.empty(); });
    return result;
}

Result<std::optional<ImportedFile>> imported_at(sync::sqlite::Connection& connection, const std::string& path) {
    auto* row = TRY(connection.cached(
        "SELECT l.file_id, f.release_id, l.file_hash, l.tag_marks, l.audio_mark, l.group_key FROM local_files l JOIN "
        "release_files f ON f.id = l.file_id WHERE l.path = ?"));
    if (!TRY(row->with(as_bytes(path)).step())) return std::optional<ImportedFile>();
    ImportedFile known{.path = path,
                       .file_id = row->string(0),
                       .release_id = row->string(1),
                       .hash = TRY(crypto::Hash256::from(row->blob(2))),
                       .tag_marks = to_bytes(row->blob(3)),
                       .audio_mark = to_bytes(row->blob(4)),
                       .group_key = to_bytes(row->blob(5))};
    row->reset();
    return std::optional(std::move(known));
}

Result<std::optional<ImportedFile>> imported_from(sync::sqlite::Connection& connection, const std::string& source) {
    std::optional<std::string> copy;
    TRY(connection.each(
        "SELECT copy_path FROM import_items i WHERE path = ?1 AND outcome = 'copied' AND NOT EXISTS (SELECT 1 FROM "
        "import_items other WHERE other.copy_path = i.copy_path AND other.path <> ?1)",
        [&](const auto& row) { copy = row.string(0); }, as_bytes(source)));
    return copy ? imported_at(connection, *copy) : std::optional<ImportedFile>();
}

namespace {

Result<bool> is_retagged(sync::sqlite::Connection& reader, const ImportFile& file, const ImportedFile& known) {
    if (!known.audio_mark.empty() && known.audio_mark == file.read.audio_mark) return true;
    if (changed_columns(known.tag_marks, file.read.marks).empty()) return false;
    if (sound_bytes(file.read.audio_mark) < sound_bytes(known.audio_mark)) return false;
    const auto length =
        TRY(reader.integer("SELECT length_ms FROM audio_formats WHERE file_id = ? LIMIT 1", known.file_id));
    return file.read.properties.length_ms >= length.value_or(0);
}

std::string damage_of(const ImportedFile& known) {
    return "differs from what was imported, and not only in its tags: put the good file back, or move this one away "
           "and run bae get " +
           known.file_id + "; if it was replaced on purpose, import this very file with --again";
}

}  // namespace

Result<std::vector<FailedFile>> take_damaged(sync::sqlite::Connection& reader, ReleaseGroup& group,
                                             const ImportOptions& options) {
    std::vector<FailedFile> damaged;
    std::vector<ImportFile> sound;
    for (ImportFile& file : group.files) {
        std::optional<ImportedFile> known = TRY(imported_at(reader, file.source));
        if (!known && options.copy_to) known = TRY(imported_from(reader, file.source));
        const bool believed = !known || known->hash == file.read.hash || (options.again && file.named) ||
                              TRY(is_retagged(reader, file, *known));
        if (believed) {
            sound.push_back(std::move(file));
            continue;
        }
        damaged.push_back({file.source, damage_of(*known)});
        if (!file.read.temporary_copy.empty()) ::unlink(file.read.temporary_copy.c_str());
    }
    group.files = std::move(sound);
    return damaged;
}

}  // namespace bae::node
