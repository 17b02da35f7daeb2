// Every flipped bit, every truncation, every swap, move and replay of an object is refused, and stops its own stream
// only.
#include "sync/paths.h"
#include "sync/sealed_reader.h"
#include "sync_replica/forge.h"

namespace bae::sync::testing {

namespace {

struct Written : Devices {
    Written() : Devices(3) {
        for (size_t i = 0; i < 3; i++) {
            homes[i]->add_album("a" + std::to_string(i), "t");
            homes[i]->must_sync(*carrier);
        }
        homes[1]->add_album("b1", "t");
        homes[1]->must_sync(*carrier);
        intact = contents();
        reader = std::make_unique<Home>(person, wall);
        reader->restore((*homes[0])->library(), *carrier);
    }
    // The reader's first sync with this object in place of the good one. It must not believe it, must say so, must
    // apply device 2's row, and must be well as soon as the good bytes are back.
    void expect_refused(const std::string& path, const Bytes& bytes, const std::string& what) {
        ASSERT_TRUE(carrier->put(path, bytes));
        const std::unique_ptr<Home> fresh = reader->clone();
        static_cast<void>(fresh->sync(*carrier));
        EXPECT_FALSE(fresh->status().holds.empty() && fresh->status().alarms.empty()) << what;
        EXPECT_EQ(fresh->dump().find("forged"), std::string::npos) << what;
        if (path.find(homes[1]->id().text()) != std::string::npos) {
            EXPECT_NE(fresh->dump().find("albums|a2|"), std::string::npos) << what << ": other streams go on\n"
                                                                           << fresh->holds();
            EXPECT_EQ(fresh->dump().find("albums|b1|"), std::string::npos) << what;
        }
        ASSERT_TRUE(carrier->put(path, intact.at(path)));
        fresh->must_sync(*carrier);
        EXPECT_EQ(fresh->holds(), "") << what;
        EXPECT_EQ(fresh->dump(), homes[1]->dump()) << what;
    }
    std::map<std::string, Bytes> intact;
    std::unique_ptr<Home> reader;
};

// Samples, more of them in header and trailer; EveryFlippedBit looks at all, without a round each.
std::vector<size_t> offsets_of(size_t size) {
    std::vector<size_t> offsets;
    for (size_t at = 0; at < size; at += at < 64 || at + 100 > size ? 23 : 97) offsets.push_back(at);
    return offsets;
}

}  // namespace

TEST(Tamper, FlippedBitsOfChangesAndHeads) {
    Written devices;
    for (const std::string& path : {change_path(devices[1].id(), 2), head_path(devices[1].id())}) {
        const Bytes& good = devices.intact.at(path);
        for (const size_t at : offsets_of(good.size())) {
            Bytes bad = good;
            bad[at] ^= static_cast<std::byte>(1u << (at % 8));
            devices.expect_refused(path, bad, path + " bit " + std::to_string(at * 8 + at % 8));
        }
    }
}

TEST(Tamper, EveryFlippedBitIsRefusedByTheDecoders) {
    Written devices;
    Forge forge(devices[1]);
    Membership membership = *Membership::begin(
        *crypto::open_object(devices.intact.at("library.bae"), {devices[0]->library(), kFoundingPath}, forge.master()));
    Keyring keyring;
    keyring.add(forge.master().duplicate());
    for (const auto& [path, bytes] : devices.intact) {
        const auto place = parse_entry_path(path);
        if (!place) continue;
        ASSERT_TRUE(
            membership.add(crypto::object_hash(bytes), place->device, *open_entry(membership, keyring, *place, bytes)));
    }
    const crypto::DeviceId device = devices[1].id();
    const auto opens = [&](const std::string& path, const Bytes& bytes) {
        if (const auto entry = parse_entry_path(path))
            return open_entry(membership, keyring, *entry, bytes).has_value();
        if (const auto box = parse_key_box_path(path)) {
            return open_verified_box(membership, *box, bytes,
                                     [&](ByteView sealed) { return devices.person.identity.open_box(sealed); })
                .has_value();
        }
        if (path == kFoundingPath) return open_founding(devices[0]->library(), keyring, bytes).has_value();
        const bool head = parse_head_path(path).has_value();
        return open_verified(membership, keyring, head ? crypto::ObjectKind::head : crypto::ObjectKind::change, path,
                             device, bytes)
            .has_value();
    };
    for (const auto& [path, good] : devices.intact) {
        const bool of_other =
            (parse_head_path(path) || parse_change_path(path)) && path.find(device.text()) == std::string::npos;
        if (of_other) continue;
        ASSERT_TRUE(opens(path, good)) << path;
        for (size_t bit = 0; bit < good.size() * 8; bit++) {
            Bytes bad = good;
            bad[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
            EXPECT_FALSE(opens(path, bad)) << path << " bit " << bit;
        }
        for (size_t size = 0; size < good.size(); size++)
            EXPECT_FALSE(opens(path, Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size))))
                << path << " cut to " << size;
    }
}

