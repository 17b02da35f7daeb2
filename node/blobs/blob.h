#pragma once
// Which bytes a row stands for, and where they lie on a carrier.
//
//   storage/ab/cd/{blob-id}   audio      images/ab/cd/{blob-id}   artwork      (ab, cd: the first bytes of the id)
//
// A file's key comes from its release, at the epoch the release names; a picture's from its owner, release or artist.
#include <optional>
#include <string>

#include "crypto/blob.h"
#include "sync/replica.h"

namespace bae::node {

enum class BlobKind { file, image };

struct Blob {
    BlobKind kind = BlobKind::file;
    std::string row_id;    // release_files or library_images
    std::string owner_id;  // release or artist
    std::string epoch;     // key id in hex, as the row says it; empty: none yet
    std::string name;      // for people
    crypto::Hash256 hash;  // of the plaintext
    uint64_t size = 0;
    std::string author;  // stamp of the row: its device had the bytes
};

// Reads the columns selected by the strings below, from `first` on. corrupt if a hash or size is none.
const char* file_columns();   // of "release_files f JOIN releases r"
const char* image_columns();  // of "library_images f LEFT JOIN releases r"
Result<Blob> read_blob(const sync::sqlite::Statement& row, int first, BlobKind kind);
// Of a row that read_blob refused: kind, ids and name alone.
Blob unsound_blob(const sync::sqlite::Statement& row, int first, BlobKind kind);

// A row id as part of a file name: as it is if it looks like ours, else a hash, because others' rows may say anything.
std::string path_id(std::string_view row_id);
std::string blob_path(BlobKind kind, const crypto::BlobId& id);
// not_found: this device was not given the key.
Result<crypto::BlobKey> key_of(sync::Replica& replica, const Blob& blob);

// What to do about one that the carrier has damaged, appended to what is wrong with it.
constexpr const char* kDamageRemedy =
    " (`bae verify --bucket --read-data`, then `bae sync`, on a device that has it sends it again)";

constexpr uint64_t kMaxImageBytes = 64 << 20;  // larger is taken for an attack on memory or disk

}  // namespace bae::node
