// Cloned disks and restored backups.
#include "sync/paths.h"
#include "sync_replica/forge.h"

namespace bae::sync::testing {

namespace {

struct Copied : Devices {
    Copied() : Devices(2) {
        homes[0]->add_album("a", "t");
        homes[0]->must_sync(*carrier);
        pass(kHour);
    }
    void expect_new_device(Home& copy, const crypto::DeviceId& old) {
        EXPECT_NE(copy.id(), old);
        EXPECT_EQ(copy->certificate().body().continued, old);
        ASSERT_TRUE(copy.stored_keys);
        EXPECT_EQ(copy.stored_keys->id(), copy.id());
        EXPECT_TRUE(copy.has_alarm(AlarmReason::copied_device));
        EXPECT_EQ(copy.holds(), "");
    }
    void settle_with(Home& copy) {
        for (int i = 0; i < 2; i++) {
            settle();
            copy.must_sync(*carrier);
        }
        settle();
        expect_equal();
        EXPECT_EQ(copy.dump(), homes[0]->dump());
        EXPECT_EQ(copy.digest(), homes[0]->digest());
        EXPECT_EQ(copy.status().pending, 0u);
    }
};

// A storage without conditional writes, on which somebody else gets in between our look and our write.
class RacingBucket : public DatedBucket {
  public:
    using DatedBucket::DatedBucket;
    Result<s3::PutOutcome> put_if_absent(std::string_view path, s3::Body& body) override {
        TRY(put(path, body));
        return s3::PutOutcome::created;
    }
    Result<void> put(std::string_view path, s3::Body& body) override {
        if (path.starts_with(at)) {
            if (const auto once = std::exchange(before_put, nullptr)) once();
        }
        return DatedBucket::put(path, body);
    }
    std::string at;
    std::function<void()> before_put;
};

// Both push the same number at once; the other one's whole round comes before the write to `at`.
void race_of_copies(const std::string& at) {
    Copied devices;
    RacingBucket racing(*devices.carrier, devices.wall);
    const SyncOptions options{.creates_race = true};
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    copy->add_album("copy", "t");
    racing.at = at;
    racing.before_put = [&] { devices[0].must_sync(racing, options); };
    copy->must_sync(racing, options);
    devices[0].must_sync(racing, options);
    EXPECT_NE(devices[0].id(), old) << "it did not look at what it had sent";
    for (int i = 0; i < 4; i++) {
        for (Home* home : {copy.get(), &devices[0], &devices[1]}) home->must_sync(racing, options);
    }
    EXPECT_EQ(copy->id(), old);
    devices.expect_equal();
    EXPECT_EQ(copy->dump(), devices[0].dump());
    for (const std::string album : {"albums|original|", "albums|copy|"})
        EXPECT_NE(devices[1].dump().find(album), std::string::npos) << album;
    for (Home* home : {copy.get(), &devices[0], &devices[1]}) {
        EXPECT_EQ(home->holds(), "");
        EXPECT_EQ(home->status().pending, 0u);
    }
}

}  // namespace

TEST(Copy, WhereCreatesRaceTheLastWriterOfObjectAndHeadGoesOn) { race_of_copies("changes/"); }

TEST(Copy, WhereCreatesRaceTheHeadSaysWhoGoesOnAndItsObjectIsPutBack) { race_of_copies("heads/"); }

TEST(Copy, BothWroteOfflineAndTheSecondToSendBecomesANewDevice) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    copy->add_album("copy", "t");
    devices[0].must_sync(*devices.carrier);
    copy->must_sync(*devices.carrier);
    devices.expect_new_device(*copy, old);
    devices.settle_with(*copy);
    EXPECT_NE(devices[1].dump().find("albums|copy|"), std::string::npos);
    EXPECT_EQ(devices[0].id(), old);
}

