#include "s3/bucket.h"

#include <algorithm>

namespace bae::s3 {

static constexpr size_t kMaxPath = 512;
static constexpr size_t kMaxSegment = 255;
static constexpr size_t kMaxPage = 1000;

static bool is_path_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_path_segment(std::string_view name) {
    // Dots at the beginning hide files (.tmp, NFS's .nfs...), dots at the end are dropped by FAT and SMB.
    return !name.empty() && name.size() <= kMaxSegment && name.front() != '.' && name.back() != '.' &&
           std::all_of(name.begin(), name.end(), is_path_byte);
}

Result<void> check_path(std::string_view path) {
    bool good = path.size() <= kMaxPath;
    for (std::string_view rest = path; good;) {
        const size_t slash = rest.find('/');
        good = is_path_segment(rest.substr(0, slash));
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (good) return {};
    return fail(ErrorKind::invalid_input,
                "\"" + std::string(path.substr(0, kMaxPath)) +
                    "\" is not an object path (segments of a-z, 0-9, '.', '_', '-', joined by '/')");
}

Result<void> check_list(std::string_view prefix, size_t limit) {
    if (limit < 1 || limit > kMaxPage)
        return fail(ErrorKind::invalid_input,
                    "a page of a listing has 1 to 1000 objects, not " + std::to_string(limit));
    // "a/b." and "a/" are no paths, but may go on as one.
    if (prefix.empty() || check_path(prefix)) return {};
    TRY_CONTEXT(check_path(std::string(prefix) + "a"), "listing prefix");
    return {};
}

Result<void> MemoryBody::read(uint64_t offset, ByteSpan out) {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
        return fail(ErrorKind::internal, "read beyond the end of a body");
    const ByteView part = bytes_.subspan(offset, out.size());
    std::copy(part.begin(), part.end(), out.begin());
    return {};
}

Result<PutOutcome> Bucket::put_if_absent(std::string_view path, ByteView bytes) {
    MemoryBody body(bytes);
    return put_if_absent(path, body);
}

Result<void> Bucket::put(std::string_view path, ByteView bytes) {
    MemoryBody body(bytes);
    return put(path, body);
}

Result<std::vector<ObjectInfo>> Bucket::list_all(std::string_view prefix, size_t most) {
    std::vector<ObjectInfo> all;
    const auto wrong = [&](const std::string& what) {
        return fail(ErrorKind::corrupt, describe() + ": its listing of \"" + std::string(prefix) + "\" " + what);
    };
    for (;;) {
        const std::string after = all.empty() ? std::string() : all.back().path;
        ListPage page = TRY(list(prefix, after, kMaxPage));
        for (ObjectInfo& object : page.objects) {
            if (!all.empty() && object.path <= all.back().path) return wrong("is not in order");
            if (all.size() == most) return wrong("has more than " + std::to_string(most) + " objects");
            all.push_back(std::move(object));
        }
        if (!page.truncated) return all;
        if (page.objects.empty()) return wrong("does not end");
    }
}

}  // namespace bae::s3
