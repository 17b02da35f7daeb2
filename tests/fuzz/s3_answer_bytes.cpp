// What a server sends, head and body: refused, or an answer within the limits. A Content-Range is refused, or means the
// same when it is written again.
#include <algorithm>
#include <string_view>

#include "s3/s3_object.h"
#include "s3/transfer.h"

using namespace bae;
using namespace bae::s3;

static constexpr uint64_t kMaxBody = 1000;

static bool is_lower(std::string_view name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// As libcurl hands it over: line by line, then the body in pieces.
static void feed(Transfer& transfer, ByteView bytes) {
    for (bool head = true; !bytes.empty();) {
        if (!head && transfer.method == "HEAD") break;
        const std::string_view text = as_text(bytes);
        const size_t line = std::min(text.find('\n'), text.size() - 1) + 1;
        const size_t piece = head ? line : std::min<size_t>(bytes.size(), 100);
        const bool goes_on =
            head ? transfer.take_head_line(text.substr(0, piece)) : transfer.take_body(bytes.first(piece));
        if (!goes_on) return;
        if (head && (text.substr(0, piece) == "\r\n" || text.substr(0, piece) == "\n"))
            head = transfer.answer.status < 200;
        bytes = bytes.subspan(piece);
    }
    transfer.take_end();
}

static void check_answer(ByteView bytes, const std::string& method, bool placed) {
    Bytes out(kMaxBody, std::byte{0});
    Transfer transfer;
    transfer.method = method;
    transfer.max_body = kMaxBody;
    if (placed) transfer.place = [&](const Transfer&) -> Result<ByteSpan> { return ByteSpan(out); };
    feed(transfer, bytes);
    const bool good = transfer.answer.status >= 200 && transfer.answer.status < 300;
    CHECK(transfer.answer.body.size() <= (good ? kMaxBody : kMaxErrorBodyBytes));
    CHECK(!placed || !good || transfer.answer.body.empty());
    for (const auto& [name, value] : transfer.answer.headers) {
        CHECK(is_lower(name));
        CHECK(name.find('\n') == std::string::npos && value.find('\n') == std::string::npos);
    }
    if (!transfer.failure && good && transfer.length && method != "HEAD") CHECK(*transfer.length == transfer.received);
}

static void check_range(std::string_view text) {
    const auto range = parse_content_range(text);
    if (!range) return;
    CHECK(range->first.has_value() == range->last.has_value());
    const std::string written =
        "bytes " + (range->first ? std::to_string(*range->first) + "-" + std::to_string(*range->last) : "*") + "/" +
        (range->size ? std::to_string(*range->size) : "*");
    const auto again = parse_content_range(written);
    CHECK(again && again->first == range->first && again->last == range->last && again->size == range->size);
    if (range->first) CHECK(*range->first <= *range->last && (!range->size || *range->last < *range->size));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes = std::as_bytes(std::span(data, size));
    for (const std::string method : {"GET", "HEAD", "PUT"})
        for (const bool placed : {false, true}) check_answer(bytes, method, placed);
    check_range(as_text(bytes));
    return 0;
}
