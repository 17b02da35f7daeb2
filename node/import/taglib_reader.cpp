// The one place that knows TagLib. Its exceptions (it throws only what the standard library throws) stop here.
#include <apetag.h>
#include <attachedpictureframe.h>
#include <flacfile.h>
#include <flacpicture.h>
#include <id3v2framefactory.h>
#include <id3v2tag.h>
#include <infotag.h>
#include <mp4file.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tpropertymap.h>
#include <vorbisfile.h>
#include <wavfile.h>
#include <xiphcomment.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "node/import/audio_file.h"

namespace bae::node {
namespace {

// A read-only view of a source, as TagLib wants it. Reads never exceed what the file has, whatever a length field
// claims.
class SourceStream final : public TagLib::IOStream {
  public:
    explicit SourceStream(ByteSource& source) : source_(source), size_(static_cast<long>(source.size())) {}
    TagLib::FileName name() const override { return ""; }
    TagLib::ByteVector readBlock(unsigned long length) override {
        const unsigned long left = position_ < size_ ? static_cast<unsigned long>(size_ - position_) : 0;
        const auto count = static_cast<unsigned int>(std::min({length, left, 1UL << 30}));
        if (count == 0) return {};
        TagLib::ByteVector block(count, '\0');
        const size_t got =
            source_.read(static_cast<uint64_t>(position_), std::as_writable_bytes(std::span(block.data(), count)));
        if (got < count) block.resize(static_cast<unsigned int>(got));
        position_ += static_cast<long>(got);
        return block;
    }
    void writeBlock(const TagLib::ByteVector&) override {}
    void insert(const TagLib::ByteVector&, unsigned long, unsigned long) override {}
    void removeBlock(unsigned long, unsigned long) override {}
    bool readOnly() const override { return true; }
    bool isOpen() const override { return true; }
    void seek(long offset, Position from) override {
        const long base = from == Beginning ? 0 : from == Current ? position_ : size_;
        position_ = std::max(0L, base + offset);
    }
    long tell() const override { return position_; }
    long length() override { return size_; }
    void truncate(long) override {}

