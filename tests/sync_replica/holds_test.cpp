// Every reason to wait: one test makes it appear and go.
#include "sync/change_object.h"
#include "sync/head.h"
#include "sync/membership_entry.h"
#include "sync/paths.h"
#include "sync_replica/forge.h"
#include "sync_replica/home.h"

namespace bae::sync::testing {

namespace {

// A second device that has written two objects the first has not received yet.
struct TwoObjects : Devices {
    TwoObjects() : Devices(3) {
        for (const std::string id : {"a", "b"}) {
            homes[1]->add_album(id, "t");
            homes[1]->must_sync(*carrier);
        }
        homes[2]->add_album("c", "t");
        homes[2]->must_sync(*carrier);
        first = change_path(homes[1]->id(), 1);
        second = change_path(homes[1]->id(), 2);
        stream = stream_name(homes[1]->id());
    }
    // The first device waits at `path` for `reason` and has applied what comes before and the other stream.
    void expect_hold(HoldReason reason, bool first_applied) {
        homes[0]->must_sync(*carrier);
        EXPECT_EQ(homes[0]->holds(), stream + " " + std::string(to_string(reason)) + "\n");
        EXPECT_EQ(homes[0]->dump().find("albums|a|") != std::string::npos, first_applied);
        EXPECT_EQ(homes[0]->dump().find("albums|b|"), std::string::npos);
        EXPECT_NE(homes[0]->dump().find("albums|c|"), std::string::npos) << "another stream goes on";
    }
    void expect_release() {
        homes[0]->must_sync(*carrier);
        EXPECT_EQ(homes[0]->holds(), "");
        EXPECT_NE(homes[0]->dump().find("albums|b|"), std::string::npos);
    }
    std::string first, second, stream;
};

}  // namespace

TEST(Holds, EveryReasonHasAnameAndARelease) {
    for (int i = 0; i <= static_cast<int>(HoldReason::foreign_library); i++) {
        EXPECT_FALSE(to_string(static_cast<HoldReason>(i)).empty());
        EXPECT_FALSE(release_of(static_cast<HoldReason>(i)).empty());
    }
    for (int i = 0; i <= static_cast<int>(AlarmReason::stored_differently); i++)
        EXPECT_FALSE(to_string(static_cast<AlarmReason>(i)).empty());
}

TEST(Holds, MissingObjectUntilItIsThere) {
    TwoObjects devices;
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->remove(devices.second));
    devices.expect_hold(HoldReason::missing_object, true);
    ASSERT_TRUE(devices.carrier->put(devices.second, object));
    devices.expect_release();
}

TEST(Holds, DamagedObjectUntilGoodBytesArrive) {
    TwoObjects devices;
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    Bytes damaged = object;
    damaged[100] ^= std::byte{1};
    ASSERT_TRUE(devices.carrier->put(devices.second, damaged));
    devices.expect_hold(HoldReason::damaged_object, true);
    ASSERT_TRUE(devices.carrier->put(devices.second, object));
    devices.expect_release();
}

TEST(Holds, BadSignatureUntilTheSignedObjectArrives) {
    TwoObjects devices;
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    Bytes forged = object;
    forged.back() ^= std::byte{1};
    ASSERT_TRUE(devices.carrier->put(devices.second, forged));
    devices.expect_hold(HoldReason::bad_signature, true);
    ASSERT_TRUE(devices.carrier->put(devices.second, object));
    devices.expect_release();
}

TEST(Holds, BrokenChainUntilTheObjectThatFollowsArrives) {
    TwoObjects devices;
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    Forge forge(devices[1]);
    crypto::Hash256 other;
    other.bytes[0] = std::byte{1};
    ASSERT_TRUE(devices.carrier->put(devices.second, forge.change(2, other, {forge.album("x", kStart + 50)})));
    devices.expect_hold(HoldReason::broken_chain, true);
    ASSERT_TRUE(devices.carrier->put(devices.second, object));
    devices.expect_release();
}

