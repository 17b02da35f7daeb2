#pragma once
// What `bae inspect` can open: the certificates and epoch masters that the mirror of a home has, as far as its secrets
// open them.
#include <map>
#include <optional>

#include "crypto/object.h"
#include "node/cli/session.h"

namespace bae::node {

struct InspectKeys {
    crypto::LibraryId library;
    std::map<crypto::KeyId, crypto::EpochMaster> masters;
    std::map<crypto::CertificateHash, crypto::Certificate> certificates;
};
// Of the library in this home.
Result<InspectKeys> inspect_keys(Session& session);

// The path an object lies at, from the path of a copy of its mirror or bucket: the last part that is one; empty if none
// is.
std::string object_path(const std::filesystem::path& file);
// What the object is sealed for: its path, for an entry up to its number.
std::string address_of(const std::string& path);

}  // namespace bae::node
