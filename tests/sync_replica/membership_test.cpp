#include "sync/keyring.h"
#include "sync_replica/forge.h"

namespace bae::sync::testing {

TEST(Membership, ANewEpochReachesEveryDeviceAndSealsFromThenOn) {
    Devices devices(3);
    Forge forge(devices[1]);
    const crypto::EpochMaster newer = crypto::EpochMaster::generate(devices.person.random);
    forge.introduce(*devices.carrier, newer, devices.person.identity);
    forge.name_entry();
    forge.put(*devices.carrier, forge.head(9, 0));
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_EQ(devices[0]->current_key(), newer.id());
    devices[0].add_album("a", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(crypto::parse_object(*devices.carrier->get(change_path(devices[0].id(), 1), UINT64_MAX))->key_id,
              newer.id());
    Home later(devices.person, devices.wall);
    later.restore(devices[0]->library(), *devices.carrier);
    later.must_sync(*devices.carrier);
    EXPECT_EQ(later.dump(), devices[0].dump());
    EXPECT_TRUE(later->release_key(forge.master().id(), "01234567-89ab-cdef-0123-456789abcdef"))
        << "one key opens all earlier ones";
}

TEST(Membership, ABoxAloneMakesNoKeyUsable) {
    Devices devices(2);
    devices[1].add_album("a", "t");
    devices[1].must_sync(*devices.carrier);
    Forge forge(devices[1]);
    const crypto::EpochMaster stray = crypto::EpochMaster::generate(devices.person.random);
    const std::string box =
        key_box_path(stray.id(), crypto::recipient_tag(devices[0]->library(), devices.person.identity.public_key()),
                     devices[1].id());
    ASSERT_TRUE(devices.carrier->put(
        box,
        crypto::seal_key_box({devices[0]->library(), box}, stray,
                             crypto::sealing_key_of(devices.person.identity.public_key())->view(), forge.signer())));
    ASSERT_TRUE(devices.carrier->put(change_path(devices[1].id(), 1),
                                     forge.change(1, {}, {forge.album("a", kStart + 10)}, &stray)));
    forge.put_head(*devices.carrier, 9, 1);
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), stream_name(devices[1].id()) + " unknown_key\n");
}

TEST(Membership, AKeeperBoxesTheKeyForADeviceThatCannotOpenTheIdentitys) {
    Devices devices(2);
    Home other(devices.person, devices.wall, false);
    crypto::CertificateBody body{.identity = devices.person.identity.public_key(),
                                 .device = other.keys().public_keys(),
                                 .issued_s = 1,
                                 .expires_s = 2};
    const auto certificate = crypto::Certificate::issue(body, devices.person.identity, other.keys());
    EXPECT_EQ(other.take(Replica::join(other.options(), devices[0]->library(), certificate, *devices.carrier, nullptr))
                  .error()
                  .kind,
              ErrorKind::denied);
    Forge forge(devices[1]);  // a device entry is there, a box is not
    const crypto::Hash256 root{{devices[0]->library().bytes}};
    const Bytes entry = crypto::seal_object(
        crypto::ObjectKind::membership, {devices[0]->library(), entry_address(other.keys().id(), 1)}, forge.master(),
        {other.keys(), certificate.hash()}, encode_entry({EntryKind::device, 1, root, {root}, certificate.bytes()}));
    ASSERT_TRUE(devices.carrier->put(entry_path(other.keys().id(), 1, crypto::object_hash(entry)), entry));
    Head head = forge.head(9, 0);
    head.membership.push_back({other.keys().id(), crypto::object_hash(entry)});
    std::sort(head.membership.begin(), head.membership.end());
    forge.put(*devices.carrier, head);
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices.paths("keys/" + forge.master().id().text() + "/" + other.keys().id().text()).size(), 1u);
    const auto joined =
        other.take(Replica::join(other.options(), devices[0]->library(), certificate, *devices.carrier, nullptr));
    ASSERT_TRUE(joined) << joined.error().message;
    other.add_album("a", "t");
    other.must_sync(*devices.carrier);
    devices.settle();
    EXPECT_EQ(devices[0].dump(), other.dump());
    const auto before = devices.contents();
    devices.settle();
    EXPECT_EQ(devices.contents(), before) << "one box is enough";
}

TEST(Membership, EntriesNeedTheirPastAndFollowTheirOwnChain) {
    Devices devices(2);
    Membership membership =
        *Membership::begin(*crypto::open_object(*devices.carrier->get("library.bae", UINT64_MAX),
                                                {devices[0]->library(), kFoundingPath}, Forge(devices[0]).master()));
    const crypto::Hash256 root = membership.founding_hash();
    crypto::Hash256 unknown;
    unknown.bytes[0] = std::byte{1};
    std::vector<crypto::Hash256> both{root, unknown};
    std::sort(both.begin(), both.end());
    EXPECT_EQ(membership.missing({EntryKind::device, 1, root, both, {}}), Membership::Missing::past);
    const MembershipEntry second{static_cast<EntryKind>(99), 2, root, {root}, {}};
    EXPECT_FALSE(membership.add(unknown, devices[0].id(), second)) << "number 2 follows number 1";
    const MembershipEntry first{static_cast<EntryKind>(99), 1, root, {root}, {}};
    EXPECT_TRUE(membership.add(unknown, devices[0].id(), first));
    EXPECT_TRUE(membership.has_unknown_kind(devices[0].id()));
    EXPECT_EQ(membership.chain_end(devices[0].id()).number, 1u);
}

TEST(Restore, RefusesAnotherPersonsLibraryAndAnotherLibrary) {
    Devices devices(1);
    Person stranger(9);
    Home theirs(stranger, devices.wall);
    EXPECT_EQ(
        theirs.take(Replica::restore(theirs.options(), devices[0]->library(), std::nullopt, *devices.carrier, nullptr))
            .error()
            .kind,
        ErrorKind::denied);
    Home ours(devices.person, devices.wall);
    crypto::LibraryId other = devices[0]->library();
    other.bytes[0] ^= std::byte{1};
    EXPECT_FALSE(ours.take(Replica::restore(ours.options(), other, std::nullopt, *devices.carrier, nullptr)));
    auto empty = s3::make_memory_bucket();
    EXPECT_EQ(
        ours.take(Replica::restore(ours.options(), devices[0]->library(), std::nullopt, *empty, nullptr)).error().kind,
        ErrorKind::not_found);
    EXPECT_EQ(devices[0]
                  .take(Replica::restore(devices[0].options(), devices[0]->library(), std::nullopt, *devices.carrier,
                                         nullptr))
                  .error()
                  .kind,
              ErrorKind::conflict);
    EXPECT_EQ(devices[0].take(Replica::found(devices[0].options(), devices.person.next)).error().kind,
              ErrorKind::conflict);
    EXPECT_EQ(ours.take(Replica::open(ours.options())).error().kind, ErrorKind::not_found);
}

}  // namespace bae::sync::testing