TEST(Holds, UnknownKeyUntilTheBoxArrives) {
    TwoObjects devices;
    Forge forge(devices[1]);
    const crypto::EpochMaster newer = crypto::EpochMaster::generate(devices.person.random);
    const std::string box = forge.introduce(*devices.carrier, newer, devices.person.identity);
    const Bytes boxed = *devices.carrier->get(box, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->remove(box));
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->put(
        devices.second, forge.change(2, crypto::object_hash(*devices.carrier->get(devices.first, UINT64_MAX)),
                                     {forge.album("b", kStart + 5000)}, &newer)));
    forge.put_head(*devices.carrier, 9, 2);
    devices[0].must_sync(*devices.carrier);
    EXPECT_NE(devices[0].holds().find(devices.stream + " unknown_key\n"), std::string::npos) << devices[0].holds();
    EXPECT_EQ(devices[0].dump().find("albums|b|"), std::string::npos);
    ASSERT_TRUE(devices.carrier->put(box, boxed));
    devices.expect_release();
    EXPECT_EQ(devices[0]->current_key(), newer.id());
}

TEST(Holds, UnknownDeviceUntilItsCertificateArrives) {
    Devices devices(1);
    Home later(devices.person, devices.wall);
    later.restore(devices[0]->library(), *devices.carrier);
    later.add_album("a", "t");
    later.must_sync(*devices.carrier);
    const std::string entry = devices.paths("membership/").at(0);
    const Bytes object = *devices.carrier->get(entry, UINT64_MAX);
    ASSERT_TRUE(devices.carrier->remove(entry));
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), head_path(later.id()) + " unknown_device\n");
    ASSERT_TRUE(devices.carrier->put(entry, object));
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_EQ(devices[0].dump(), later.dump());
}

TEST(Holds, NewerFormatUntilThisProgramReadsIt) {
    TwoObjects devices;
    const Bytes object = *devices.carrier->get(devices.second, UINT64_MAX);
    Bytes newer = object;
    newer[4] = std::byte{2};  // the version of the object format
    ASSERT_TRUE(devices.carrier->put(devices.second, newer));
    devices.expect_hold(HoldReason::newer_format, true);
    ASSERT_TRUE(devices.carrier->put(devices.second, object));
    devices.expect_release();
}

TEST(Holds, DatedAheadUntilItsTimeComes) {
    TwoObjects devices;
    Forge forge(devices[1]);
    const Bytes ahead = forge.change(2, crypto::object_hash(*devices.carrier->get(devices.first, UINT64_MAX)),
                                     {forge.album("b", kStart + 30 * kHour)});
    ASSERT_TRUE(devices.carrier->put(devices.second, ahead));
    forge.put_head(*devices.carrier, 9, 2);
    devices.expect_hold(HoldReason::dated_ahead, true);
    devices.pass(10 * kHour);
    devices.expect_release();
}

TEST(Holds, TheStoragesClockDecidesWhatIsAhead) {
    TwoObjects devices;
    Forge forge(devices[1]);
    const Bytes ahead = forge.change(2, crypto::object_hash(*devices.carrier->get(devices.first, UINT64_MAX)),
                                     {forge.album("b", kStart + 30 * kHour)});
    ASSERT_TRUE(devices.carrier->put(devices.second, ahead));
    forge.put_head(*devices.carrier, 9, 2);
    FakeClock storage(kStart + 20 * kHour);
    DatedBucket dated(*devices.carrier, storage);
    devices[0].must_sync(dated);
    EXPECT_FALSE(devices[0].has_hold(HoldReason::dated_ahead));
}

TEST(Holds, AnEntryThatAChangeObjectNamesStopsMergingAndSealing) {
    Devices devices(3);
    devices[2].add_album("other", "t");
    devices[2].must_sync(*devices.carrier);
    const std::string dump = devices[0].dump();
    Forge forge(devices[1]);
    std::vector<EntryReference> read = forge.newest_head().membership;
    read.back().hash.bytes[0] ^= std::byte{1};
    const std::string path = change_path(devices[1].id(), 1);
    const Bytes object = forge.change_after(read, 1, {}, {forge.album("forged", kStart)});
    ASSERT_TRUE(devices.carrier->put(path, object));
    forge.put_head(*devices.carrier, 9, 1);
    devices[0].add_album("own", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), stream_name(devices[1].id()) + " membership_incomplete\n");
    EXPECT_EQ(devices[0].status().pending, 1u) << "what is withheld may be a removal";
    EXPECT_EQ(devices.paths("changes/" + devices[0].id().text()).size(), 0u);
    const Bytes better = forge.change(1, {}, {forge.album("forged", kStart)});
    ASSERT_TRUE(devices.carrier->put(path, better));
    forge.put_head(*devices.carrier, 10, 1);
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_EQ(devices[0].status().pending, 0u);
}

