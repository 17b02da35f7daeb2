#pragma once
// One blob of the queue, on a worker: sealed and sent; or fetched, if it is a picture that is not here.
#include <optional>
#include <string>

#include "node/blobs/ledger.h"
#include "node/blobs/meter.h"
#include "node/home.h"
#include "s3/bucket.h"

namespace bae::node {

struct Outgoing {
    QueuedBlob queued;
    std::optional<crypto::BlobKey> key;  // none: `outcome` says why
    std::string absence;                 // of a picture: what to say if nobody has the bytes

    BlobOutcome outcome;
    bool answered = false;               // the carrier did what it was asked, or said that it does not have it
    bool moved = false;                  // bytes went over it, instead of lying there already
    std::optional<Error> carrier_error;  // is what made it wait
};

// Sets the second half of a task that has a key. What is wrong with the file is an outcome alone.
void carry_out(s3::Bucket& bucket, const HomePaths& home, Outgoing& task, FileMeter& meter);

// Creates the object, or replaces one of another size: the bytes of a blob follow from its id, so what lies there with
// the right size is taken for it; `get` verifies. That all of it was stored is the bucket's promise. False: it lay
// there already.
Result<bool> put_blob(s3::Bucket& bucket, const std::string& path, s3::Body& body);

BlobOutcome outcome_of(const Outgoing& task, BlobOutcome::State state, std::string reason = {});

}  // namespace bae::node
