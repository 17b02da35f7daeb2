#include "node/output/json.h"

#include <fmt/format.h>

#include <cmath>

#include "node/output/escape.h"

namespace bae::node {

std::string json_string(std::string_view text) { return '"' + json_escaped(text) + '"'; }

std::string& JsonObject::key(std::string_view key) {
    if (body_.size() > 1) body_ += ',';
    body_ += json_string(key);
    body_ += ':';
    return body_;
}

std::string JsonObject::open_line(std::string_view name) const {
    return body_ + (body_.size() > 1 ? "," : "") + json_string(name) + ":\"";
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
    key(name) += json_string(value);
    return *this;
}

JsonObject& JsonObject::integer(std::string_view name, int64_t value) {
    key(name) += std::to_string(value);
    return *this;
}

JsonObject& JsonObject::count(std::string_view name, uint64_t value) {
    key(name) += std::to_string(value);
    return *this;
}

JsonObject& JsonObject::real(std::string_view name, double value) {
    key(name) += std::isfinite(value) ? fmt::format("{}", value) : "null";
    return *this;
}

JsonObject& JsonObject::boolean(std::string_view name, bool value) {
    key(name) += value ? "true" : "false";
    return *this;
}

JsonObject& JsonObject::null(std::string_view name) {
    key(name) += "null";
    return *this;
}

JsonObject& JsonObject::object(std::string_view name, const JsonObject& value) {
    key(name) += value.line();
    return *this;
}

JsonObject& JsonObject::objects(std::string_view name, const std::vector<JsonObject>& values) {
    std::string& out = key(name);
    out += '[';
    for (size_t i = 0; i < values.size(); ++i) out += (i ? "," : "") + values[i].line();
    out += ']';
    return *this;
}

JsonObject& JsonObject::texts(std::string_view name, const std::vector<std::string>& values) {
    std::string& out = key(name);
    out += '[';
    for (size_t i = 0; i < values.size(); ++i) out += (i ? "," : "") + json_string(values[i]);
    out += ']';
    return *this;
}

}  // namespace bae::node
