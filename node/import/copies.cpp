#include "node/import/copies.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "crypto/base/crash_point.h"
#include "crypto/hash.h"
#include "node/files.h"
#include "node/import/descriptor.h"
#include "node/import/names.h"

namespace bae::node {
namespace {

constexpr int kMaxNames = 1000;

std::string_view ending(MediaType type) {
    switch (type) {
        case MediaType::flac:
            return ".flac";
        case MediaType::mpeg:
            return ".mp3";
        case MediaType::vorbis:
            return ".ogg";
        case MediaType::opus:
            return ".opus";
        case MediaType::mp4:
            return ".m4a";
        case MediaType::wav:
            return ".wav";
        case MediaType::none:
            break;
    }
    return "";
}

std::string two_digits(int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string folder_of(const std::string& directory, const ReleaseGroup& group) {
    const std::string artist = group.artist_credit.empty() ? "Unknown Artist" : group.artist_credit;
    const auto date = group.first<&FileTags::date>();
    const std::string year = date ? " (" + date->substr(0, 4) + ")" : "";
    return directory + "/" + safe_file_name(artist) + "/" + safe_file_name(group.album_title) + year;
}

std::string name_of(const ReleaseGroup& group, const ImportFile& file) {
    std::string name;
    if (group.files.back().disc() > 1) name += std::to_string(file.disc()) + "-";
    if (const auto number = file.number()) name += two_digits(*number) + " ";
    return name + safe_file_name(file.title());
}

// Of the file that stands there; by reading it, which happens only where names collide.
bool has_content(const std::string& path, const ReadFile& wanted) {
    const Result<File> file = File::open_to_read(path);
    if (!file) return false;
    const Result<uint64_t> size = file->size();
    if (!size || *size != static_cast<uint64_t>(wanted.identity.size)) return false;
    crypto::Sha256 hash;
    Bytes block(1 << 20);
    for (uint64_t at = 0; at < *size;) {
        const Result<size_t> got = file->read(at, block);
        if (!got || *got == 0) return false;
        hash.update(ByteView(block).first(*got));
        at += *got;
    }
    return hash.finish() == wanted.hash;
}

Result<void> take_identity(ImportFile& file) {
    struct stat info {};
    if (::stat(file.path.c_str(), &info) != 0)
        return tl::unexpected(errno_error(errno, "cannot look at the copy " + clean_text(file.path)));
    file.read.identity = {info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                          static_cast<int64_t>(info.st_ino)};
    return {};
}

Result<void> publish(const std::string& stem, ImportFile& file) {
    for (int attempt = 1; attempt <= kMaxNames; ++attempt) {
        file.path =
            stem + (attempt == 1 ? "" : " (" + std::to_string(attempt) + ")") + std::string(ending(file.read.type));
        const Result<void> published = publish_file(file.read.temporary_copy, file.path);
        if (published) return {};
        if (published.error().kind != ErrorKind::conflict) return published;
        if (!has_content(file.path, file.read)) continue;
        ::unlink(file.read.temporary_copy.c_str());
        return {};
    }
    return fail(ErrorKind::conflict, "too many different files are called " + clean_text(stem));
}

Result<std::optional<std::string>> copy_in_library(sync::sqlite::Connection& reader, const std::string& directory,
                                                   const ReadFile& file) {
    std::optional<std::string> found;
    const std::string prefix = directory + "/";
    TRY(reader.each(
        "SELECT path FROM local_files WHERE file_hash = ? AND state = 'present' ORDER BY path",
        [&](const auto& row) {
            if (!found && row.text(0).starts_with(prefix) && !file_is_gone(row.string(0))) found = row.string(0);
        },
        file.hash.view()));
    return found;
}

}  // namespace

Result<void> place_copies(sync::sqlite::Connection& reader, const std::string& directory, ReleaseGroup& group) {
    const std::string folder = folder_of(directory, group);
    TRY(make_directories(folder));
    for (ImportFile& file : group.files) {
        if (const auto there = TRY(copy_in_library(reader, directory, file.read))) {
            ::unlink(file.read.temporary_copy.c_str());
            file.path = *there;
        } else {
            TRY(publish(folder + "/" + name_of(group, file), file));
        }
        file.read.temporary_copy.clear();
        TRY(take_identity(file));
        CRASH_POINT("import: copy named");
    }
    return sync_directory(folder);
}

void remove_stale_copies(const std::string& directory) {
    std::error_code ignored;
    const auto now = std::filesystem::file_time_type::clock::now();
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (!entry.path().filename().native().starts_with(".import-")) continue;
        if (now - entry.last_write_time(ignored) > std::chrono::hours(24))
            std::filesystem::remove(entry.path(), ignored);
    }
}

}  // namespace bae::node
