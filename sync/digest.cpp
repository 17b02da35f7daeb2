#include "sync/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace bae::sync {

DigestSum::DigestSum(const Digest& digest) {
    for (size_t i = 0; i < 8; i++) {
        sum_.high = sum_.high << 8 | std::to_integer<uint64_t>(digest.bytes[i]);
        sum_.low = sum_.low << 8 | std::to_integer<uint64_t>(digest.bytes[8 + i]);
    }
}

Digest DigestSum::digest() const {
    Digest out;
    for (size_t i = 0; i < 8; i++) {
        out.bytes[i] = static_cast<std::byte>(sum_.high >> (56 - 8 * i));
        out.bytes[8 + i] = static_cast<std::byte>(sum_.low >> (56 - 8 * i));
    }
    return out;
}

void DigestSum::add(const Term& term) {
    sum_.low += term.low;
    sum_.high += term.high + (sum_.low < term.low ? 1 : 0);
}

void DigestSum::subtract(const Term& term) {
    const bool borrow = sum_.low < term.low;
    sum_.low -= term.low;
    sum_.high -= term.high + (borrow ? 1 : 0);
}

void DigestTerms::set_row(std::string_view table, std::string_view id) {
    buffer_.clear();
    Packer packer(buffer_);
    packer.array(5);
    packer.text(table);
    packer.text(id);
    prefix_ = buffer_.size();
}

static DigestSum::Term hash(const Bytes& bytes) {
    const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
    return {h.high64, h.low64};
}

DigestSum::Term DigestTerms::row(std::string_view row_stamp, bool alive) {
    buffer_.resize(prefix_);
    buffer_[0] = std::byte{0x94};  // a list of four
    Packer packer(buffer_);
    packer.text(row_stamp);
    packer.boolean(alive);
    const DigestSum::Term term = hash(buffer_);
    buffer_[0] = std::byte{0x95};
    return term;
}

DigestSum::Term DigestTerms::value(std::string_view column, std::string_view stamp, ByteView packed_value) {
    buffer_.resize(prefix_);
    Packer packer(buffer_);
    packer.text(column);
    packer.text(stamp);
    packer.raw(packed_value);
    return hash(buffer_);
}

}  // namespace bae::sync
