#include "node/blobs/blob.h"

#include <fmt/format.h>

#include "node/output/escape.h"

namespace bae::node {

const char* file_columns() { return "f.id, f.release_id, r.key_epoch, f.name, f.file_hash, f.size, f._updated_at"; }

const char* image_columns() {
    return "f.id, f.owner_id, coalesce(f.key_epoch, r.key_epoch), f.kind || ' of ' || f.owner_id, f.file_hash, f.size, "
           "f._updated_at";
}

Blob unsound_blob(const sync::sqlite::Statement& row, int first, BlobKind kind) {
    return {.kind = kind,
            .row_id = row.string(first),
            .owner_id = row.string(first + 1),
            .epoch = row.string(first + 2),
            .name = row.string(first + 3)};
}

Result<Blob> read_blob(const sync::sqlite::Statement& row, int first, BlobKind kind) {
    Blob blob = unsound_blob(row, first, kind);
    const int64_t size = row.integer(first + 5);
    const Result<crypto::Hash256> hash = crypto::Hash256::from(row.blob(first + 4));
    if (!hash || size < 0 || (kind == BlobKind::image && size > static_cast<int64_t>(kMaxImageBytes))) {
        return fail(ErrorKind::corrupt,
                    fmt::format("{}: its row has no sound hash or size; import it again", shown(blob.name)));
    }
    blob.hash = *hash;
    blob.size = static_cast<uint64_t>(size);
    blob.author = row.string(first + 6);
    return blob;
}

std::string path_id(std::string_view row_id) {
    constexpr size_t kIdBytes = 36;
    const bool ours = row_id.size() == kIdBytes && row_id.find_first_not_of("0123456789abcdef-") == row_id.npos;
    return ours ? std::string(row_id) : hex_encode(crypto::sha256(as_bytes(row_id)).view());
}

std::string blob_path(BlobKind kind, const crypto::BlobId& id) {
    const std::string text = id.text();
    return fmt::format("{}/{}/{}/{}", kind == BlobKind::file ? "storage" : "images", text.substr(0, 2),
                       text.substr(2, 2), text);
}

Result<crypto::BlobKey> key_of(sync::Replica& replica, const Blob& blob) {
    if (blob.epoch.empty())
        return fail(ErrorKind::not_found, fmt::format("{}: no key is named for it; import it again", shown(blob.name)));
    const crypto::KeyId epoch = TRY_CONTEXT(crypto::KeyId::parse(blob.epoch), shown(blob.name));
    return crypto::BlobKey(TRY_CONTEXT(replica.release_key(epoch, blob.owner_id), shown(blob.name)), blob.hash,
                           blob.size);
}

}  // namespace bae::node