TEST(Holds, MembershipIncompleteUntilTheNamedEntryArrives) {
    TwoObjects devices;
    const std::string dump = devices[0].dump();
    Forge forge(devices[1]);
    Head head = forge.head(9, 2);
    crypto::Hash256 unknown;
    unknown.bytes[0] = std::byte{7};
    for (EntryReference& entry : head.membership) {
        if (entry.device == devices[2].id()) entry.hash = unknown;
    }
    forge.put(*devices.carrier, head);
    devices[0].add_album("own", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "membership/" + devices[2].id().text() + " membership_incomplete\n");
    EXPECT_EQ(devices[0].dump().find("albums|b|"), std::string::npos) << "nothing is merged";
    EXPECT_EQ(devices.paths("changes/" + devices[0].id().text()).size(), 0u) << "nothing is sealed";
    forge.put_head(*devices.carrier, 10, 2);
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_NE(devices[0].dump().find("albums|b|"), std::string::npos);
    EXPECT_EQ(devices.paths("changes/" + devices[0].id().text()).size(), 1u);
}

TEST(Holds, ForkedStaysUntilSomebodyDecides) {
    TwoObjects devices;
    devices[0].must_sync(*devices.carrier);
    Forge forge(devices[1]);
    const Bytes first = *devices.carrier->get(devices.first, UINT64_MAX);
    const Bytes other = forge.change(2, crypto::object_hash(first), {forge.album("x", kStart + 5000)});
    ASSERT_TRUE(devices.carrier->put(devices.second, other));
    ASSERT_TRUE(devices.carrier->put(change_path(devices[1].id(), 3),
                                     forge.change(3, crypto::object_hash(other), {forge.album("y", kStart + 6000)})));
    forge.put_head(*devices.carrier, 9, 3);
    for (int i = 0; i < 2; i++) {
        devices[0].must_sync(*devices.carrier);
        EXPECT_EQ(devices[0].holds(), devices.stream + " forked\n");
    }
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::forked_stream));
    EXPECT_EQ(devices[0].dump().find("albums|x|"), std::string::npos);
    EXPECT_EQ(devices[0].mirror().list_all("evidence/")->size(), 1u) << "both are kept";
}

TEST(Holds, OwnClockUntilItIsMended) {
    Devices devices(2);
    FakeClock storage(kStart);
    DatedBucket dated(*devices.carrier, storage);
    devices[0].clock.now += 400 * 24 * kHour;
    devices[0].add_album("a", "t");
    devices[0].must_sync(dated);
    EXPECT_EQ(devices[0].holds(), "clock own_clock\n");
    EXPECT_EQ(devices.paths("changes/").size(), 0u);
    devices[0].clock.now = kStart + 1000;
    devices[0].must_sync(dated);
    EXPECT_EQ(devices[0].holds(), "clock own_clock\n") << "what was written is still dated ahead";
    SyncOptions mend;
    mend.mend_clock = true;
    devices[0].must_sync(dated, mend);
    EXPECT_EQ(devices[0].holds(), "");
    devices[1].must_sync(dated);
    devices.expect_equal();
    EXPECT_NE(devices[1].dump().find("albums|a|"), std::string::npos);
}

TEST(Holds, AClockThatIsBehindMostDevicesWaits) {
    Devices devices(3);
    for (size_t i : {1u, 2u}) {
        devices[i].clock.now += 48 * kHour;
        devices[i].add_album("b" + std::to_string(i), "t");
        devices[i].must_sync(*devices.carrier);
    }
    devices[0].add_album("a", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_TRUE(devices[0].has_hold(HoldReason::own_clock)) << devices[0].holds();
    EXPECT_EQ(devices.paths("changes/" + devices[0].id().text()).size(), 0u);
    devices[0].clock.now += 48 * kHour;
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    devices.settle();
    devices.expect_equal();
}

TEST(Holds, CarrierUnreachableAndDeniedUntilItAnswers) {
    Devices devices(1);
    auto faulty = s3::make_fault_bucket(*devices.carrier, 1, {});
    const auto make = [&](ErrorKind kind, HoldReason reason) {
        faulty->fail_next({kind, "no"}, 1);
        const auto failed = devices[0].sync(*faulty);
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().kind, kind);
        EXPECT_EQ(devices[0].holds(), "carrier " + std::string(to_string(reason)) + "\n");
        devices[0].must_sync(*faulty);
        EXPECT_EQ(devices[0].holds(), "");
    };
    make(ErrorKind::retry, HoldReason::carrier_unreachable);
    make(ErrorKind::denied, HoldReason::carrier_denied);
}

