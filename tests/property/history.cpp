#include "property/history.h"

#include <fmt/core.h>

#include "property/schema.h"
#include "property/work.h"

namespace bae::property {

namespace {

constexpr size_t kMaxDevices = 6;  // copies included

tl::unexpected<Error> differs(std::string what) { return fail(ErrorKind::internal, std::move(what)); }

}  // namespace

Plan Plan::from(uint64_t seed) {
    Rng rng(seed);
    Plan plan{seed, rng.between(2, 5), rng.between(10, 60), rng.percent(40), {}};
    plan.skipped.resize(plan.steps);
    return plan;
}

History::History(Plan plan, std::filesystem::path directory)
    : plan_(std::move(plan)), directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
}

History::~History() {
    devices_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

crypto::DeviceId History::next_id() {
    crypto::DeviceId id;
    id.bytes[7] = static_cast<std::byte>(++ids_);
    return id;
}

std::string History::name(const Device& device) const {
    return std::string(1, static_cast<char>('@' + std::to_integer<int>(device.id().bytes[7])));
}

Result<void> History::run() {
    TRY(begin());
    for (size_t i = 0; i < plan_.steps; i++) {
        if (plan_.skipped[i]) continue;
        Rng rng(plan_.seed * 1000 + i + 1);
        log_.push_back(fmt::format("{:2} ", i));
        TRY(step(rng));
    }
    Rng rng(plan_.seed * 1000 + 999);
    log_.push_back("   everything is delivered everywhere: ");
    TRY(deliver_everything(rng));
    TRY(check_everything());
    log_.push_back("   everybody ");
    for (auto& device : devices_) TRY(upgrade(*device));
    return check_everything();
}

Result<void> History::begin() {
    Rng rng(plan_.seed * 1000);
    for (size_t i = 0; i < plan_.devices; i++) {
        const auto path = directory_ / fmt::format("{}.db", i);
        devices_.push_back(TRY(Device::open(path, next_id(), rng.percent(50) ? 1 : 2)));
    }
    return {};
}

Result<void> History::step(Rng& rng) {
    Device& device = *devices_[rng.below(devices_.size())];
    wall_ms_ += static_cast<int64_t>(rng.below(3));
    // wall clocks that differ a little, stand still, or jump back
    device.clock().now = wall_ms_ - rng.one_of<int64_t>({0, 0, 0, 0, 5, -5, 300});
    log_.back() += name(device) + " ";
    const size_t what = rng.below(100);
    if (what < 48)
        TRY(write(device, rng));
    else if (what < 62)
        TRY(seal(device, rng));
    else if (what < 90)
        TRY(deliver(device, rng));
    else if (what < 94)
        TRY(upgrade(device));
    else if (what < 97)
        TRY(device.reopen(device.id(), device.version()));
    else if (plan_.copies)
        TRY(clone(device, rng));
    return check(device, rng.percent(15));
}

// Two copies of an installation have one device id: what a transaction of the one says it had seen is taken to speak of
// the other as well, so which writes were lost is known exactly only where nothing was copied.
Result<void> History::check(Device& device, bool thorough) {
    TRY(device.check(thorough));
    return thorough && !plan_.copies ? device.check_conflicts() : Result<void>();
}

Result<void> History::write(Device& device, Rng& rng) {
    if (rng.percent(5)) {
        const auto refused = device.write([&](sync::sqlite::Connection& connection) -> Result<void> {
            TRY(random_work(connection, device.version(), rng));
            return fail(ErrorKind::cancelled, "changed its mind");
        });
        log_.back() += "takes a write back";
        return refused ? differs("a write that failed was kept") : Result<void>();
    }
    const auto made = TRY(device.write(
        [&](sync::sqlite::Connection& connection) { return random_work(connection, device.version(), rng); }));
    log_.back() +=
        made ? fmt::format("(v{}) writes {}", device.version(), readable(*made)) : std::string("writes nothing");
    return {};
}

Result<void> History::seal(Device& device, Rng& rng) {
    const ObjectPtr object = TRY(device.seal(rng.one_of<size_t>({1, 200, 1 << 20})));
    if (!object) return {};
    streams_[object->stream].push_back(object);
    log_.back() += fmt::format("seals #{} of {} transactions; ", object->number, object->transactions.size());
    return {};
}

// Objects of some streams (or all), some of them again, in an order that keeps each stream's own.
std::vector<ObjectPtr> History::choose(const Device& device, Rng& rng, bool all) {
    std::vector<std::vector<ObjectPtr>> runs;
    for (const auto& [stream, objects] : streams_) {
        if (stream == device.id() || (!all && rng.percent(40))) continue;
        const uint64_t cursor = device.cursor(stream);
        const uint64_t from = rng.percent(20) ? rng.below(cursor + 1) : cursor;
        const uint64_t to = all ? objects.size() : std::min<uint64_t>(objects.size(), cursor + rng.between(1, 4));
        if (from < to)
            runs.emplace_back(objects.begin() + static_cast<long>(from), objects.begin() + static_cast<long>(to));
    }
    std::vector<ObjectPtr> chosen;
    const bool mixed = rng.percent(50);
    rng.shuffle(runs);
    while (!runs.empty()) {
        auto& run = mixed ? runs[rng.below(runs.size())] : runs.front();
        chosen.push_back(run.front());
        run.erase(run.begin());
        std::erase_if(runs, [](const auto& r) { return r.empty(); });
    }
    return chosen;
}

Result<void> History::deliver(Device& device, Rng& rng) {
    std::vector<ObjectPtr> chosen = choose(device, rng, false);
    while (!chosen.empty()) {
        const size_t count = rng.percent(50) ? chosen.size() : rng.between(1, chosen.size());
        const std::vector<ObjectPtr> batch(chosen.begin(), chosen.begin() + static_cast<long>(count));
        chosen.erase(chosen.begin(), chosen.begin() + static_cast<long>(count));
        log_.back() += "merges";
        for (const ObjectPtr& object : batch)
            log_.back() += fmt::format(" {:c}#{}", '@' + std::to_integer<int>(object->stream.bytes[7]), object->number);
        log_.back() += "; ";
        TRY(device.merge(batch));
    }
    return {};
}

Result<void> History::upgrade(Device& device) {
    log_.back() += "upgrades";
    return device.reopen(device.id(), 2);
}

// The files are copied; both go on, at the same readings of the clock, until the copy learns what it is, takes an id of
// its own and sends what it still had to send, stamps as they are.
Result<void> History::clone(Device& device, Rng& rng) {
    if (devices_.size() >= kMaxDevices) return {};
    auto copy = TRY(device.copy_to(directory_ / fmt::format("{}.db", devices_.size())));
    log_.back() += "is copied; ";
    wall_ms_ += rng.one_of<int64_t>({0, 1, 400});
    const size_t writes = rng.between(1, 3);
    for (size_t i = 0; i < writes; i++) {
        device.clock().now = copy->clock().now = wall_ms_;
        log_.back() += "\n     original ";
        TRY(write(device, rng));
        log_.back() += "\n     copy ";
        TRY(write(*copy, rng));
    }
    TRY(check(*copy, false));
    TRY(copy->reopen(next_id(), copy->version()));
    log_.back() += "; the copy becomes " + name(*copy);
    devices_.push_back(std::move(copy));
    return {};
}

Result<void> History::deliver_everything(Rng& rng) {
    for (auto& device : devices_)
        while (device->unsealed() > 0) TRY(seal(*device, rng));
    for (auto& device : devices_) {
        const auto everything = choose(*device, rng, true);
        if (!everything.empty()) TRY(device->merge(everything));
    }
    return {};
}

Result<void> History::check_everything() {
    for (auto& device : devices_) {
        log_.push_back("   check of " + name(*device));
        TRY(check(*device, true));
        if (TRY(device->database().outbox_size()) != 0) return differs("merging produced an outgoing change");
        if (TRY(device->database().digest()) != TRY(devices_[0]->database().digest())) return differs("digests differ");
    }
    return {};
}

}  // namespace bae::property
