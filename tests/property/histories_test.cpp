// Random histories on real databases, held against the oracle.
#include <gtest/gtest.h>

#include "property/history.h"
#include "property/seeds.h"

namespace bae::property {

TEST(Histories, EveryDeviceHoldsWhatTheOracleSays) {
    const bool all = std::getenv("BAE_ALL") != nullptr;  // name every seed that breaks instead of explaining the first
    for (const uint64_t seed : seeds(200)) {
        const std::string broken = broken_history(seed, !all);
        EXPECT_TRUE(broken.empty()) << "seed " << seed << ": " << broken;
        if (!broken.empty() && !all) return;
    }
}

}  // namespace bae::property
