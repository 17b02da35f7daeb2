#pragma once
// Where objects lie on a carrier and in the mirror. Paths name devices and keys, never persons.
//
//   library.bae                                  founding entry
//   membership/{device}/{n:010}-{hash:16}.enc    entry n of a device's chain, hash = first 8 bytes of its object's
//   SHA-256 keys/{key-id}/{recipient}/{writer}.enc       an epoch master, boxed heads/{device}.enc
//   changes/{device}/{n:010}.enc
//
// An object is sealed and signed for its path. An entry's path holds a hash of the finished object, so what binds an
// entry is its address: the path up to the number.
#include <optional>
#include <string>
#include <string_view>

#include "crypto/ids.h"

namespace bae::sync {

constexpr std::string_view kFoundingPath = "library.bae";
constexpr uint64_t kMaxObjectNumber = 9'999'999'999;

std::string change_path(const crypto::DeviceId& device, uint64_t number);
std::string head_path(const crypto::DeviceId& device);
std::string entry_directory(const crypto::DeviceId& device);  // ends with '/'
std::string entry_address(const crypto::DeviceId& device, uint64_t number);
std::string entry_path(const crypto::DeviceId& device, uint64_t number, const crypto::Hash256& hash);
std::string key_box_path(const crypto::KeyId& key, const crypto::RecipientTag& recipient,
                         const crypto::DeviceId& writer);
std::string stream_name(const crypto::DeviceId& device);  // "changes/{device}", what holds and alarms call a stream

struct ChangePath {
    crypto::DeviceId device;
    uint64_t number = 0;
};
struct EntryPath {
    crypto::DeviceId device;
    uint64_t number = 0;
    FixedBytes<8> hash_start;
};
struct KeyBoxPath {
    crypto::KeyId key;
    crypto::RecipientTag recipient;
    crypto::DeviceId writer;
};
// Absent for anything that is not exactly such a path.
std::optional<crypto::DeviceId> parse_head_path(std::string_view path);
std::optional<ChangePath> parse_change_path(std::string_view path);
std::optional<EntryPath> parse_entry_path(std::string_view path);
std::optional<KeyBoxPath> parse_key_box_path(std::string_view path);

}  // namespace bae::sync
