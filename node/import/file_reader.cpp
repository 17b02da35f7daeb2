#include "node/import/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/base/crash_point.h"
#include "crypto/blob.h"
#include "crypto/hash.h"
#include "node/import/audio_mark.h"
#include "node/import/descriptor.h"

namespace bae::node {
namespace {

constexpr size_t kChunk = crypto::kBlobChunkPlainBytes;
constexpr size_t kSmallBytes = 64 * kChunk;  // 4 MB: read as a whole
constexpr size_t kBlockBytes = 16 * kChunk;  // larger files pass through in blocks of whole chunks

Result<FileIdentity> identity_of(int descriptor) {
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) return tl::unexpected(errno_error(errno, "cannot look at it"));
    if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid_input, "not a regular file");
    return FileIdentity{info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                        static_cast<int64_t>(info.st_ino)};
}

// Fewer bytes than asked for only at the end of the file.
Result<size_t> read_full(int descriptor, ByteSpan out) {
    size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = ::read(descriptor, out.data() + done, out.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(errno_error(errno, "cannot read it"));
        if (got == 0) break;
        done += static_cast<size_t>(got);
    }
    return done;
}

Error changed_meanwhile() { return Error{ErrorKind::corrupt, "changed while it was read: import it again"}; }

void add_chunk_hashes(Bytes& hashes, ByteView bytes) {
    for (size_t at = 0; at < bytes.size(); at += kChunk) {
        const crypto::ChunkHash hash = crypto::chunk_hash(bytes.subspan(at, std::min(kChunk, bytes.size() - at)));
        append(hashes, hash.view());
    }
}

Result<AudioPlace> parse(ByteSource& source, ReadFile& file) {
    AudioFile parsed = TRY(parse_audio(source, file.type));
    file.properties = std::move(parsed.properties);
    file.notes = std::move(parsed.notes);
    file.tags = read_tags(parsed.tags, file.notes);
    file.marks = tag_marks(file.tags);
    if (parsed.picture) file.picture = std::move(parsed.picture->bytes);
    return std::move(parsed.place);
}

}  // namespace

Result<ReadFile> FileReader::read(const std::string& path, MediaType hint) {
    // a FIFO that took the file's place meanwhile must not block the open
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return tl::unexpected(errno_error(errno, "cannot open it"));
    const FileIdentity identity = TRY(identity_of(file.get()));
    return read_open(file.get(), identity, hint);
}

Result<ReadFile> FileReader::read_open(int descriptor, const FileIdentity& identity, MediaType hint) {
    ReadFile file;
    file.identity = identity;
    std::array<std::byte, kSniffBytes> head{};
    DescriptorSource whole(descriptor, static_cast<uint64_t>(identity.size));
    file.type = sniff_audio(ByteView(head).first(whole.read(0, head)), hint);
    if (file.type == MediaType::none) {
        if (hint == MediaType::none) return file;
        return fail(ErrorKind::corrupt, identity.size == 0 ? "empty" : "not audio, whatever its name says");
    }
    TemporaryFile copy;
    if (!copy_to_.empty()) copy = TRY_CONTEXT(TemporaryFile::create(copy_to_), "cannot copy it");
    const bool small = static_cast<uint64_t>(identity.size) <= kSmallBytes;
    TRY(small ? hash_small(descriptor, file, copy.descriptor()) : hash_large(whole, file, copy.descriptor()));
    CRASH_POINT("import: file hashed");
    if (TRY(identity_of(descriptor)) != identity) return tl::unexpected(changed_meanwhile());
    if (!copy_to_.empty()) {
        TRY_CONTEXT(copy.sync(), "cannot copy it");
        file.temporary_copy = copy.keep();
        CRASH_POINT("import: copy synced");
    }
    return file;
}

Result<void> FileReader::hash_small(int descriptor, ReadFile& file, int copy) {
    const auto size = static_cast<size_t>(file.identity.size);
    if (buffer_.size() < size) buffer_.resize(std::max<size_t>(size, 1 << 20));
    const ByteSpan bytes = ByteSpan(buffer_).first(size);
    if (TRY(read_full(descriptor, bytes)) != size) return tl::unexpected(changed_meanwhile());
    file.hash = crypto::sha256(bytes);
    // of a file of one chunk both hashes are of the same bytes
    if (size <= kChunk)
        append(file.chunk_hashes, file.hash.view().first(crypto::ChunkHash::kSize));
    else
        add_chunk_hashes(file.chunk_hashes, bytes);
    if (copy >= 0) TRY_CONTEXT(write_full(copy, bytes), "cannot copy it");
    MemorySource source(bytes);
    AudioMarker marker(TRY(parse(source, file)));
    marker.add(bytes);
    file.audio_mark = marker.mark();
    return {};
}

// Parsed first, because where the sound lies must be known when its bytes pass.
Result<void> FileReader::hash_large(DescriptorSource& source, ReadFile& file, int copy) {
    AudioMarker marker(TRY(parse(source, file)));
    ::posix_fadvise(source.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
    if (buffer_.size() < kBlockBytes) buffer_.resize(kBlockBytes);
    crypto::Sha256 hash;
    int64_t left = file.identity.size;
    while (left > 0) {
        const auto want = static_cast<size_t>(std::min<int64_t>(left, kBlockBytes));
        const ByteSpan block = ByteSpan(buffer_).first(want);
        if (TRY(read_full(source.descriptor(), block)) != want) return tl::unexpected(changed_meanwhile());
        hash.update(block);
        marker.add(block);
        add_chunk_hashes(file.chunk_hashes, block);
        if (copy >= 0) TRY_CONTEXT(write_full(copy, block), "cannot copy it");
        left -= static_cast<int64_t>(want);
    }
    file.hash = hash.finish();
    file.audio_mark = marker.mark();
    return {};
}

Result<Bytes> read_whole(const std::string& path, size_t max_bytes) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return tl::unexpected(errno_error(errno, "cannot open it"));
    const FileIdentity identity = TRY(identity_of(file.get()));
    if (static_cast<uint64_t>(identity.size) > max_bytes)
        return fail(ErrorKind::invalid_input, "larger than " + std::to_string(max_bytes >> 20) + " MB");
    Bytes bytes(static_cast<size_t>(identity.size));
    if (TRY(read_full(file.get(), bytes)) != bytes.size()) return tl::unexpected(changed_meanwhile());
    return bytes;
}

}  // namespace bae::node
