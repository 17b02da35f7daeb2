// FLAC metadata blocks (RFC 9639, section 8): a byte of flag and type, three of length, the body.
#include "crypto/base/pack.h"
#include "node/import/audio_file.h"

namespace bae::node {
namespace {

constexpr int kStreamInfo = 0;
constexpr int kSeekTable = 3;
constexpr size_t kPointBytes = 18;  // first sample 8, offset 8, samples 2
constexpr size_t kMaxPoints = 4096;
constexpr int kMaxBlocks = 1024;

// Placeholders are dropped; points must rise, or the table is of no use.
Bytes compact_seek_table(ByteView body) {
    std::vector<uint64_t> deltas;
    uint64_t sample = 0, offset = 0;
    for (size_t at = 0; at + kPointBytes <= body.size() && deltas.size() < 2 * kMaxPoints; at += kPointBytes) {
        const uint64_t next_sample = read_big_endian(body.subspan(at, 8));
        const uint64_t next_offset = read_big_endian(body.subspan(at + 8, 8));
        if (next_sample == UINT64_MAX) continue;
        if (next_sample < sample || next_offset < offset) return {};
        deltas.push_back(next_sample - sample);
        deltas.push_back(next_offset - offset);
        sample = next_sample;
        offset = next_offset;
    }
    Bytes out;
    if (deltas.empty()) return out;
    Packer packer(out);
    packer.array(static_cast<uint32_t>(deltas.size()));
    for (const uint64_t delta : deltas) packer.uint(delta);
    return out;
}

// Block sizes 2 + 2, frame sizes 3 + 3, then 64 bits: rate 20, channels 3, bits 5, samples 36.
void take_stream_info(FlacLayout& layout, ByteView body) {
    if (body.size() < 18) return;
    layout.block_samples = read_big_endian(body.subspan(2, 2));
    layout.total_samples = read_big_endian(body.subspan(10, 8)) & 0xf'ffff'ffff;
}

uint64_t id3_size(ByteSource& source) {
    const Bytes head = source.take(0, 10);
    if (head.size() < 10 || as_text(ByteView(head).first(3)) != "ID3") return 0;
    uint64_t size = 0;
    for (size_t i = 6; i < 10; ++i) size = size << 7 | (std::to_integer<uint64_t>(head[i]) & 0x7f);
    return size + 10;
}

}  // namespace

Result<FlacLayout> read_flac_layout(ByteSource& source) {
    FlacLayout layout;
    uint64_t at = id3_size(source);
    if (as_text(source.take(at, 4)) != "fLaC") return fail(ErrorKind::corrupt, "no FLAC stream in it");
    at += 4;
    for (int block = 0; block < kMaxBlocks; ++block) {
        const Bytes head = source.take(at, 4);
        if (head.size() < 4) return fail(ErrorKind::corrupt, "cut off inside its FLAC metadata");
        const uint64_t length = read_big_endian(ByteView(head).subspan(1));
        const auto lead = std::to_integer<unsigned>(head[0]);
        at += 4;
        if (at + length > source.size()) return fail(ErrorKind::corrupt, "cut off inside its FLAC metadata");
        if ((lead & 0x7f) == kStreamInfo) take_stream_info(layout, source.take(at, 18));
        if ((lead & 0x7f) == kSeekTable)
            layout.seek_table = compact_seek_table(source.take(at, static_cast<size_t>(length)));
        at += length;
        if (lead & 0x80) {
            layout.audio_offset = static_cast<int64_t>(at);
            return layout;
        }
    }
    return fail(ErrorKind::corrupt, "more FLAC metadata blocks than any encoder writes");
}

}  // namespace bae::node