  private:
    ByteSource& source_;
    long position_ = 0;
    long size_;
};

std::string utf8(const TagLib::String& text) { return text.to8Bit(true); }

std::string canonical(const TagLib::String& name) {
    std::string out;
    for (const char c : utf8(name)) {
        if (c == ' ' || c == '_') continue;
        out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

void add_tag(AudioFile& file, std::string name, const TagLib::StringList& values) {
    if (file.tags.size() >= kMaxTagNames) {
        if (file.tags.size() == kMaxTagNames) file.notes.emplace_back("more tags than this program reads");
        return;
    }
    std::vector<std::string> texts;
    for (const auto& value : values) {
        if (texts.size() >= kMaxTagValues) break;
        // decoding stops where cleaning will cut anyway
        texts.push_back(utf8(value.size() > 8192 ? value.substr(0, 8192) : value));
    }
    file.tags.emplace_back(std::move(name), std::move(texts));
}

void add_tags(AudioFile& file, const TagLib::PropertyMap& properties) {
    for (const auto& [name, values] : properties) add_tag(file, canonical(name), values);
}

void offer_picture(AudioFile& file, const TagLib::ByteVector& data, bool front) {
    if (file.picture && (file.picture->front || !front)) return;
    if (data.size() > kMaxPictureBytes) {
        file.notes.emplace_back("an embedded picture of more than 32 MB is left out");
        return;
    }
    if (data.isEmpty()) return;
    file.picture = Picture{to_bytes(as_bytes({data.data(), data.size()})), front};
}

void offer_pictures(AudioFile& file, const TagLib::List<TagLib::FLAC::Picture*>& pictures) {
    for (const auto* picture : pictures)
        offer_picture(file, picture->data(), picture->type() == TagLib::FLAC::Picture::FrontCover);
}

void offer_id3_pictures(AudioFile& file, const TagLib::ID3v2::Tag* tag) {
    if (!tag) return;
    const auto& frames = tag->frameListMap();
    const auto found = frames.find("APIC");
    if (found == frames.end()) return;
    for (const auto* frame : found->second) {
        const auto* picture = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame*>(frame);
        if (picture)
            offer_picture(file, picture->picture(), picture->type() == TagLib::ID3v2::AttachedPictureFrame::FrontCover);
    }
}

Result<void> take_properties(AudioFile& file, const TagLib::AudioProperties* properties) {
    if (!properties) return fail(ErrorKind::corrupt, "no audio in it");
    AudioProperties& out = file.properties;
    out.sample_rate = properties->sampleRate();
    out.channels = properties->channels();
    out.bitrate = properties->bitrate();
    out.length_ms = properties->lengthInMilliseconds();
    if (out.sample_rate <= 0 || out.channels <= 0) return fail(ErrorKind::corrupt, "no audio in it");
    return {};
}

Result<void> parse_flac(AudioFile& file, TagLib::IOStream& stream, ByteSource& source) {
    TagLib::FLAC::File parsed(&stream, TagLib::ID3v2::FrameFactory::instance());
    if (!parsed.isValid()) return fail(ErrorKind::corrupt, "damaged FLAC metadata");
    TRY(take_properties(file, parsed.audioProperties()));
    FlacLayout layout = TRY(read_flac_layout(source));
    file.properties.codec = file.properties.container = "flac";
    file.properties.bits_per_sample = parsed.audioProperties()->bitsPerSample();
    file.properties.audio_offset = layout.audio_offset;
    file.properties.seek_table = std::move(layout.seek_table);
    add_tags(file, parsed.properties());
    offer_pictures(file, parsed.pictureList());
    if (parsed.hasXiphComment()) offer_pictures(file, parsed.xiphComment()->pictureList());
    return {};
}

Result<void> parse_mpeg(AudioFile& file, TagLib::IOStream& stream) {
    TagLib::MPEG::File parsed(&stream, TagLib::ID3v2::FrameFactory::instance());
    if (!parsed.isValid()) return fail(ErrorKind::corrupt, "damaged MP3");
    TRY(take_properties(file, parsed.audioProperties()));
    if (file.properties.length_ms <= 0) return fail(ErrorKind::corrupt, "no audio in it");
    file.properties.codec = "mp3";
    file.properties.container = "mpeg";
    add_tags(file, parsed.properties());
    offer_id3_pictures(file, parsed.ID3v2Tag());
    return {};
}

template <class OggFile>
Result<void> parse_ogg(AudioFile& file, TagLib::IOStream& stream, std::string_view codec) {
    OggFile parsed(&stream);
    if (!parsed.isValid()) return fail(ErrorKind::corrupt, "damaged Ogg pages");
    TRY(take_properties(file, parsed.audioProperties()));
    file.properties.codec = codec;
    file.properties.container = "ogg";
    add_tags(file, parsed.properties());
    if (parsed.tag()) offer_pictures(file, parsed.tag()->pictureList());
    return {};
}

// Free-form items that TagLib has no name for ("replaygain_track_gain") are of use too.
void add_freeform(AudioFile& file, const TagLib::MP4::Tag& tag) {
    constexpr std::string_view kPrefix = "----:com.apple.iTunes:";
    for (const auto& [name, item] : tag.itemMap()) {
        const std::string full = utf8(name);
        if (!full.starts_with(kPrefix)) continue;
        const std::string key = canonical(TagLib::String(full.substr(kPrefix.size()), TagLib::String::UTF8));
        const bool known =
            std::any_of(file.tags.begin(), file.tags.end(), [&](const auto& t) { return t.first == key; });
        if (!known) add_tag(file, key, item.toStringList());
    }
}

Result<void> parse_mp4(AudioFile& file, TagLib::IOStream& stream) {
    TagLib::MP4::File parsed(&stream);
    if (!parsed.isValid()) return fail(ErrorKind::corrupt, "damaged MP4 atoms");
    TRY(take_properties(file, parsed.audioProperties()));
    const bool alac = parsed.audioProperties()->codec() == TagLib::MP4::Properties::ALAC;
    file.properties.codec = alac ? "alac" : "aac";
    file.properties.container = "mp4";
    if (alac) file.properties.bits_per_sample = parsed.audioProperties()->bitsPerSample();
    if (!parsed.tag()) return {};
    add_tags(file, parsed.properties());
    add_freeform(file, *parsed.tag());
    for (const auto& cover : parsed.tag()->item("covr").toCoverArtList()) offer_picture(file, cover.data(), true);
    return {};
}

Result<void> parse_wav(AudioFile& file, TagLib::IOStream& stream) {
    TagLib::RIFF::WAV::File parsed(&stream);
    if (!parsed.isValid()) return fail(ErrorKind::corrupt, "damaged RIFF chunks");
    TRY(take_properties(file, parsed.audioProperties()));
    file.properties.codec = "pcm";
    file.properties.container = "wav";
    file.properties.bits_per_sample = parsed.audioProperties()->bitsPerSample();
    if (parsed.hasID3v2Tag())
        add_tags(file, parsed.ID3v2Tag()->properties());
    else if (parsed.hasInfoTag())
        add_tags(file, parsed.InfoTag()->properties());
    offer_id3_pictures(file, parsed.ID3v2Tag());
    return {};
}

Result<void> parse_as(AudioFile& file, ByteSource& source, MediaType type) {
    SourceStream stream(source);
    switch (type) {
        case MediaType::flac:
            return parse_flac(file, stream, source);
        case MediaType::mpeg:
            return parse_mpeg(file, stream);
        case MediaType::vorbis:
            return parse_ogg<TagLib::Ogg::Vorbis::File>(file, stream, "vorbis");
        case MediaType::opus:
            return parse_ogg<TagLib::Ogg::Opus::File>(file, stream, "opus");
        case MediaType::mp4:
            return parse_mp4(file, stream);
        case MediaType::wav:
            return parse_wav(file, stream);
        case MediaType::none:
            break;
    }
    return fail(ErrorKind::unsupported, "not audio of a kind this program knows");
}

}  // namespace

Result<AudioFile> parse_audio(ByteSource& source, MediaType type) {
    AudioFile file;
    try {
        TRY(parse_as(file, source, type));
    } catch (const std::exception& failure) {
        return fail(ErrorKind::corrupt, std::string("its tags cannot be read: ") + failure.what());
    }
    file.place = TRY(check_complete(source, type));
    return file;
}

}  // namespace bae::node
