#include <fmt/core.h>

#include "property/history.h"
#include "property/scratch.h"

namespace bae::property {

namespace {

struct Outcome {
    std::string broken;  // "" if every promise was kept
    std::vector<std::string> log;
    std::string kind() const { return broken.substr(0, broken.find(':')); }
};

Outcome outcome_of(const Plan& plan) {
    History history(plan, scratch_directory());
    const auto result = history.run();
    return {result ? "" : result.error().message, history.log()};
}

// Leaves out what the failure does not need: the tail, whole devices, then ever smaller runs of steps.
Plan shrink(Plan plan, const std::string& kind) {
    const auto still_breaks = [&](const Plan& smaller) { return outcome_of(smaller).kind() == kind; };
    for (Plan smaller = plan; smaller.devices > 2;) {
        smaller.devices--;
        if (!still_breaks(smaller)) break;
        plan = smaller;
    }
    for (size_t run = plan.steps; run > 0; run /= 2) {
        for (size_t from = 0; from < plan.steps; from += run) {
            Plan smaller = plan;
            const size_t to = std::min(plan.steps, from + run);
            bool fewer = false;
            for (size_t i = from; i < to; i++) fewer = fewer || !smaller.skipped[i], smaller.skipped[i] = true;
            if (fewer && still_breaks(smaller)) plan = smaller;
        }
    }
    return plan;
}

}  // namespace

std::string broken_history(uint64_t seed, bool explain) {
    const Plan plan = Plan::from(seed);
    const Outcome found = outcome_of(plan);
    if (found.broken.empty() || !explain) return found.broken;
    const Outcome small = outcome_of(shrink(plan, found.kind()));
    std::string text =
        fmt::format("BAE_SEED={}: {}\nthe shortest history found that breaks: {}\n", seed, found.broken, small.broken);
    for (const std::string& line : small.log) text += line + "\n";
    return text;
}

}  // namespace bae::property
