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
    bool shared = false;   // between processes
    bool repeats = false;  // answers get lost and calls repeated (retry.h): a second creator of equal bytes may be told
                           // `created`
    bool atomic = true;    // of racing creators one is told `created`; without conditional writes several may be
    bool slow = false;     // a call takes some milliseconds: a quarter of the rounds will do
    std::function<std::unique_ptr<Storage>()> make;
    std::function<std::string()> missing = [] { return std::string(); };  // why it cannot be made here; empty: it can
};
inline void PrintTo(const StorageKind& kind, std::ostream* out) { *out << kind.name; }

std::vector<StorageKind> every_kind();
std::vector<StorageKind> shared_kinds();
std::vector<StorageKind> atomic_kinds();
std::vector<StorageKind> shared_atomic_kinds();

std::vector<StorageKind> s3_kinds();  // part of every_kind()

}  // namespace bae::s3::conformance
