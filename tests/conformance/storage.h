#pragma once
// What the conformance suite runs against. A new kind of bucket joins by one more line in storage.cpp.
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "s3/bucket.h"

namespace bae::s3::conformance {

// One empty place, gone with this object.
class Storage {
  public:
    virtual ~Storage() = default;
    // A client of it. Clients opened in different processes share the place if the storage is shared.
    virtual std::unique_ptr<Bucket> open() = 0;
};

struct StorageKind {
    std::string name;
    bool shared;   // between processes
    bool repeats;  // answers get lost and calls repeated (retry.h): a second creator of equal bytes may be told
                   // `created`
    std::function<std::unique_ptr<Storage>()> make;
};
inline void PrintTo(const StorageKind& kind, std::ostream* out) { *out << kind.name; }

std::vector<StorageKind> every_kind();
std::vector<StorageKind> shared_kinds();

}  // namespace bae::s3::conformance
