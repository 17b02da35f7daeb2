#include "sync/paths.h"

#include <fmt/format.h>

#include <vector>

namespace bae::sync {

namespace {

constexpr std::string_view kEnding = ".enc";
constexpr size_t kNumberDigits = 10;

// The segments of "{first}/.../name.enc" without the ending; empty if it is anything else.
std::vector<std::string_view> segments(std::string_view path, std::string_view first, size_t count) {
    if (!path.ends_with(kEnding)) return {};
    path.remove_suffix(kEnding.size());
    std::vector<std::string_view> parts;
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
        parts.push_back(path.substr(0, slash));
        path.remove_prefix(slash + 1);
    }
    parts.push_back(path);
    if (parts.size() != count || parts[0] != first) return {};
    return parts;
}

template <class T>
std::optional<T> parse_id(std::string_view text) {
    Result<T> id = T::parse(text);
    if (!id) return std::nullopt;
    return *id;
}

std::optional<uint64_t> parse_number(std::string_view text) {
    if (text.size() != kNumberDigits) return std::nullopt;
    uint64_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + static_cast<uint64_t>(c - '0');
    }
    if (number == 0) return std::nullopt;
    return number;
}

}  // namespace

std::string change_path(const crypto::DeviceId& device, uint64_t number) {
    return fmt::format("changes/{}/{:010}.enc", device.text(), number);
}

std::string head_path(const crypto::DeviceId& device) { return fmt::format("heads/{}.enc", device.text()); }

std::string entry_directory(const crypto::DeviceId& device) { return fmt::format("membership/{}/", device.text()); }

std::string entry_address(const crypto::DeviceId& device, uint64_t number) {
    return fmt::format("membership/{}/{:010}", device.text(), number);
}

std::string entry_path(const crypto::DeviceId& device, uint64_t number, const crypto::Hash256& hash) {
    return fmt::format("{}-{}.enc", entry_address(device, number), hash.text().substr(0, 16));
}

std::string key_box_path(const crypto::KeyId& key, const crypto::RecipientTag& recipient,
                         const crypto::DeviceId& writer) {
    return fmt::format("keys/{}/{}/{}.enc", key.text(), recipient.text(), writer.text());
}

std::string stream_name(const crypto::DeviceId& device) { return "changes/" + device.text(); }

std::optional<crypto::DeviceId> parse_head_path(std::string_view path) {
    const auto parts = segments(path, "heads", 2);
    if (parts.empty()) return std::nullopt;
    return parse_id<crypto::DeviceId>(parts[1]);
}

std::optional<ChangePath> parse_change_path(std::string_view path) {
    const auto parts = segments(path, "changes", 3);
    if (parts.empty()) return std::nullopt;
    const auto device = parse_id<crypto::DeviceId>(parts[1]);
    const auto number = parse_number(parts[2]);
    if (!device || !number) return std::nullopt;
    return ChangePath{*device, *number};
}

std::optional<EntryPath> parse_entry_path(std::string_view path) {
    const auto parts = segments(path, "membership", 3);
    if (parts.empty() || parts[2].size() != kNumberDigits + 17 || parts[2][kNumberDigits] != '-') return std::nullopt;
    const auto device = parse_id<crypto::DeviceId>(parts[1]);
    const auto number = parse_number(parts[2].substr(0, kNumberDigits));
    EntryPath entry;
    if (!device || !number || !hex_decode_into(parts[2].substr(kNumberDigits + 1), entry.hash_start.bytes))
        return std::nullopt;
    entry.device = *device;
    entry.number = *number;
    return entry;
}

std::optional<KeyBoxPath> parse_key_box_path(std::string_view path) {
    const auto parts = segments(path, "keys", 4);
    if (parts.empty()) return std::nullopt;
    const auto key = parse_id<crypto::KeyId>(parts[1]);
    const auto recipient = parse_id<crypto::RecipientTag>(parts[2]);
    const auto writer = parse_id<crypto::DeviceId>(parts[3]);
    if (!key || !recipient || !writer) return std::nullopt;
    return KeyBoxPath{*key, *recipient, *writer};
}

}  // namespace bae::sync
