#include <algorithm>

#include "s3/s3_object.h"

namespace bae::s3 {
namespace {

constexpr uint64_t kLeastPiece = 1 << 20;           // smaller ones cost more in requests than they gain
constexpr uint64_t kMostSplit = uint64_t{4} << 30;  // a longer range says "to the end": the object's is not known
constexpr uint64_t kMostWhole = 64 << 20;           // read to take a slice of it, where a server knows no ranges
constexpr uint64_t kMostSent = INT64_MAX;           // what servers can read as a number
constexpr int kRounds = 3;

// One read of a range that may turn out to be of two versions, or of a server that knows no ranges.
class RangeReader {
  public:
    RangeReader(S3Requests& requests, std::string_view path, uint64_t offset, uint64_t length)
        : requests_(requests), path_(path), offset_(offset), length_(std::min(length, UINT64_MAX - offset)) {}

    Result<Bytes> read() {
        uint64_t piece = piece_length();
        for (int round = 0; round < kRounds; round++) {
            auto read = once(piece);
            if (read || !again_) return read;
            if (needs_one_) piece = length_;
        }
        return fail(ErrorKind::retry, path_ + " changes while it is being read");
    }

  private:
    uint64_t piece_length() const {
        const auto width = static_cast<uint64_t>(requests_.server().width());
        if (length_ > kMostSplit) return length_;
        const uint64_t even = (length_ + width - 1) / width;
        return std::max(kLeastPiece, (even + kLeastPiece - 1) / kLeastPiece * kLeastPiece);
    }

    Result<Bytes> once(uint64_t piece) {
        again_ = false;
        size_.reset();
        etag_.clear();
        out_.clear();
        is_whole_ = false;
        piece_ = piece;
        uint64_t begin = 0;
        const auto next = [&]() -> Result<std::unique_ptr<S3Request>> {
            if (begin >= length_) return nullptr;
            const uint64_t at = std::exchange(begin, piece > length_ - begin ? length_ : begin + piece);
            return request(at, begin - at);
        };
        TRY(requests_.send_all(next, [&](S3Request& asked, const S3Reply& reply) { return take(asked, reply); }));
        return result();
    }

    // `at` counts from the beginning of the range.
    std::unique_ptr<S3Request> request(uint64_t at, uint64_t length) {
        const uint64_t first = offset_ + at;
        const uint64_t last = first + length - 1;
        auto out = std::make_unique<S3Request>();
        out->path = path_;
        out->headers.emplace_back(
            "range", "bytes=" + std::to_string(first) + "-" + (last > kMostSent ? "" : std::to_string(last)));
        out->number = at;
        out->place = [this, at, length](const Transfer& head) { return place(head, at, length); };
        return out;
    }

    Result<ByteSpan> place(const Transfer& head, uint64_t at, uint64_t length) {
        if (head.answer.status != 206) return place_whole(head);
        const auto range = parse_content_range(header(head.answer, "content-range").value_or(""));
        if (!range || !range->first || !range->size || *range->first != offset_ + at ||
            *range->last - *range->first >= length)
            return fail(ErrorKind::corrupt, "the server answers another range than the one asked for");
        TRY(same_version(head.answer, *range->size));
        const uint64_t count = *range->last - *range->first + 1;
        if (count != std::min(length, *size_ - offset_ - at) || head.length.value_or(count) != count)
            return fail(ErrorKind::corrupt, "the server answers less of a range than there is");
        return ByteSpan(out_).subspan(at, count);
    }

    Result<void> same_version(const HttpAnswer& answer, uint64_t size) {
        const std::string etag = header(answer, "etag").value_or("");
        if (is_split() && etag.empty()) return start_again(true, "a version cannot be told from another");
        if (size_ && (*size_ != size || etag != etag_)) return start_again(false, "it has changed");
        if (std::min(length_, size - offset_) > kMostSplit)
            return fail(ErrorKind::unsupported, "more than 4 GiB at once");
        if (!size_) out_.resize(std::min(length_, size - offset_));
        size_ = size;
        etag_ = etag;
        return {};
    }

    // Ends this round: no other kind is given to what a round cannot survive but the reader can.
    tl::unexpected<Error> start_again(bool in_one, std::string why) {
        again_ = true;
        needs_one_ = needs_one_ || in_one;
        return fail(ErrorKind::conflict, std::move(why));
    }

    Result<ByteSpan> place_whole(const Transfer& head) {
        if (head.answer.status != 200) return fail(ErrorKind::corrupt, "the answer to a range is no range");
        if (is_split()) return start_again(true, "the server knows no ranges");
        if (!head.length || *head.length > kMostWhole)
            return fail(ErrorKind::unsupported,
                        "the server knows no ranges, and the object is too large to read whole");
        out_.assign(*head.length, std::byte{0});
        size_ = *head.length;
        is_whole_ = true;
        return ByteSpan(out_);
    }

    Result<void> take(const S3Request& asked, const S3Reply& reply) {
        if (reply.verdict.next == Verdict::Next::range) return take_beyond(asked, reply);
        if (!reply.is_done()) return refusal(requests_, reply, path_);
        const uint64_t expected = is_whole_ ? *size_ : expected_at(asked.number);
        if (reply.received == expected) return {};
        return fail(ErrorKind::retry, path_ + ": the answer was cut off");
    }

    // The place of each request was checked when its head came; a body without a length may still be short.
    uint64_t expected_at(uint64_t at) const { return std::min<uint64_t>(piece_, out_.size() - at); }
    bool is_split() const { return piece_ < length_; }

    Result<void> take_beyond(const S3Request& asked, const S3Reply& reply) {
        const auto range = parse_content_range(header(reply.answer, "content-range").value_or(""));
        uint64_t size = 0;
        if (range && range->size)
            size = *range->size;
        else
            size = TRY(stat_object(requests_, path_)).size;
        if (offset_ + asked.number < size || (size_ && *size_ != size)) return start_again(false, "it has changed");
        beyond_ = size;
        return {};
    }

    Result<Bytes> result() {
        if (is_whole_) return slice();
        if (size_) return std::move(out_);
        if (beyond_ && offset_ <= *beyond_) return Bytes();
        return too_far();
    }

    Result<Bytes> slice() const {
        if (offset_ > *size_) return too_far();
        return to_bytes(ByteView(out_).subspan(offset_, std::min(length_, *size_ - offset_)));
    }

    tl::unexpected<Error> too_far() const {
        return fail(ErrorKind::invalid_input, path_ + " ends before byte " + std::to_string(offset_));
    }

    S3Requests& requests_;
    const std::string path_;
    const uint64_t offset_;
    const uint64_t length_;
    uint64_t piece_ = 0;      // bytes of one request
    bool again_ = false;      // this round failed, another may not
    bool needs_one_ = false;  // and must be one request
    bool is_whole_ = false;
    Bytes out_;
    std::optional<uint64_t> size_;    // of the object, as the heads say
    std::optional<uint64_t> beyond_;  // as an answer 416 says
    std::string etag_;
};

}  // namespace

Result<Bytes> get_object_range(S3Requests& requests, std::string_view path, uint64_t offset, uint64_t length) {
    if (length > 0 && offset <= kMostSent) return RangeReader(requests, path, offset, length).read();
    if (TRY(stat_object(requests, path)).size >= offset) return Bytes();
    return fail(ErrorKind::invalid_input, std::string(path) + " ends before byte " + std::to_string(offset));
}

}  // namespace bae::s3
