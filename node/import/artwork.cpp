#include "node/import/artwork.h"

#include "crypto/base/crash_point.h"
#include "crypto/hash.h"
#include "node/files.h"
#include "node/import/descriptor.h"
#include "node/import/import.h"
#include "node/import/names.h"

namespace bae::node {

std::string artwork_path(const std::string& artwork_dir, const crypto::Hash256& hash) {
    const std::string name = hash.text();
    return artwork_dir + "/" + name.substr(0, 2) + "/" + name;
}

Result<std::optional<StoredPicture>> store_picture(const std::string& directory, ByteView bytes) {
    const std::optional<PictureFormat> format = sniff_picture(bytes);
    if (!format) return std::optional<StoredPicture>();
    const StoredPicture picture{crypto::sha256(bytes), static_cast<int64_t>(bytes.size()), *format};
    if (directory.empty()) return std::optional(picture);
    const std::string path = artwork_path(directory, picture.hash);
    if (file_exists(path)) return std::optional(picture);
    const std::string folder(parent_path(path));
    TRY(make_directories(folder));
    TemporaryFile file = TRY(TemporaryFile::create(folder));
    TRY(write_full(file.descriptor(), bytes));
    TRY(file.sync());
    CRASH_POINT("import: artwork synced");
    const std::string temporary = file.keep();
    const Result<void> published = publish_file(temporary, path);
    if (!published) {
        std::filesystem::remove(temporary);
        // another reader stored the same picture
        if (published.error().kind != ErrorKind::conflict) return tl::unexpected(published.error());
    }
    TRY(sync_directory(folder));
    return std::optional(picture);
}

}  // namespace bae::node
