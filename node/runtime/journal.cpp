#include "node/runtime/journal.h"

#include <array>
#include <ctime>

#include "sync/stamp.h"

namespace bae::node {

JsonObject Journal::event(std::string_view name) {
    return JsonObject().text("event", name).integer("ms", sync::system_clock().now_ms());
}

void Journal::say(const JsonObject& object, std::string_view text) {
    out_.remark(dated(text));
    if (!out_.json() || out_.quiet()) return;
    out_.line(object);
    out_.flush();
}

void Journal::complain(const JsonObject& object, std::string_view text) {
    if (!out_.json()) return out_.warn(dated(text));
    out_.line(object);
    out_.flush();
}

std::string Journal::dated(std::string_view text) const {
    if (!dated_) return std::string(text);
    const time_t now = std::time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    std::array<char, 16> time{};
    std::strftime(time.data(), time.size(), "%H:%M:%S ", &local);
    return time.data() + std::string(text);
}

}  // namespace bae::node
