#include "node/blobs/incoming_file.h"

#include <fmt/format.h>

#include "crypto/aead.h"
#include "crypto/base/crash_point.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

using crypto::kBlobChunkPlainBytes;
using crypto::kBlobChunkSealedBytes;

constexpr size_t kPieceChunks = 16;  // opened, hashed and written together: they fit into a cache
constexpr int kMostNames = 1000;
constexpr unsigned kMusicMode = 0644;  // less the umask, like imported copies

class Part {
  public:
    enum class Start { continued, anew };
    static Result<Part> open(const IncomingFile& incoming, uint64_t size, Start start) {
        TRY(make_directories(incoming.part.parent_path(), mode_of(incoming)));
        Part part(TRY(locked(incoming.part)), size);
        TRY(start == Start::anew ? part.file_.truncate(0) : part.take_up());
        return part;
    }
    static unsigned mode_of(const IncomingFile& incoming) { return incoming.shared ? 0777 : 0700; }

    uint64_t chunks() const { return chunks_; }
    uint64_t written() const { return written_; }
    bool resumed() const { return resumed_; }
    ByteSpan piece() { return piece_; }

    Result<void> append(ByteView plain) {
        TRY(file_.write(written_, plain));
        file_.start_writing_out(written_, plain.size());
        hash_.update(plain);
        written_ += plain.size();
        return {};
    }
    // Whole chunks, those that come next: a piece's worth of plaintext, in piece().
    Result<ByteView> opened(const crypto::BlobKey& key, ByteView sealed) {
        size_t size = 0;
        for (; !sealed.empty(); ++chunks_) {
            const ByteView chunk = sealed.first(std::min(sealed.size(), kBlobChunkSealedBytes));
            const ByteSpan out = piece().subspan(size, chunk.size() - crypto::kAeadTagBytes);
            TRY(key.open_chunk(chunks_, chunk, out));
            size += out.size();
            sealed = sealed.subspan(chunk.size());
        }
        return ByteView(piece_).first(size);
    }
    Result<crypto::Hash256> close() {
        TRY(file_.truncate(written_));
        TRY(file_.sync());
        return hash_.finish();
    }

  private:
    Part(File file, uint64_t size)
        : file_(std::move(file)), size_(size), piece_(std::min<uint64_t>(size, kPieceChunks * kBlobChunkPlainBytes)) {}

    // Locked, and still the file of that name: whoever had it before may have given it its own.
    static Result<File> locked(const fs::path& path) {
        while (true) {
            File file = TRY(File::open_to_append(path, kMusicMode));
            if (!TRY(file.try_lock()))
                return tl::unexpected<Error>(
                    {ErrorKind::retry,
                     fmt::format("another bae is fetching {}; wait until it is done", shown(path.native())),
                     Cause::locked});
            if (TRY(file.is_at_its_path())) return file;
        }
    }
    // Whole chunks only: a chunk that was cut is fetched again.
    Result<void> take_up() {
        const uint64_t have = std::min(TRY(file_.size()), size_);
        while (have - written_ >= kBlobChunkPlainBytes) {
            if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
            const uint64_t whole = (have - written_) / kBlobChunkPlainBytes * kBlobChunkPlainBytes;
            const ByteSpan plain = piece().first(static_cast<size_t>(std::min<uint64_t>(whole, piece_.size())));
            if (TRY(file_.read(written_, plain)) != plain.size()) return {};
            hash_.update(plain);
            written_ += plain.size();
            chunks_ = written_ / kBlobChunkPlainBytes;
            resumed_ = true;
        }
        return {};
    }

    File file_;
    uint64_t size_, written_ = 0, chunks_ = 0;
    bool resumed_ = false;
    crypto::Sha256 hash_;
    Bytes piece_;
};

fs::path numbered(const fs::path& path, int number) {
    if (number == 1) return path;
    return path.parent_path() / fmt::format("{} ({}){}", path.stem().native(), number, path.extension().native());
}

Result<bool> has_bytes(const fs::path& path, const crypto::Hash256& hash) {
    const File file = TRY(File::open_to_read(path));
    crypto::Sha256 sha;
    Bytes buffer(1 << 20);
    for (uint64_t at = 0;;) {
        const size_t size = TRY(file.read(at, buffer));
        if (size == 0) break;
        sha.update(ByteView(buffer).first(size));
        at += size;
    }
    return sha.finish() == hash;
}

