// Two to five devices of one person, a carrier that fails in every way it can, one seed. While it fails nothing wrong
// may be believed; when it stops, all devices have the same rows and the same digest, equal to one recomputed from
// scratch. BAE_SEED names one history, a quarter of BAE_SEEDS how many: one costs as much
// as several of the property tests.
#include <cstdlib>

#include "sync_replica/home.h"

namespace bae::sync::testing {

namespace {

std::vector<uint64_t> seeds(size_t otherwise) {
    if (const char* one = std::getenv("BAE_SEED")) return {std::strtoull(one, nullptr, 10)};
    const char* given = std::getenv("BAE_SEEDS");
    std::vector<uint64_t> all(given != nullptr ? std::strtoull(given, nullptr, 10) / 4 + 1 : otherwise);
    for (size_t i = 0; i < all.size(); i++) all[i] = i;
    return all;
}

class Simulation {
  public:
    explicit Simulation(uint64_t seed) : random_(seed), devices_(2 + static_cast<int>(seed % 4), seed) {
        for (size_t i = 0; i < devices_.homes.size(); i++)
            carriers_.push_back(s3::make_fault_bucket(*devices_.carrier, random_(), {}));
    }

    void run() {
        for (int step = 0; step < 60; step++) act();
        for (auto& carrier : carriers_) carrier->set_rates({});
        heal();
        devices_.expect_equal();
        for (auto& home : devices_.homes) {
            EXPECT_EQ(home->holds(), "");
            EXPECT_EQ(home->status().pending, 0u);
            EXPECT_TRUE(home->status().alarms.empty()) << alarms(*home);
            EXPECT_EQ(home->id(), home->keys().id()) << "no fault makes a device a copy";
            EXPECT_EQ(home->dump().find("NEVER"), std::string::npos);
            EXPECT_EQ((*home)->verify({}).value(), std::vector<std::string>());
        }
    }

  private:
    size_t below(size_t bound) { return random_() % bound; }
    double chance() { return static_cast<double>(below(25)) / 100; }

    static std::string alarms(Home& home) {
        std::string text;
        for (const Alarm& alarm : home.status().alarms)
            text += alarm.subject + " " + std::string(to_string(alarm.reason)) + ": " + alarm.message + "\n";
        return text;
    }

    void act() {
        const size_t index = below(devices_.homes.size());
        Home& home = devices_[index];
        switch (below(10)) {
            case 0:
                devices_.pass(static_cast<int64_t>(below(40 * 60 * 1000)));
                break;
            case 1:
                carriers_[index]->set_rates(rates());
                break;
            case 2:
                home.reopen();
                break;
            case 3:
            case 4:
            case 5:
                edit(home);
                break;
            default:
                static_cast<void>(home.sync(*carriers_[index]));
        }
    }

    s3::FaultRates rates() {
        s3::FaultRates rates;
        for (double s3::FaultRates::*rate :
             {&s3::FaultRates::refuse, &s3::FaultRates::denied, &s3::FaultRates::lose_answer, &s3::FaultRates::cut,
              &s3::FaultRates::old_body, &s3::FaultRates::truncated_body, &s3::FaultRates::flipped_body,
              &s3::FaultRates::missing, &s3::FaultRates::old_list, &s3::FaultRates::truncated_list}) {
            if (below(3) == 0) rates.*rate = chance();
        }
        return rates;
    }

    void edit(Home& home) {
        const std::string album = "a" + std::to_string(below(6));
        const std::string track = "t" + std::to_string(below(6));
        const std::string value = std::to_string(random_() % 100);
        switch (below(5)) {
            case 0:
                home.write("INSERT INTO albums(id, title, _updated_at) VALUES ('" + album + "', '" + value +
                           "', stamp()) ON CONFLICT DO NOTHING");
                break;
            case 1:
                home.write("UPDATE albums SET title = '" + value + "', _updated_at = stamp() WHERE id = '" + album +
                           "'");
                break;
            case 2:
                home.write("UPDATE albums SET year = " + value + ", _updated_at = stamp() WHERE id = '" + album + "'");
                break;
            case 3:
                home.write("DELETE FROM albums WHERE id = '" + album + "'");
                break;
            default:
                home.write("INSERT INTO tracks(id, album, title, _updated_at) SELECT '" + track + "', '" + album +
                           "', '" + value + "', stamp() WHERE EXISTS (SELECT 1 FROM albums WHERE id = '" + album +
                           "') ON CONFLICT DO NOTHING");
        }
    }

    // Long enough for what was fetched or stored in a doubtful way to be looked at again.
    void heal() {
        for (int i = 0; i < 4; i++) {
            devices_.pass(2 * kHour);
            for (auto& home : devices_.homes) home->must_sync(*devices_.carrier);
        }
    }

    std::mt19937_64 random_;
    Devices devices_;
    std::vector<std::unique_ptr<s3::FaultBucket>> carriers_;
};

}  // namespace

TEST(Simulation, DevicesAgreeWhenTheCarrierStopsFailing) {
    for (const uint64_t seed : seeds(40)) {
        SCOPED_TRACE("BAE_SEED=" + std::to_string(seed));
        Simulation(seed).run();
        if (HasFailure()) return;
    }
}

}  // namespace bae::sync::testing
