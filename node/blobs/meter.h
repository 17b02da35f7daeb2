#pragma once
// Bytes that passed in a round, for its progress line: of each file at most its size, however often it is read.
#include <algorithm>
#include <atomic>
#include <cstdint>

#include "s3/bucket.h"

namespace bae::node {

class FileMeter {  // for one thread; `round` is shared
  public:
    FileMeter(std::atomic<uint64_t>& round, uint64_t size) : round_(round), left_(size) {}
    ~FileMeter() { passed(left_); }  // however it ended, it is no longer to come
    FileMeter(const FileMeter&) = delete;
    FileMeter& operator=(const FileMeter&) = delete;

    void passed(uint64_t bytes) {
        const uint64_t counted = std::min(bytes, left_);
        left_ -= counted;
        round_ += counted;
    }

  private:
    std::atomic<uint64_t>& round_;
    uint64_t left_;
};

// Decorator of what is sent.
class MeteredBody : public s3::Body {
  public:
    MeteredBody(s3::Body& inner, FileMeter& meter) : inner_(inner), meter_(meter) {}
    uint64_t size() const override { return inner_.size(); }
    bool content_addressed() const override { return inner_.content_addressed(); }
    Result<void> read(uint64_t offset, ByteSpan out) override {
        TRY(inner_.read(offset, out));
        meter_.passed(out.size());
        return {};
    }

  private:
    s3::Body& inner_;
    FileMeter& meter_;
};

}  // namespace bae::node