Result<fs::path> replace_damaged(const IncomingFile& file) {
    TRY(rename_file(file.part, file.destination));
    TRY(sync_directory(file.destination.parent_path()));
    return file.destination;
}

// Never replaces what a person may have put there.
Result<fs::path> give_name(const IncomingFile& file) {
    TRY(make_directories(file.destination.parent_path(), Part::mode_of(file)));
    if (file.replaces) return replace_damaged(file);
    for (int number = 1; number <= kMostNames; ++number) {
        const fs::path name = numbered(file.destination, number);
        if (TRY(rename_if_free(file.part, name))) {
            TRY(sync_directory(name.parent_path()));
            CRASH_POINT("get: named, not recorded");
            return name;
        }
        const Result<bool> same = has_bytes(name, file.hash);
        if (!same || !*same) continue;
        std::error_code ignored;
        fs::remove(file.part, ignored);
        return name;
    }
    return fail(ErrorKind::conflict, fmt::format("{} and {} more names beside it are taken",
                                                 shown(file.destination.native()), kMostNames - 1));
}

Result<fs::path> complete(Part& part, const IncomingFile& file) {
    const crypto::Hash256 hash = TRY(part.close());
    if (hash != file.hash) {
        std::error_code ignored;
        fs::remove(file.part, ignored);
        return fail(ErrorKind::corrupt, fmt::format("{}: the bytes that came are not the file's",
                                                    shown(file.destination.filename().native())));
    }
    CRASH_POINT("get: complete, not named");
    return give_name(file);
}

// A folder that went meanwhile must not be taken for a blob that nobody has.
template <class T>
Result<T> of_this_disk(Result<T> result) {
    if (!result && result.error().kind == ErrorKind::not_found) result.error().kind = ErrorKind::retry;
    return result;
}

// The chunks that come next, as many as one window holds.
Result<void> receive_window(s3::Bucket& bucket, const std::string& path, const crypto::BlobKey& key, Part& part) {
    const uint64_t start = part.chunks() * kBlobChunkSealedBytes;
    const uint64_t length = std::min(kWindowBytes, key.sealed_size() - start);
    const Bytes sealed = TRY(bucket.get_range(path, start, length));
    if (sealed.size() != length) return fail(ErrorKind::corrupt, fmt::format("{} on the carrier is cut short", path));
    for (ByteView rest = sealed; !rest.empty();) {
        const ByteView piece = rest.first(std::min(rest.size(), kPieceChunks * kBlobChunkSealedBytes));
        const ByteView plain = TRY_CONTEXT(part.opened(key, piece), path);
        TRY(of_this_disk(part.append(plain)));
        CRASH_POINT("get: part grew");
        rest = rest.subspan(piece.size());
    }
    return {};
}

Result<void> receive_chunks(s3::Bucket& bucket, const std::string& path, const crypto::BlobKey& key, Part& part,
                            FileMeter* meter) {
    if (meter) meter->passed(part.written());
    while (part.chunks() < key.chunk_count()) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const uint64_t before = part.written();
        TRY(receive_window(bucket, path, key, part));
        if (meter) meter->passed(part.written() - before);
    }
    return {};
}

}  // namespace

Result<fs::path> receive_blob(s3::Bucket& bucket, const std::string& path, const crypto::BlobKey& key,
                              const IncomingFile& file) {
    {
        Part part = TRY(of_this_disk(Part::open(file, key.plain_size(), Part::Start::continued)));
        const Result<void> received = receive_chunks(bucket, path, key, part, file.meter);
        if (!received && part.written() == 0) {  // nothing to continue: it would only lie about
            std::error_code ignored;
            fs::remove(file.part, ignored);
        }
        TRY(Result<void>(received));
        Result<fs::path> arrived = of_this_disk(complete(part, file));
        if (arrived || !part.resumed() || arrived.error().kind != ErrorKind::corrupt) return arrived;
    }
    // A part that a power cut left may hold other bytes than were written; it is gone now.
    return receive_blob(bucket, path, key, file);
}

Result<fs::path> receive_copy(const fs::path& from, uint64_t size, const IncomingFile& file) {
    const File source = TRY(File::open_to_read(from));
    Part part = TRY(Part::open(file, size, Part::Start::anew));
    while (part.written() < size) {
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        const size_t got = TRY(source.read(part.written(), part.piece()));
        if (got == 0) break;
        TRY(part.append(ByteView(part.piece()).first(got)));
        if (file.meter) file.meter->passed(got);
    }
    return complete(part, file);
}

}  // namespace bae::node
