#pragma once
// What a service tells systemd (sd_notify): datagrams to the socket that NOTIFY_SOCKET names. Nothing is sent, and
// nothing is wrong, where there is none.
#include <cstdint>
#include <string>
#include <string_view>

#include "node/config.h"

namespace bae::node {

class Notify {
  public:
    explicit Notify(Environment environment);
    // "READY=1" and so on, one per line. What cannot be delivered is dropped: nobody listens.
    void send(std::string_view assignments) const;
    void status(std::string_view text) const;             // one line for people
    int64_t watchdog_ms() const { return watchdog_ms_; }  // a "WATCHDOG=1" is expected this often; 0: never

  private:
    std::string socket_;  // a path, or '@' and an abstract name
    int64_t watchdog_ms_ = 0;
};

}  // namespace bae::node