TEST(Copy, IsNoticedByTheObjectInTheWayWhereTheHeadIsNotThereYet) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    const Bytes head = *devices.carrier->get(head_path(old), UINT64_MAX);
    devices[0].add_album("original", "t");
    copy->add_album("copy", "t");
    devices[0].must_sync(*devices.carrier);
    const Bytes newest = *devices.carrier->get(head_path(old), UINT64_MAX);
    ASSERT_TRUE(devices.carrier->put(head_path(old), head));  // a storage that shows the object and an older head
    copy->must_sync(*devices.carrier);
    devices.expect_new_device(*copy, old);
    ASSERT_TRUE(devices.carrier->put(head_path(old), newest));
    devices.settle_with(*copy);
}

TEST(Copy, ARestoredBackupReadsWhatItsOldNameHasSaid) {
    Copied devices;
    const auto backup = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("later", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    backup->must_sync(*devices.carrier);
    devices.expect_new_device(*backup, old);
    EXPECT_NE(backup->dump().find("albums|later|"), std::string::npos);
    devices.settle_with(*backup);
}

TEST(Copy, TransactionsThatBothHadToSendAreSentOnce) {
    Copied devices;
    devices[0].add_album("waiting", "t");
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->must_sync(*devices.carrier);
    devices.expect_new_device(*copy, old);
    EXPECT_EQ(devices.paths("changes/" + copy->id().text()).size(), 0u);
    copy->add_album("own", "t");
    devices.settle_with(*copy);
    EXPECT_EQ(devices.paths("changes/" + copy->id().text()).size(), 1u);
}

TEST(Copy, StorageThatIgnoresConditionsLosesNothing) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->add_album("copy", "t");
    auto alone = s3::make_memory_bucket();
    ASSERT_TRUE((*copy)->adopt(*alone));
    copy->must_sync(*alone);  // seals object 2 as the same device
    for (const std::string& path : {change_path(old, 2), head_path(old)})
        ASSERT_TRUE(devices.carrier->put(path, *alone->get(path, UINT64_MAX)));
    devices[0].must_sync(*devices.carrier);
    devices.expect_new_device(devices[0], old);
    for (int i = 0; i < 2; i++) devices.settle();
    devices.expect_equal();
    EXPECT_NE(devices[1].dump().find("albums|original|"), std::string::npos) << "what was overwritten is sent again";
    EXPECT_NE(devices[1].dump().find("albums|copy|"), std::string::npos);
}

TEST(Copy, AClaimThatWeWroteMoreThanWeKnowOfMakesANewDevice) {
    Copied devices;
    const auto backup = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("later", "t");
    devices.settle();
    devices.pass(2 * kHour);
    devices.settle();  // the second device's head tells of it
    Bytes head;
    ASSERT_TRUE(devices.carrier->remove(head_path(old)));
    backup->must_sync(*devices.carrier);
    devices.expect_new_device(*backup, old);
}

TEST(Copy, OpensAfterACrashBetweenStoringTheKeysAndRecordingThem) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);
    copy->add_album("copy", "t");
    copy->dies_with_new_keys = true;
    EXPECT_FALSE(copy->sync(*devices.carrier));
    copy->use_stored_keys();
    copy->reopen();
    EXPECT_EQ(copy->id(), copy->stored_keys->id());
    EXPECT_EQ((*copy)->certificate().body().continued, old);
    devices.settle_with(*copy);
    EXPECT_NE(devices[1].dump().find("albums|copy|"), std::string::npos);
}

TEST(Copy, AnOpeningAfterACrashKnowsWhatTheCarrierSaid) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);  // confirmed, and then overwritten
    devices.pass(kHour);
    copy->add_album("copy", "t");
    auto alone = s3::make_memory_bucket();
    ASSERT_TRUE((*copy)->adopt(*alone));
    copy->must_sync(*alone);
    for (const std::string& path : {change_path(old, 2), head_path(old)})
        ASSERT_TRUE(devices.carrier->put(path, *alone->get(path, UINT64_MAX)));
    devices[0].dies_with_new_keys = true;
    EXPECT_FALSE(devices[0].sync(*devices.carrier));
    devices[0].use_stored_keys();
    devices[0].reopen();
    for (int i = 0; i < 2; i++) devices.settle();
    devices.expect_equal();
    EXPECT_NE(devices[1].dump().find("albums|original|"), std::string::npos);
    EXPECT_NE(devices[1].dump().find("albums|copy|"), std::string::npos);
}

