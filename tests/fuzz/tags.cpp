// Audio files from outside: the first byte picks the format, the rest is the file. Nothing is serialised again; what is
// checked is that limits hold and that reading the same bytes twice gives the same.
#include "crypto/base/result.h"
#include "node/import/audio_mark.h"
#include "node/import/file_tags.h"
#include "node/import/names.h"

namespace {

void check_limits(const bae::node::FileTags& tags) {
    using namespace bae::node;
    CHECK(!tags.title || tags.title->size() <= kMaxTextBytes);
    CHECK(tags.artists.size() <= kMaxArtists && tags.genres.size() <= kMaxGenres);
    CHECK(!tags.release_mbid || is_mbid(*tags.release_mbid));
    CHECK(!tags.number || *tags.number > 0);
}

// The sound lies inside the file, and its mark does not depend on the parts the bytes come in.
void check_mark(const bae::node::AudioPlace& place, bae::ByteView bytes) {
    using namespace bae::node;
    for (const AudioExtent& extent : place.extents) CHECK(extent.begin <= extent.end && extent.end <= bytes.size());
    AudioMarker whole(place), parts(place);
    whole.add(bytes);
    for (size_t at = 0, step = 1; at < bytes.size(); at += step, step = step * 3 % 101 + 1)
        parts.add(bytes.subspan(at, std::min(step, bytes.size() - at)));
    CHECK(whole.mark() == parts.mark() && sound_bytes(whole.mark()) <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace bae::node;
    if (size < 1 || size > (1 << 20)) return 0;
    const bae::ByteView bytes = std::as_bytes(std::span(data + 1, size - 1));
    const auto hint = static_cast<MediaType>(data[0] % 7);
    const MediaType type = sniff_audio(bytes.first(std::min(bytes.size(), kSniffBytes)), hint);
    if (const auto format = sniff_picture(bytes)) CHECK(!format->mime.empty());
    MemorySource source(bytes);
    const auto file = parse_audio(source, type);
    if (!file) return 0;
    CHECK(file->properties.sample_rate > 0 && file->tags.size() <= kMaxTagNames);
    CHECK(!file->picture || file->picture->bytes.size() <= kMaxPictureBytes);
    check_mark(file->place, bytes);
    std::vector<std::string> notes;
    const FileTags tags = read_tags(file->tags, notes);
    check_limits(tags);
    const auto again = parse_audio(source, type);
    CHECK(again && tag_marks(read_tags(again->tags, notes)) == tag_marks(tags));
    return 0;
}
