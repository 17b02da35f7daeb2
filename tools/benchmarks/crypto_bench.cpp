// Sealing, opening and hashing, against plain OpenSSL on the same buffer. BAE_BENCH_SCALE makes the buffer smaller.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

#include "crypto/aead.h"
#include "crypto/blob.h"
#include "crypto/hash.h"
#include "crypto/object.h"

namespace bae::crypto {
namespace {

size_t plain_size() {
    const char* scale = std::getenv("BAE_BENCH_SCALE");
    const double factor = scale != nullptr ? std::clamp(std::strtod(scale, nullptr), 0.0001, 1.0) : 1.0;
    return static_cast<size_t>(factor * (1 << 30)) / kBlobChunkPlainBytes * kBlobChunkPlainBytes;
}

Bytes filled(size_t size) { return Bytes(size, std::byte{0x5a}); }

void count_bytes(benchmark::State& state, size_t size) {
    state.SetBytesProcessed(static_cast<int64_t>(size) * static_cast<int64_t>(state.iterations()));
}

AeadNonce chunk_nonce(uint64_t index) {
    AeadNonce nonce{};
    write_big_endian(ByteSpan(nonce).subspan(15, 8), index);
    return nonce;
}

// 64 KiB records from one buffer into another, as a blob is sealed.
template <class Seal>
void seal_records(benchmark::State& state, const Seal& seal) {
    const size_t chunks = plain_size() / kBlobChunkPlainBytes;
    const Bytes plain = filled(chunks * kBlobChunkPlainBytes);
    Bytes sealed = filled(chunks * kBlobChunkSealedBytes);
    for (auto _ : state) {
        for (size_t i = 0; i < chunks; i++)
            seal(i, ByteView(plain).subspan(i * kBlobChunkPlainBytes, kBlobChunkPlainBytes),
                 ByteSpan(sealed).subspan(i * kBlobChunkSealedBytes, kBlobChunkSealedBytes));
        benchmark::ClobberMemory();
    }
    count_bytes(state, plain.size());
}

void seal_ours(benchmark::State& state) {
    Aead aead(filled(32));
    seal_records(state,
                 [&](uint64_t index, ByteView plain, ByteSpan out) { aead.seal(chunk_nonce(index), {}, plain, out); });
}

void seal_reference(benchmark::State& state) {
    const Bytes key = filled(32);
    const auto raw = [](ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_chacha20_poly1305(), nullptr, raw(key), nullptr);
    seal_records(state, [&](uint64_t index, ByteView plain, ByteSpan out) {
        const AeadNonce nonce = chunk_nonce(index);
        int written = 0;
        EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, raw(ByteView(nonce).subspan(12)));
        EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &written, raw(plain),
                          static_cast<int>(plain.size()));
        EVP_EncryptFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()) + written, &written);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out.last(16).data());
    });
    EVP_CIPHER_CTX_free(context);
    state.SetLabel("OpenSSL EVP ChaCha20-Poly1305, same buffer, 64 KiB records");
}

template <class Open>
void open_records(benchmark::State& state, const Open& open) {
    const size_t chunks = plain_size() / kBlobChunkPlainBytes;
    Bytes sealed = filled(chunks * kBlobChunkSealedBytes);
    Bytes plain = filled(chunks * kBlobChunkPlainBytes);
    const auto sealed_at = [&](size_t i) {
        return ByteSpan(sealed).subspan(i * kBlobChunkSealedBytes, kBlobChunkSealedBytes);
    };
    const auto plain_at = [&](size_t i) {
        return ByteSpan(plain).subspan(i * kBlobChunkPlainBytes, kBlobChunkPlainBytes);
    };
    Aead aead(filled(32));
    for (size_t i = 0; i < chunks; i++) aead.seal(chunk_nonce(i), {}, plain_at(i), sealed_at(i));
    for (auto _ : state)
        for (size_t i = 0; i < chunks; i++)
            if (!open(i, sealed_at(i), plain_at(i))) state.SkipWithError("a seal did not open");
    count_bytes(state, plain.size());
}

void open_ours(benchmark::State& state) {
    Aead aead(filled(32));
    open_records(state, [&](uint64_t index, ByteView sealed, ByteSpan out) {
        return aead.open(chunk_nonce(index), {}, sealed, out);
    });
}

// The whole of what a blob costs: the check of the chunk's hash and the seal.
void blob_seal(benchmark::State& state) {
    Random& random = system_random();
    const size_t chunks = std::min<size_t>(plain_size() / kBlobChunkPlainBytes, 1024);
    const BlobKey key(SecretKey::random(random), {}, chunks * kBlobChunkPlainBytes);
    const Bytes plain = filled(kBlobChunkPlainBytes);
    const ChunkHash hash = chunk_hash(plain);
    Bytes out(kBlobChunkSealedBytes);
    for (auto _ : state)
        for (uint64_t i = 0; i < chunks; i++)
            if (!key.seal_chunk(i, plain, hash, out)) state.SkipWithError("a chunk was refused");
    count_bytes(state, chunks * plain.size());
}

void sha256_ours(benchmark::State& state, size_t size) {
    const Bytes bytes = filled(size);
    for (auto _ : state) benchmark::DoNotOptimize(sha256(bytes));
    count_bytes(state, bytes.size());
}

void sha256_reference(benchmark::State& state, size_t size) {
    const Bytes bytes = filled(size);
    EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    Hash256 out;
    for (auto _ : state) {
        EVP_DigestInit_ex(context, algorithm, nullptr);
        EVP_DigestUpdate(context, bytes.data(), bytes.size());
        EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.bytes.data()), nullptr);
        benchmark::DoNotOptimize(out);
    }
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
    count_bytes(state, bytes.size());
    state.SetLabel("OpenSSL EVP SHA-256, same buffer, context kept");
}

void small_object_round(benchmark::State& state) {
    Random& random = system_random();
    const EpochMaster master = EpochMaster::generate(random);
    const DeviceKeys device = DeviceKeys::generate(random);
    const ObjectAddress address{{}, "changes/0123456789abcdef/0000000001.enc"};
    const Bytes plain = filled(1000);
    for (auto _ : state) {
        const Bytes object = seal_object(ObjectKind::change, address, master, {device, {}}, plain);
        const bool verified = verify_object(object, address, device.public_keys().signing).has_value();
        if (!verified || !open_object(object, address, master)) state.SkipWithError("an object did not open");
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

BENCHMARK(seal_ours)->Name("seal/ours")->Unit(benchmark::kMillisecond);
BENCHMARK(seal_reference)->Name("seal/reference")->Unit(benchmark::kMillisecond);
BENCHMARK(open_ours)->Name("open/ours")->Unit(benchmark::kMillisecond);
BENCHMARK(blob_seal)->Name("blob-seal/ours")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sha256_ours, 100, 100)->Name("sha256-100B/ours");
BENCHMARK_CAPTURE(sha256_reference, 100, 100)->Name("sha256-100B/reference");
BENCHMARK_CAPTURE(sha256_ours, 1M, 1 << 20)->Name("sha256-1MiB/ours");
BENCHMARK_CAPTURE(sha256_reference, 1M, 1 << 20)->Name("sha256-1MiB/reference");
BENCHMARK(small_object_round)->Name("object-1kB-round/ours");

}  // namespace
}  // namespace bae::crypto
