#pragma once
// SIGINT and SIGTERM: the first asks for a clean stop, the second ends the process as usual.
#include <cstdint>

#include "crypto/base/result.h"

namespace bae::node {

void watch_for_interrupts();
void interrupt();    // as if a signal had asked
bool interrupted();  // async-signal-safe to set, cheap to ask
// Waits; cancelled if an interrupt comes (also one that came before).
Result<void> pause_ms(int64_t ms);

}  // namespace bae::node
