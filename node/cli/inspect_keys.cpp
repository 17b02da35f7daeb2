#include "node/cli/inspect_keys.h"

#include "sync/membership_entry.h"
#include "sync/paths.h"

namespace bae::node {
namespace {

Result<void> open_box(InspectKeys& keys, Bytes box, const crypto::BoxOpener& opener) {
    crypto::EpochMaster master = TRY(crypto::open_key_box(box, opener));
    keys.masters.emplace(master.id(), std::move(master));
    return {};
}

// Boxes of others stay closed; that is no error.
Result<void> open_boxes(InspectKeys& keys, s3::Bucket& mirror, const crypto::DeviceKeys& device,
                        const std::optional<crypto::Identity>& identity) {
    for (const s3::ObjectInfo& info : TRY(mirror.list_all("keys/"))) {
        const auto path = sync::parse_key_box_path(info.path);
        if (!path) continue;
        Bytes box = TRY(mirror.get(info.path, crypto::kMaxObjectBytes));
        if (path->recipient == crypto::recipient_tag(device.id())) {
            static_cast<void>(open_box(keys, std::move(box), [&](ByteView sealed) { return device.open_box(sealed); }));
        } else if (identity && path->recipient == crypto::recipient_tag(keys.library, identity->public_key())) {
            static_cast<void>(
                open_box(keys, std::move(box), [&](ByteView sealed) { return identity->open_box(sealed); }));
        }
    }
    return {};
}

void add(InspectKeys& keys, ByteView bytes) {
    Result<crypto::Certificate> certificate = crypto::Certificate::parse(bytes);
    if (certificate) keys.certificates.emplace(certificate->hash(), std::move(*certificate));
}

Result<Bytes> opened(const InspectKeys& keys, s3::Bucket& mirror, const std::string& path) {
    const Bytes object = TRY(mirror.get(path, crypto::kMaxObjectBytes));
    const auto master = keys.masters.find(TRY(crypto::parse_object(object)).key_id);
    if (master == keys.masters.end()) return fail(ErrorKind::not_found, "its key is not here");
    return crypto::open_object(object, {keys.library, address_of(path)}, master->second);
}

Result<void> read_certificates(InspectKeys& keys, s3::Bucket& mirror) {
    const Result<Bytes> founding = opened(keys, mirror, std::string(sync::kFoundingPath));
    if (founding) {
        const Result<sync::Founding> decoded = sync::decode_founding(*founding);
        if (decoded) add(keys, decoded->certificate);
    }
    for (const s3::ObjectInfo& info : TRY(mirror.list_all("membership/"))) {
        const Result<Bytes> plain = opened(keys, mirror, info.path);
        if (!plain) continue;
        const Result<sync::MembershipEntry> entry = sync::decode_entry(*plain);
        if (entry && entry->kind == sync::EntryKind::device) add(keys, entry->content);
    }
    return {};
}

bool is_object_path(const std::string& path) {
    return path == sync::kFoundingPath || sync::parse_head_path(path) || sync::parse_change_path(path) ||
           sync::parse_entry_path(path) || sync::parse_key_box_path(path);
}

}  // namespace

std::string object_path(const std::filesystem::path& file) {
    std::vector<std::string> parts;
    for (const std::filesystem::path& part : file.lexically_normal()) parts.push_back(part.native());
    std::string tail;
    for (size_t i = parts.size(); i-- > 0;) {
        tail = tail.empty() ? parts[i] : parts[i] + "/" + tail;
        if (is_object_path(tail)) return tail;
    }
    return "";
}

std::string address_of(const std::string& path) {
    const auto entry = sync::parse_entry_path(path);
    return entry ? sync::entry_address(entry->device, entry->number) : path;
}

Result<InspectKeys> inspect_keys(Session& session) {
    InspectKeys keys;
    keys.library = TRY(session.record()).library;
    Secrets* secrets = TRY(session.secrets());
    const crypto::DeviceKeys device = TRY(secrets->device());
    const auto identity = TRY(secrets->identity());
    const auto mirror = TRY(s3::open_directory_bucket({.root = TRY(session.paths()).mirror()}));
    TRY(open_boxes(keys, *mirror, device, identity));
    TRY(read_certificates(keys, *mirror));
    return keys;
}

}  // namespace bae::node