namespace {

class ReadOnlyBucket : public s3::Bucket {
  public:
    explicit ReadOnlyBucket(s3::Bucket& inner) : inner_(inner) {}
    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override { return inner_.get(path, max_bytes); }
    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return inner_.get_range(path, offset, length);
    }
    Result<s3::PutOutcome> put_if_absent(std::string_view, s3::Body&) override { return denied(); }
    Result<void> put(std::string_view, s3::Body&) override { return denied(); }
    Result<s3::ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        return inner_.list(prefix, after, limit);
    }
    Result<void> remove(std::string_view) override { return denied(); }
    Result<s3::ObjectInfo> stat(std::string_view path) override { return inner_.stat(path); }
    std::string describe() const override { return "read-only"; }

  private:
    static tl::unexpected<Error> denied() { return fail(ErrorKind::denied, "no"); }
    s3::Bucket& inner_;
};

}  // namespace

TEST(Holds, CarrierThatMayOnlyBeReadKeepsNothingFromBeingReceived) {
    Devices devices(2);
    devices.settle();
    devices[1].add_album("theirs", "one");
    devices[1].must_sync(*devices.carrier);
    devices[0].add_album("mine", "one");
    ReadOnlyBucket read_only(*devices.carrier);
    for (int round = 0; round < 2; round++) {
        const auto report = devices[0].sync(read_only);
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(devices[0].holds(), "carrier carrier_denied\n");
        EXPECT_EQ(report->holds.size(), 1u);
        EXPECT_NE(devices[0].dump().find("albums|theirs|"), std::string::npos);
        EXPECT_EQ(devices[0].status().pending, 1u);
    }
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    devices.settle();
    devices.expect_equal();
}

TEST(Holds, CarrierEmptiedUntilItIsUsedAgain) {
    Devices devices(2);
    devices[0].add_album("a", "one");
    devices[1].add_album("b", "one");
    devices.settle();
    const auto before = devices.paths();
    for (const std::string& path : before) ASSERT_TRUE(devices.carrier->remove(path));
    devices[0].add_album("c", "one");
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "carrier carrier_emptied\n");
    EXPECT_TRUE(devices.paths().empty()) << "nothing is sent into what may be another place";
    devices[0].use(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    const auto after = devices.paths();
    for (const std::string& path : before) EXPECT_NE(std::find(after.begin(), after.end(), path), after.end()) << path;
    Home later(devices.person, devices.wall);
    later.restore(devices[0]->library(), *devices.carrier);
    later.must_sync(*devices.carrier);
    EXPECT_EQ(later.dump(), devices[0].dump());
}

TEST(Holds, ForeignLibraryUntilTheRightStorageIsBack) {
    Devices devices(1), others(1, 2);
    EXPECT_EQ(devices[0]->adopt(*others.carrier).error().kind, ErrorKind::conflict);
    const auto theirs = others.contents();
    devices[0].add_album("a", "one");
    devices[0].must_sync(*others.carrier);  // another disk, mounted at the same place
    EXPECT_EQ(devices[0].holds(), "carrier foreign_library\n");
    EXPECT_EQ(others.contents(), theirs);
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_EQ(devices[0].status().pending, 0u);
}

TEST(Holds, APlaceWithSomethingElseIsRefused) {
    Devices devices(1);
    auto other = s3::make_memory_bucket();
    ASSERT_TRUE(other->put("holiday.jpg", as_bytes("x")));
    EXPECT_EQ(devices[0]->adopt(*other).error().kind, ErrorKind::conflict);
}

TEST(Holds, UnknownEntryHoldsItsAuthorsStream) {
    TwoObjects devices;
    Forge forge(devices[1]);
    forge.put_entry(*devices.carrier, static_cast<EntryKind>(99), to_bytes(as_bytes("from the future")));
    forge.name_entry();
    forge.put_head(*devices.carrier, 9, 2);
    devices.expect_hold(HoldReason::unknown_entry, false);
    devices[2].add_album("d", "t");
    devices[2].must_sync(*devices.carrier);
    devices[0].must_sync(*devices.carrier);
    EXPECT_NE(devices[0].dump().find("albums|d|"), std::string::npos);
}

}  // namespace bae::sync::testing
