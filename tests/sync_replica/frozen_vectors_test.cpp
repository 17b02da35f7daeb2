// Our own formats, byte for byte, against tests/vectors/sync.txt, which tests/vectors/sync.py computed apart. If one of
// these fails a format has changed.
#include <fstream>
#include <map>

#include "sync/change_object.h"
#include "sync/head.h"
#include "sync/membership_entry.h"
#include "sync/paths.h"
#include "sync_replica/home.h"

namespace bae::sync::testing {

namespace {

Bytes vector(const std::string& name, const std::string& file = "sync.txt") {
    std::ifstream in(std::filesystem::path(BAE_SOURCE_DIR) / "tests/vectors" / file);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name + " = ")) return hex_decode(line.substr(name.size() + 3)).value();
    }
    ADD_FAILURE() << "no vector " << name;
    return {};
}

template <class T>
T filled(unsigned byte) {
    T value;
    value.bytes.fill(static_cast<std::byte>(byte));
    return value;
}
const crypto::DeviceId kOne = filled<crypto::DeviceId>(1), kTwo = filled<crypto::DeviceId>(2);
crypto::Hash256 library() { return *crypto::Hash256::from(vector("library-id")); }
crypto::KeyId key() { return *crypto::KeyId::from(vector("key-id", "crypto.txt")); }

}  // namespace

TEST(FrozenVectors, FoundingEntryAndLibraryId) {
    Founding founding;
    founding.random = filled<FixedBytes<32>>(0x55);
    founding.identity = *crypto::IdentityPublicKey::from(vector("identity.0", "crypto.txt"));
    founding.next = *crypto::Hash256::from(vector("next", "crypto.txt"));
    founding.certificate = vector("certificate", "crypto.txt");
    founding.key = key();
    EXPECT_EQ(encode_founding(founding), vector("founding"));
    EXPECT_EQ(decode_founding(vector("founding")).value(), founding);
    EXPECT_EQ(to_bytes(library_id_of(vector("founding")).view()), vector("library-id"));
}

TEST(FrozenVectors, MembershipEntries) {
    const MembershipEntry device{EntryKind::device, 1, library(), {library()}, vector("certificate", "crypto.txt")};
    EXPECT_EQ(encode_entry(device), vector("device-entry"));
    EXPECT_EQ(decode_entry(vector("device-entry")).value(), device);
    const KeyContent content{key(), Bytes(60, std::byte{9})};
    const MembershipEntry entry{EntryKind::key,
                                2,
                                filled<crypto::Hash256>(7),
                                {filled<crypto::Hash256>(6), filled<crypto::Hash256>(7)},
                                encode_key_content(content)};
    EXPECT_EQ(encode_entry(entry), vector("key-entry"));
    EXPECT_EQ(decode_entry(vector("key-entry")).value(), entry);
    EXPECT_EQ(decode_key_content(entry.content).value(), content);
}

TEST(FrozenVectors, Heads) {
    Head head;
    head.counter = 300;
    head.number = 2;
    head.hash = filled<crypto::Hash256>(3);
    head.applied = {{kOne, 70000, filled<crypto::Hash256>(4)}, {kTwo, 1, filled<crypto::Hash256>(5)}};
    head.membership = {{kOne, library()}, {kTwo, filled<crypto::Hash256>(6)}};
    head.key = key();
    head.digest = filled<Digest>(8);
    head.snapshot = SnapshotReference{4, filled<crypto::Hash256>(10)};
    head.schema_version = 12;
    head.program_version = "bae 1";
    head.date_ms = 1'700'000'000'000;
    EXPECT_EQ(encode_head(head), vector("head"));
    EXPECT_EQ(decode_head(vector("head")).value(), head);
    Head empty;
    empty.counter = 1;
    empty.membership = {{kOne, library()}};
    empty.key = key();
    empty.schema_version = 1;
    EXPECT_EQ(encode_head(empty), vector("head.empty"));
    EXPECT_EQ(decode_head(vector("head.empty")).value(), empty);
}

