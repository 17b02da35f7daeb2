#include "node/import/known_files.h"

#include <algorithm>

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
                known[row.string(0)] = {
                    {row.integer(1), row.integer(2), row.integer(3)}, row.text(4) == "present", false};
            },
            as_bytes(root), as_bytes(first), as_bytes(last)));
    }
    return known;
}

}  // namespace

Result<KnownFiles> known_files(sync::sqlite::Connection& reader, const std::vector<std::string>& roots) {
    return load(
        reader,
        "SELECT path, size, mtime_ns, inode, state FROM local_files WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
        roots);
}

Result<KnownFiles> known_sources(sync::sqlite::Connection& reader, const std::vector<std::string>& roots) {
    return load(
        reader,
        "SELECT i.path, i.size, i.mtime_ns, i.inode, l.state FROM import_items i JOIN local_files l ON l.path = "
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
        if (!row->second.present) result.back.push_back(file.path);
        ++result.skipped;
        --scan.files;
        scan.bytes -= static_cast<uint64_t>(file.identity.size);
        return true;
    };
    for (FoundFolder& folder : scan.folders) std::erase_if(folder.files, is_unchanged);
    std::erase_if(scan.folders, [](const FoundFolder& folder) { return folder.files.empty(); });
    return result;
}

}  // namespace bae::node
