#pragma once
// One JSON object on one line, keys in the order they are added. For output only.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bae::node {

class JsonObject {
  public:
    JsonObject& text(std::string_view key, std::string_view value);
    JsonObject& integer(std::string_view key, int64_t value);
    JsonObject& count(std::string_view key, uint64_t value);
    JsonObject& real(std::string_view key, double value);  // null for what JSON has no number for
    JsonObject& boolean(std::string_view key, bool value);
    JsonObject& null(std::string_view key);
    JsonObject& object(std::string_view key, const JsonObject& value);
    JsonObject& objects(std::string_view key, const std::vector<JsonObject>& values);
    JsonObject& texts(std::string_view key, const std::vector<std::string>& values);
    std::string line() const { return body_ + "}"; }
    // The line up to the value of one more key, which is printed apart and closed with "\"}".
    std::string open_line(std::string_view key) const;

  private:
    std::string& key(std::string_view key);
    std::string body_ = "{";
};

std::string json_string(std::string_view text);  // quoted

}  // namespace bae::node
