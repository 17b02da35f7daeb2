// Random histories on real databases, held against the oracle.
#include <gtest/gtest.h>

#include "property/history.h"
#include "property/seeds.h"

namespace bae::property {

TEST(Histories, EveryDeviceHoldsWhatTheOracleSays) {
    for (const uint64_t seed : seeds(200)) ASSERT_EQ(broken_history(seed), "") << "seed " << seed;
}

}  // namespace bae::property