TEST(Tamper, TruncatedObjects) {
    Written devices;
    const std::string path = change_path(devices[1].id(), 2);
    const Bytes& good = devices.intact.at(path);
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{52}, size_t{53}, good.size() / 2, good.size() - 96, good.size() - 1}) {
        devices.expect_refused(path, Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)),
                               "cut to " + std::to_string(size));
    }
}

TEST(Tamper, SwappedMovedAndReplayedObjects) {
    Written devices;
    const std::string second = change_path(devices[1].id(), 2);
    devices.expect_refused(second, devices.intact.at(change_path(devices[1].id(), 1)), "its own earlier object");
    devices.expect_refused(second, devices.intact.at(change_path(devices[2].id(), 1)), "another device's object");
    devices.expect_refused(second, devices.intact.at(head_path(devices[1].id())), "a head");
    devices.expect_refused(second, devices.intact.at("library.bae"), "the founding entry");
    devices.expect_refused(head_path(devices[1].id()), devices.intact.at(head_path(devices[2].id())),
                           "another device's head");
    devices.expect_refused(head_path(devices[1].id()), devices.intact.at(second), "a change as a head");
}

TEST(Tamper, ObjectsOfAnotherLibraryOfTheSamePerson) {
    Written devices;
    Home other(devices.person, devices.wall);
    other.found();
    auto carrier = s3::make_memory_bucket();
    other.use(*carrier);
    other.add_album("x", "t");
    other.must_sync(*carrier);
    devices.expect_refused(change_path(devices[1].id(), 2), *carrier->get(change_path(other.id(), 1), UINT64_MAX),
                           "another library's object");
}

TEST(Tamper, TransactionsStampedBySomebodyElseOrBackwards) {
    Written devices;
    Forge forge(devices[1]);
    const std::string path = change_path(devices[1].id(), 2);
    const crypto::Hash256 previous = crypto::object_hash(devices.intact.at(change_path(devices[1].id(), 1)));
    devices.expect_refused(path,
                           forge.change(2, previous, {forge.album("x", Stamp{kStart + 9000, 0, devices[2].id()})}),
                           "another device's stamp");
    devices.expect_refused(path, forge.change(2, previous, {forge.album("x", kStart - 1)}),
                           "a stamp before the last one");
    OutboxTransaction nonsense = forge.album("x", kStart + 9000);
    nonsense.changes = to_bytes(as_bytes("nonsense"));
    devices.expect_refused(path, forge.change(2, previous, {nonsense}), "changes that are none");
}

TEST(Tamper, AStrangersDeviceIsNotBelieved) {
    Written devices;
    Person stranger(77);
    const auto keys = crypto::DeviceKeys::generate(stranger.random);
    crypto::CertificateBody body{.identity = stranger.identity.public_key(),
                                 .device = keys.public_keys(),
                                 .keeper = true,
                                 .next = stranger.next,
                                 .issued_s = 1,
                                 .expires_s = 2};
    const auto certificate = crypto::Certificate::issue(body, stranger.identity, keys);
    Forge forge(devices[1]);  // even with the library's key
    const crypto::Hash256 root{{devices[0]->library().bytes}};
    const Bytes entry = crypto::seal_object(
        crypto::ObjectKind::membership, {devices[0]->library(), entry_address(keys.id(), 1)}, forge.master(),
        {keys, certificate.hash()}, encode_entry({EntryKind::device, 1, root, {root}, certificate.bytes()}));
    ASSERT_TRUE(devices.carrier->put(entry_path(keys.id(), 1, crypto::object_hash(entry)), entry));
    Head head = forge.newest_head();
    ASSERT_TRUE(devices.carrier->put(
        head_path(keys.id()),
        crypto::seal_object(crypto::ObjectKind::head, {devices[0]->library(), head_path(keys.id())}, forge.master(),
                            {keys, certificate.hash()}, encode_head(head))));
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_hold(HoldReason::unknown_device));
    EXPECT_TRUE(devices[0].has_hold(HoldReason::bad_signature));
    EXPECT_EQ(devices[0].status().devices.size(), 3u);
    EXPECT_NE(devices[0].dump().find("albums|b1|"), std::string::npos);
}

}  // namespace bae::sync::testing
