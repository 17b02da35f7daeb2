#pragma once
// Random access to the bytes of one open file, for parsers. A memory source is used for files that fit in one buffer, a
// descriptor source (pread) for larger ones; neither reads more than what is asked for.
#include "crypto/base/bytes.h"

namespace bae::node {

class ByteSource {
  public:
    virtual ~ByteSource() = default;
    virtual uint64_t size() const = 0;
    // Bytes at `offset`, fewer at the end of the file or when reading fails.
    virtual size_t read(uint64_t offset, ByteSpan out) = 0;

    Bytes take(uint64_t offset, size_t count) {
        Bytes out(offset >= size() ? 0 : std::min<uint64_t>(count, size() - offset));
        out.resize(read(offset, out));
        return out;
    }
};

class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
    uint64_t size() const override { return bytes_.size(); }
    size_t read(uint64_t offset, ByteSpan out) override;

  private:
    ByteView bytes_;
};

class DescriptorSource final : public ByteSource {
  public:
    DescriptorSource(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size) {}
    uint64_t size() const override { return size_; }
    size_t read(uint64_t offset, ByteSpan out) override;
    int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
    uint64_t size_;
};

}  // namespace bae::node