TEST(FrozenVectors, ChangeObject) {
    const std::vector<OutboxTransaction> transactions = {
        {1, {1'700'000'000'000, 0, kOne}, {{kTwo, {1'600'000'000'000, 42, kTwo}}}, {std::byte{0x90}}, "import"},
        {2, {1'700'000'000'000, 1, kOne}, {}, {std::byte{0x91}, std::byte{1}}, ""}};
    const ChangeContext context{filled<crypto::Hash256>(3), {{kOne, library()}}, 12};
    const ChangeObject object = decode_change_object(vector("change")).value();
    EXPECT_EQ(object.previous, context.previous);
    EXPECT_EQ(object.membership, context.membership);
    EXPECT_EQ(object.schema_version, 12u);
    ASSERT_EQ(object.transactions.size(), 2u);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_EQ(object.transactions[i].stamp, transactions[i].stamp);
        EXPECT_EQ(object.transactions[i].seen, transactions[i].seen);
        EXPECT_EQ(to_bytes(object.transactions[i].changes), transactions[i].changes);
        EXPECT_EQ(object.transactions[i].message, transactions[i].message);
    }
    EXPECT_EQ(pack_transactions(transactions), object.body);
    EXPECT_EQ(decode_change_object(*encode_change_object(context, transactions))->body, object.body);
}

TEST(ChangeObject, CompressesWhatBecomesSmallerAndRefusesLies) {
    OutboxTransaction transaction{
        1, {1, 0, kOne}, {}, Bytes(100'000, std::byte{7}), std::string(10'000, 'x') + "\xc3\xa9"};
    const Bytes packed = encode_change_object({}, std::span(&transaction, 1)).value();
    EXPECT_LT(packed.size(), 1000u);
    const ChangeObject object = decode_change_object(packed).value();
    EXPECT_EQ(to_bytes(object.transactions.at(0).changes), transaction.changes);
    EXPECT_EQ(object.transactions.at(0).message.size(), kMaxMessageBytes);
    // the stated size of the body stands behind: array, version, previous, no membership, schema, compression
    const size_t at = 1 + 1 + 34 + 1 + 1 + 1;
    ASSERT_EQ(packed[at], std::byte{0xce});
    for (const int difference : {-1, 1}) {
        Bytes lie = packed;
        lie[at + 4] = static_cast<std::byte>(std::to_integer<int>(lie[at + 4]) + difference);
        EXPECT_EQ(decode_change_object(lie).error().kind, ErrorKind::corrupt);
    }
    Bytes huge = packed;
    huge[at + 1] = std::byte{0x7f};
    EXPECT_EQ(decode_change_object(huge).error().kind, ErrorKind::corrupt) << "more than any object may hold";
    Bytes newer = packed;
    newer[1] = std::byte{2};
    EXPECT_EQ(decode_change_object(newer).error().kind, ErrorKind::upgrade_needed);
}

TEST(ChangeObject, StampsMustIncreaseAndThereMustBeOne) {
    const OutboxTransaction a{1, {1, 0, kOne}, {}, {}, ""}, b{2, {2, 0, kOne}, {}, {}, ""};
    const std::vector<OutboxTransaction> backwards = {b, a}, twice = {a, a};
    EXPECT_FALSE(unpack_transactions(pack_transactions(backwards)));
    EXPECT_FALSE(unpack_transactions(pack_transactions(twice)));
    EXPECT_FALSE(unpack_transactions(pack_transactions({})));
    EXPECT_FALSE(encode_change_object({}, {}));
}

TEST(Paths, ReadBackWhatTheyWrite) {
    const auto hash = filled<crypto::Hash256>(0xab);
    EXPECT_EQ(change_path(kOne, 12), "changes/0101010101010101/0000000012.enc");
    EXPECT_EQ(entry_path(kOne, 1, hash), "membership/0101010101010101/0000000001-abababababababab.enc");
    EXPECT_EQ(parse_change_path(change_path(kOne, 12))->number, 12u);
    EXPECT_EQ(parse_entry_path(entry_path(kTwo, 1, hash))->device, kTwo);
    EXPECT_EQ(parse_head_path(head_path(kTwo)), kTwo);
    EXPECT_EQ(parse_key_box_path(key_box_path(key(), {}, kTwo))->writer, kTwo);
    for (const std::string wrong : {"changes/0101010101010101/12.enc", "changes/0101010101010101/0000000000.enc",
                                    "changes/01010101010101zz/0000000001.enc", "changes/0101010101010101/0000000001",
                                    "heads/0101010101010101/x.enc", "heads/.enc", ""}) {
        EXPECT_FALSE(parse_change_path(wrong)) << wrong;
        EXPECT_FALSE(parse_head_path(wrong)) << wrong;
        EXPECT_FALSE(parse_entry_path(wrong)) << wrong;
        EXPECT_FALSE(parse_key_box_path(wrong)) << wrong;
    }
}

}  // namespace bae::sync::testing