TEST(Copy, KeysThatWereNotAnnouncedAreAnotherDevices) {
    Copied devices;
    devices[0].stored_keys = crypto::DeviceKeys::generate(devices.person.random);
    devices[0].use_stored_keys();
    EXPECT_EQ(devices[0].try_reopen().error().kind, ErrorKind::denied);
}

TEST(Copy, EqualStampsOfCopiesWithClocksBehindAreTwoTransactions) {
    Copied devices;
    devices[0].clock.now -= 5 * kHour;
    const auto copy = devices[0].clone();
    copy->clock.now = devices[0].clock.now;
    devices[0].add_album("original", "t");
    copy->add_album("copy", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->must_sync(*devices.carrier);
    EXPECT_NE(copy->id(), devices[0].id());
    devices.settle_with(*copy);
    EXPECT_NE(devices[1].dump().find("albums|original|"), std::string::npos);
    EXPECT_NE(devices[1].dump().find("albums|copy|"), std::string::npos);
}

TEST(Copy, IsNotForgottenWhileTheStorageDoesNotAnswer) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->add_album("copy", "t");
    HookBucket carrier(*devices.carrier, devices.wall);
    carrier.fails = [](std::string_view path) { return path.starts_with("changes/"); };
    EXPECT_FALSE(copy->sync(carrier));
    EXPECT_EQ(copy->id(), old);
    EXPECT_TRUE(copy->has_hold(HoldReason::copied_device));
    carrier.fails = [](std::string_view path) { return path.starts_with("heads/"); };
    EXPECT_FALSE(copy->sync(carrier));
    EXPECT_EQ(copy->id(), old);
    carrier.fails = nullptr;
    copy->must_sync(carrier);
    devices.expect_new_device(*copy, old);
    devices.settle_with(*copy);
}

TEST(Copy, SomebodyElsesWordAloneMakesNoNewDevice) {
    Copied devices;
    const crypto::DeviceId self = devices[0].id();
    Forge forge(devices[1]);
    Head claim = forge.newest_head();
    claim.counter += 10;
    claim.digest.reset();
    claim.applied = {{self, 7, crypto::Hash256{}}};
    forge.put(*devices.carrier, claim);
    devices[0].add_album("b", "t");
    devices[0].must_sync(*devices.carrier);
    EXPECT_EQ(devices[0].id(), self);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::forked_stream));
    EXPECT_EQ(devices[0].holds(), "");
    EXPECT_EQ(devices[0].status().pending, 0u);
}

TEST(Copy, AWordThatCouldNotBeCheckedIsCheckedLater) {
    Copied devices;
    const auto backup = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("later", "t");
    devices.settle();
    devices.pass(2 * kHour);
    devices.settle();  // the second device's head tells of it
    ASSERT_TRUE(devices.carrier->remove(head_path(old)));
    HookBucket carrier(*devices.carrier, devices.wall);
    carrier.fails = [](std::string_view path) { return path.starts_with("changes/"); };
    EXPECT_FALSE(backup->sync(carrier));
    EXPECT_EQ(backup->id(), old);
    carrier.fails = nullptr;
    backup->must_sync(carrier);
    devices.expect_new_device(*backup, old);
}

TEST(Copy, IsNotForgottenWhenTheHeadThatToldOfItIsOld) {
    Copied devices;
    const auto backup = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("later", "t");
    devices.settle();
    devices.pass(2 * kHour);
    devices.settle();  // the second device's head tells of it
    ASSERT_TRUE(devices.carrier->remove(head_path(old)));
    HookBucket carrier(*devices.carrier, devices.wall);
    carrier.fails = [&](std::string_view path) { return path == change_path(old, 1); };
    backup->add_album("backup", "t");
    for (int i = 0; i < 2; i++) EXPECT_FALSE(backup->sync(carrier)) << "where the histories part cannot be found now";
    EXPECT_EQ(backup->id(), old);
    EXPECT_FALSE(backup->mirror().stat(change_path(old, 2))) << "nothing is sealed under the old name";
    carrier.fails = nullptr;
    backup->must_sync(carrier);
    devices.expect_new_device(*backup, old);
    EXPECT_EQ(devices.paths("changes/" + old.text()).size(), 2u);
}

