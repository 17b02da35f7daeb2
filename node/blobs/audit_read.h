#pragma once
// The part of an audit (audit.h) that reads: blobs on the carrier, fetched and opened, for nothing but to know.
#include <string>
#include <vector>

#include "node/blobs/blob.h"
#include "node/blobs/send.h"

namespace bae::node {

struct AuditedBlob {
    crypto::BlobId id;
    Blob blob;
    bool damaged = false;
    std::string problem;  // not empty: it could not be read, or is damaged and could not be removed; safe to show
};

// Sets the second half of each. What is damaged is removed. An error is about the carrier as a whole, or cancelled.
Result<void> read_blobs(const BlobRound& round, std::vector<AuditedBlob>& blobs);

}  // namespace bae::node
