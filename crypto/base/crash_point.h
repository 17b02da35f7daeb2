#pragma once
// Named places at which tests kill the program. `CRASH_POINT("seal: recorded");` does nothing unless the program was
// built with BAE_CRASH_POINTS and the environment says:
//
//   BAE_CRASH_AT=name[:n]   the n-th pass (1) of that point raises SIGKILL
//   BAE_CRASH_LOG=file      appends the name of every point the first time it is reached
//
// Names are string literals, unique in the program, so that the list of all can be read from the sources. Thread-safe.
#include <string_view>

namespace bae {

void reach_crash_point(std::string_view name);

}  // namespace bae

#ifdef BAE_CRASH_POINTS
#define CRASH_POINT(name) ::bae::reach_crash_point(name)
#else
#define CRASH_POINT(name) static_cast<void>(0)
#endif
