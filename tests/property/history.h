#pragma once
// A random history of 2 to 5 devices, from a seed: writes of every kind, objects delivered in any order that keeps each
// stream's own, upgrades and copied installations. After every step the device that took it is held against the oracle;
// at the end, with everything delivered everywhere, all of them against each other.
#include <filesystem>

#include "property/device.h"
#include "property/rng.h"

namespace bae::property {

struct Plan {
    uint64_t seed = 0;
    size_t devices = 2;
    size_t steps = 0;
    bool copies = false;  // may installations be copied?
    // By step. Every step draws from a source of its own, so leaving one out changes no other.
    std::vector<bool> skipped;

    static Plan from(uint64_t seed);
};

class History {
  public:
    History(Plan plan, std::filesystem::path directory);
    ~History();
    Result<void> run();
    const std::vector<std::string>& log() const { return log_; }  // one line per step, for people
    const std::vector<std::unique_ptr<Device>>& devices() const { return devices_; }

  private:
    Result<void> begin();
    Result<void> step(Rng& rng);
    Result<void> check(Device& device, bool thorough);
    Result<void> write(Device& device, Rng& rng);
    Result<void> seal(Device& device, Rng& rng);
    Result<void> deliver(Device& device, Rng& rng);
    Result<void> upgrade(Device& device);
    Result<void> clone(Device& device, Rng& rng);
    Result<void> deliver_everything(Rng& rng);
    Result<void> check_everything();
    std::vector<ObjectPtr> choose(const Device& device, Rng& rng, bool all);
    std::string name(const Device& device) const;
    crypto::DeviceId next_id();

    Plan plan_;
    std::filesystem::path directory_;
    int64_t wall_ms_ = 1'700'000'000'000;
    std::vector<std::unique_ptr<Device>> devices_;
    std::map<crypto::DeviceId, std::vector<ObjectPtr>> streams_;
    std::vector<std::string> log_;
    uint8_t ids_ = 0;
};

// "" if the history keeps every promise; else what broke, explained by the shortest history found that breaks it too.
std::string broken_history(uint64_t seed, bool explain);

}  // namespace bae::property
