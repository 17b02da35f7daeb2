#pragma once
// What the daemon says of what happens: one line per event on standard error, or with --json one object on standard
// output. Safe for several threads.
#include <string>
#include <string_view>

#include "node/output/output.h"

namespace bae::node {

class Journal {
  public:
    // `dated`: lines for people begin with the time, where no log around them keeps it.
    Journal(Output& out, bool dated) : out_(out), dated_(dated) {}

    // The object of an event: `event` and `ms`, the time; the caller adds the rest.
    static JsonObject event(std::string_view name);
    // `text` is safe to show. With --quiet only what went wrong is said to people.
    void say(const JsonObject& object, std::string_view text);
    void complain(const JsonObject& object, std::string_view text);

  private:
    std::string dated(std::string_view text) const;
    Output& out_;
    const bool dated_;
};

}  // namespace bae::node
