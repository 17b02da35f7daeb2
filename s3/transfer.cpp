#include "s3/transfer.h"

#include <algorithm>
#include <charconv>

namespace bae::s3 {
namespace {

constexpr uint64_t kReserved = 64 << 20;  // what an announced length is believed before bytes come

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// "HTTP/1.1 200 OK"
int status_of(std::string_view line) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return 0;
    const std::string_view digits = line.substr(space + 1, 3);
    int status = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), status);
    return parsed.ptr == digits.data() + 3 ? status : 0;
}

std::optional<uint64_t> length_of(const HttpAnswer& answer) {
    const auto text = header(answer, "content-length");
    if (!text) return std::nullopt;
    uint64_t length = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), length);
    if (text->empty() || parsed.ec != std::errc() || parsed.ptr != text->data() + text->size()) return std::nullopt;
    return length;
}

}  // namespace

bool Transfer::fails(ErrorKind kind, std::string message) {
    failure = Error{kind, std::move(message)};
    return false;
}

bool Transfer::take_head_line(std::string_view line) {
    head_bytes_ += line.size();
    if (head_bytes_ > kMaxHeaderBytes) return fails(ErrorKind::corrupt, "the head of the answer does not end");
    if (has_head_) return true;  // trailers mean nothing to us
    line = trimmed(line);
    if (line.empty()) return answer.status < 200 || begin_body();
    if (line.starts_with("HTTP/")) {
        answer = {};
        answer.status = status_of(line);
        return true;
    }
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos)
        answer.headers.emplace_back(lower_case(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
    return true;
}

bool Transfer::begin_body() {
    has_head_ = true;
    length = length_of(answer);
    if (!is_good() || method == "HEAD") return true;
    // Without either the end of the connection is the end of the body, and a cut cannot be told from it.
    const bool is_chunked = lower_case(header(answer, "transfer-encoding").value_or("")).ends_with("chunked");
    if (method == "GET" && !length && !is_chunked && answer.status != 204)
        return fails(ErrorKind::corrupt, "the answer does not say how long it is");
    if (!place && length.value_or(0) > max_body)
        return fails(ErrorKind::corrupt, "there are " + std::to_string(*length) + " bytes, more than the " +
                                             std::to_string(max_body) + " there may be");
    if (!place) {
        answer.body.reserve(std::min(length.value_or(0), kReserved));
        return true;
    }
    auto placed = place(*this);
    if (placed)
        into_ = *placed;
    else
        failure = placed.error();
    return placed.has_value();
}

bool Transfer::take_body(ByteView bytes) {
    received += bytes.size();
    if (!is_good()) {
        append(answer.body, bytes.first(std::min(bytes.size(), kMaxErrorBodyBytes - answer.body.size())));
        return answer.body.size() < kMaxErrorBodyBytes;
    }
    const uint64_t room = into_ ? into_->size() : max_body;
    if (received > room)
        return fails(ErrorKind::corrupt, "there are more bytes than the " + std::to_string(room) + " there may be");
    if (into_)
        std::copy(bytes.begin(), bytes.end(), into_->begin() + static_cast<ptrdiff_t>(received - bytes.size()));
    else
        append(answer.body, bytes);
    return true;
}

void Transfer::take_end() {
    const bool whole = !length || method == "HEAD" || *length == received || !is_good();
    if (!has_head_ || !whole) fails(ErrorKind::retry, "the answer was cut off");
}

}  // namespace bae::s3
