#pragma once
// What a device with all keys could write if its program were another: objects of any content, validly sealed and
// signed.
#include "crypto/object.h"
#include "sync/change_object.h"
#include "sync/head.h"
#include "sync/keyring.h"
#include "sync/paths.h"
#include "sync_replica/home.h"

namespace bae::sync::testing {

class Forge {
  public:
    explicit Forge(Home& home)
        : keys_(*crypto::DeviceKeys::from_secret(home.keys().secret().view())),
          certificate_(home->certificate()),
          library_(home->library()) {
        const crypto::Identity& identity = home.person().identity;
        for (const auto& info : home.mirror().list_all("keys/").value_or(std::vector<s3::ObjectInfo>{})) {
            auto master = crypto::open_key_box(*home.mirror().get(info.path, UINT64_MAX),
                                               [&](ByteView sealed) { return identity.open_box(sealed); });
            if (master) keyring_.add(std::move(*master));
        }
        newest_head_ = *home.mirror().get(head_path(keys_.id()), UINT64_MAX);
    }

    const crypto::EpochMaster& master() const { return *keyring_.all().at(0); }
    crypto::Signer signer() const { return {keys_, certificate_.hash()}; }

    // An INSERT of one album, stamped by this device.
    OutboxTransaction album(const std::string& id, int64_t ms) const { return album(id, Stamp{ms, 0, keys_.id()}); }
    OutboxTransaction album(const std::string& id, const Stamp& stamp) const {
        OutboxTransaction transaction;
        transaction.stamp = stamp;
        Packer out(transaction.changes);
        out.array(1);  // one table
        out.array(5);
        out.text("albums");
        out.array(1);
        out.text("title");
        out.array(1);  // one insert
        out.array(2);
        out.text(id);
        out.text("forged");
        out.array(0);
        out.array(0);
        return transaction;
    }
    Bytes change(uint64_t number, const crypto::Hash256& previous, const std::vector<OutboxTransaction>& transactions,
                 const crypto::EpochMaster* key = nullptr) const {
        return seal(crypto::ObjectKind::change, change_path(keys_.id(), number),
                    *encode_change_object({previous, newest_head().membership, 1}, transactions), key);
    }
    // The same, by an author who has read these entries.
    Bytes change_after(std::vector<EntryReference> read, uint64_t number, const crypto::Hash256& previous,
                       const std::vector<OutboxTransaction>& transactions) const {
        return seal(crypto::ObjectKind::change, change_path(keys_.id(), number),
                    *encode_change_object({previous, std::move(read), 1}, transactions));
    }
    Bytes seal(crypto::ObjectKind kind, const std::string& path, ByteView plaintext,
               const crypto::EpochMaster* key = nullptr) const {
        return crypto::seal_object(kind, {library_, path}, key == nullptr ? master() : *key, signer(), plaintext);
    }
    Head newest_head() const {
        return *decode_head(*crypto::open_object(newest_head_, {library_, head_path(keys_.id())}, master()));
    }
    // As the device's newest head, with another counter and end of the stream.
    Head head(uint64_t counter, uint64_t number, const crypto::Hash256& hash = {}) const {
        Head head = newest_head();
        head.counter = counter;
        head.number = number;
        head.hash = hash;
        head.digest.reset();
        for (EntryReference& entry : head.membership) {
            if (entry.device == keys_.id() && named_entry_) entry.hash = *named_entry_;
        }
        return head;
    }
    void put(s3::Bucket& carrier, const Head& head) const {
        const std::string path = head_path(keys_.id());
        ASSERT_TRUE(carrier.put(path, seal(crypto::ObjectKind::head, path, encode_head(head))));
    }
    void put_head(s3::Bucket& carrier, uint64_t counter, uint64_t number) const {
        put(carrier,
            head(counter, number, crypto::object_hash(*carrier.get(change_path(keys_.id(), number), UINT64_MAX))));
    }
    // The next entry of the device's chain; the device itself does not know of it.
    std::string put_entry(s3::Bucket& carrier, EntryKind kind, Bytes content,
                          const crypto::EpochMaster* key = nullptr) {
        MembershipEntry entry{
            kind, 1, crypto::Hash256{{library_.bytes}}, {crypto::Hash256{{library_.bytes}}}, std::move(content)};
        for (const EntryReference& newest : newest_head().membership) {
            if (newest.device != keys_.id() || newest.hash == entry.previous) continue;
            entry.number = 2;
            entry.previous = newest.hash;
            entry.read = {newest.hash};
        }
        const Bytes object =
            seal(crypto::ObjectKind::membership, entry_address(keys_.id(), entry.number), encode_entry(entry), key);
        const std::string path = entry_path(keys_.id(), entry.number, crypto::object_hash(object));
        EXPECT_TRUE(carrier.put(path, object));
        own_entry_ = crypto::object_hash(object);
        return path;
    }
    void name_entry() { named_entry_ = own_entry_; }  // in heads from now on
    // A new epoch: box for the identity and key entry. Returns the path of the box.
    std::string introduce(s3::Bucket& carrier, const crypto::EpochMaster& newer, const crypto::Identity& identity) {
        const std::string box =
            key_box_path(newer.id(), crypto::recipient_tag(library_, identity.public_key()), keys_.id());
        EXPECT_TRUE(
            carrier.put(box, crypto::seal_key_box({library_, box}, newer,
                                                  crypto::sealing_key_of(identity.public_key())->view(), signer())));
        put_entry(carrier, EntryKind::key,
                  encode_key_content({newer.id(), seal_earlier_masters(library_, newer, keyring_)}), &newer);
        return box;
    }

  private:
    crypto::DeviceKeys keys_;
    crypto::Certificate certificate_;
    crypto::LibraryId library_;
    Keyring keyring_;
    Bytes newest_head_;
    std::optional<crypto::Hash256> own_entry_, named_entry_;
};

}  // namespace bae::sync::testing