TEST(Copy, NamesTheOwnObjectsThatCouldNotBeSentAgain) {
    Copied devices;
    const auto copy = devices[0].clone();
    const crypto::DeviceId old = devices[0].id();
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->add_album("copy", "t");
    auto alone = s3::make_memory_bucket();
    ASSERT_TRUE((*copy)->adopt(*alone));
    copy->must_sync(*alone);
    for (const std::string& path : {change_path(old, 2), head_path(old)})
        ASSERT_TRUE(devices.carrier->put(path, *alone->get(path, UINT64_MAX)));
    ASSERT_TRUE(devices[0].mirror().remove(change_path(old, 2)));
    devices[0].must_sync(*devices.carrier);
    EXPECT_NE(devices[0].id(), old);
    EXPECT_TRUE(devices[0].has_alarm(AlarmReason::stored_differently));
}

TEST(Copy, GoesOnAfterOpeningAgain) {
    Copied devices;
    const auto copy = devices[0].clone();
    devices[0].add_album("original", "t");
    copy->add_album("copy", "t");
    devices[0].must_sync(*devices.carrier);
    copy->must_sync(*devices.carrier);
    copy->use_stored_keys();
    copy->reopen();
    copy->add_album("more", "t");
    devices.settle_with(*copy);
}

TEST(Copy, AnotherProcessOfTheSameHomeStopsUsingTheOldName) {
    Copied devices;
    const auto copy = devices[0].clone();
    auto daemon = Replica::open(copy->options());
    ASSERT_TRUE(daemon);
    devices[0].add_album("original", "t");
    devices[0].must_sync(*devices.carrier);
    devices.pass(kHour);
    copy->must_sync(*devices.carrier);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ((*daemon)->sync(*devices.carrier, "carrier", {}).error().kind, ErrorKind::denied);
}

TEST(Copy, WithoutTheIdentityItWaitsForAKeeper) {
    Devices devices(1);
    Home other(devices.person, devices.wall, false);
    // what pairing does: the keeper signs, and boxes the key for the new device
    const auto certify = [&](const crypto::DevicePublicKeys& keys, std::optional<crypto::DeviceId> continued,
                             Home& home) {
        crypto::CertificateBody body{.identity = devices.person.identity.public_key(),
                                     .device = keys,
                                     .continued = continued,
                                     .issued_s = kStart / 1000,
                                     .expires_s = kStart / 1000 + 100};
        Forge forge(devices[0]);
        const std::string box = key_box_path(forge.master().id(), crypto::recipient_tag(keys.id()), devices[0].id());
        EXPECT_TRUE(devices.carrier->put(box, crypto::seal_key_box({devices[0]->library(), box}, forge.master(),
                                                                   keys.sealing.view(), forge.signer())));
        const auto certificate = crypto::Certificate::issue(body, devices.person.identity, home.keys());
        const auto joined =
            home.take(Replica::join(home.options(), devices[0]->library(), certificate, *devices.carrier, nullptr));
        EXPECT_TRUE(joined) << joined.error().message;
        home.must_sync(*devices.carrier);
    };
    certify(other.keys().public_keys(), std::nullopt, other);
    devices.pass(kHour);
    const auto copy = other.clone();
    other.add_album("original", "t");
    copy->add_album("copy", "t");
    other.must_sync(*devices.carrier);
    for (int i = 0; i < 3; i++) copy->must_sync(*devices.carrier);
    EXPECT_EQ(devices.paths("changes/" + other.id().text()).size(), 1u);
    EXPECT_EQ(copy->holds(), stream_name(other.id()) + " copied_device\n");
    EXPECT_EQ(copy->id(), other.id());
    EXPECT_EQ(copy->status().pending, 1u) << "what it wrote is kept";
    Home again(devices.person, devices.wall, false);
    certify(again.keys().public_keys(), other.id(), again);
    again.must_sync(*devices.carrier);
    EXPECT_EQ(again.holds(), "");
    EXPECT_NE(again.dump().find("albums|original|"), std::string::npos);
}

}  // namespace bae::sync::testing
