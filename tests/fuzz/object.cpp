// An object is refused, or its parts add up; one that opens under a known key seals to the same bytes again.
#include "crypto/object.h"

#include <cstdlib>

using namespace bae;
using namespace bae::crypto;

namespace {

struct Known {  // the keys of tests/vectors/crypto.txt, whose objects are the seeds
    static Bytes count_from(unsigned first, size_t size) {
        Bytes out;
        for (size_t i = 0; i < size; i++) out.push_back(static_cast<std::byte>((first + i) & 255));
        return out;
    }
    EpochMaster master = std::move(*EpochMaster::from(count_from(0, 32)));
    DeviceKeys device = std::move(*DeviceKeys::from_secret(count_from(0x40, 64)));
    ObjectAddress address{*LibraryId::from(count_from(0x80, 32)), "changes/0123456789abcdef/0000000001.enc"};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Known known;
    const ByteView input = std::as_bytes(std::span(data, size));
    const auto header = parse_object(input);
    (void)open_key_box(input, [](ByteView sealed) { return known.device.open_box(sealed); });
    const auto verified = verify_object(input, known.address, known.device.public_keys().signing);
    const auto plain = open_object(input, known.address, known.master);
    if (!header) {
        if (verified || plain) std::abort();
        return 0;
    }
    if (!plain || !verified) return 0;
    const Signer signer{known.device, certificate_of(input)};
    if (!equal(seal_object(header->kind, known.address, known.master, signer, *plain), input)) std::abort();
    return 0;
}
