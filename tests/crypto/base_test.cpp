#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "crypto/base/bytes.h"
#include "crypto/base/pack.h"
#include "crypto/fixtures.h"
#include "crypto/ids.h"

namespace bae {
namespace {

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

template <class Write>
std::string packed(const Write& write) {
    Bytes out;
    Packer packer(out);
    write(packer);
    return hex_encode(out);
}

TEST(Hex, IsLowerCaseAndExact) {
    EXPECT_EQ(hex_encode(hex("00ff7f80")), "00ff7f80");
    EXPECT_EQ(hex_decode("").value(), Bytes());
    for (const char* bad : {"0", "000", "0G", "AB", "0x00", " 00", "00 "})
        EXPECT_EQ(hex_decode(bad).error().kind, ErrorKind::invalid_input) << bad;
    Bytes four(4);
    EXPECT_FALSE(hex_decode_into("000000", four).has_value());
    EXPECT_FALSE(hex_decode_into("0000000000", four).has_value());
}

// RFC 4648 section 10, without the padding.
TEST(Base32, MatchesRfc4648) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "MY"},
                                                           {"fo", "MZXQ"},
                                                           {"foo", "MZXW6"},
                                                           {"foob", "MZXW6YQ"},
                                                           {"fooba", "MZXW6YTB"},
                                                           {"foobar", "MZXW6YTBOI"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(base32_encode(as_bytes(plain)), text);
        EXPECT_EQ(base32_decode(text).value(), to_bytes(as_bytes(plain)));
    }
}

TEST(Base32, ReadsBackAnyBytes) {
    crypto::SeededRandom random(7);
    for (size_t size = 0; size < 200; size++) {
        const Bytes bytes = random.bytes(size);
        EXPECT_EQ(base32_decode(base32_encode(bytes)).value(), bytes);
    }
}

TEST(Base32, IgnoresCaseHyphensAndWhiteSpaceOnly) {
    EXPECT_EQ(base32_decode("mz-xw 6\n").value(), to_bytes(as_bytes("foo")));
    for (const char* bad : {"MZXW6!", "MZXW0", "MZXW1", "MY======", "M", "MZX", "MZ", "MZXW6A", "\xc3\xa4"})
        EXPECT_FALSE(base32_decode(bad).has_value()) << bad;
}

TEST(BigEndian, WritesAndReadsBack) {
    Bytes three(3);
    write_big_endian(three, 0x010203);
    EXPECT_EQ(three, hex("010203"));
    EXPECT_EQ(read_big_endian(three), 0x010203U);
    Bytes sized;
    append_sized(sized, three);
    EXPECT_EQ(sized, hex("00000003010203"));
}

TEST(Ids, HaveOneTextForm) {
    const auto id = crypto::DeviceId::parse("0123456789abcdef");
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->text(), "0123456789abcdef");
    EXPECT_EQ(crypto::DeviceId::from(id->view()), *id);
    EXPECT_FALSE(crypto::DeviceId::parse("0123456789ABCDEF").has_value());
    EXPECT_FALSE(crypto::DeviceId::parse("0123456789abcde").has_value());
    EXPECT_EQ(crypto::DeviceId::from(Bytes(7)).error().kind, ErrorKind::corrupt);
}

TEST(Pack, UnsignedNumbersTakeTheirShortestForm) {
    const std::pair<uint64_t, const char*> forms[] = {{0, "00"},
                                                      {127, "7f"},
                                                      {128, "cc80"},
                                                      {255, "ccff"},
                                                      {256, "cd0100"},
                                                      {65535, "cdffff"},
                                                      {65536, "ce00010000"},
                                                      {UINT32_MAX, "ceffffffff"},
                                                      {uint64_t{1} << 32, "cf0000000100000000"},
                                                      {UINT64_MAX, "cfffffffffffffffff"}};
    for (const auto& [value, form] : forms) {
        EXPECT_EQ(packed([v = value](Packer& p) { p.uint(v); }), form);
        const Bytes bytes = hex(form);
        Unpacker in(bytes);
        EXPECT_EQ(in.uint().value(), value);
        EXPECT_TRUE(in.finish().has_value());
    }
}

TEST(Pack, SignedNumbersTakeTheirShortestForm) {
    const std::pair<int64_t, const char*> forms[] = {{0, "00"},
                                                     {INT64_MAX, "cf7fffffffffffffff"},
                                                     {-1, "ff"},
                                                     {-32, "e0"},
                                                     {-33, "d0df"},
                                                     {-128, "d080"},
                                                     {-129, "d1ff7f"},
                                                     {INT16_MIN, "d18000"},
                                                     {INT16_MIN - 1, "d2ffff7fff"},
                                                     {INT32_MIN, "d280000000"},
                                                     {int64_t{INT32_MIN} - 1, "d3ffffffff7fffffff"},
                                                     {INT64_MIN, "d38000000000000000"}};
    for (const auto& [value, form] : forms) {
        EXPECT_EQ(packed([v = value](Packer& p) { p.sint(v); }), form);
        const Bytes bytes = hex(form);
        Unpacker in(bytes);
        EXPECT_EQ(in.sint().value(), value) << form;
        EXPECT_TRUE(in.finish().has_value());
    }
}

TEST(Pack, TextBytesAndListsReadBackAtEveryLengthForm) {
    for (size_t size : {0U, 1U, 15U, 16U, 31U, 32U, 255U, 256U, 65535U, 65536U}) {
        Bytes bytes;
        Packer packer(bytes);
        packer.array(static_cast<uint32_t>(size));
        for (size_t i = 0; i < size; i++) packer.nil();
        packer.text(std::string(size, 't'));
        packer.bin(Bytes(size, std::byte{1}));
        Unpacker in(bytes);
        ASSERT_TRUE(in.array_exact(static_cast<uint32_t>(size)).has_value()) << size;
        for (size_t i = 0; i < size; i++) ASSERT_TRUE(in.nil().has_value());
        EXPECT_EQ(in.text(size).value(), std::string(size, 't'));
        EXPECT_TRUE(equal(in.bin(size).value(), Bytes(size, std::byte{1})));
        EXPECT_TRUE(in.finish().has_value());
    }
}

TEST(Pack, RealsReadBackAndNanHasOneForm) {
    for (double value :
         {0.0, -0.0, 1.5, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min()}) {
        const Bytes bytes = hex(packed([value](Packer& p) { p.real(value); }));
        Unpacker in(bytes);
        const double read = in.real().value();
        EXPECT_EQ(read, value);
        EXPECT_EQ(std::signbit(read), std::signbit(value));
    }
    EXPECT_EQ(packed([](Packer& p) { p.real(std::numeric_limits<double>::quiet_NaN()); }),
              packed([](Packer& p) { p.real(-std::numeric_limits<double>::quiet_NaN()); }));
    const Bytes other_nan = hex("cb7ff8000000000001");
    EXPECT_EQ(Unpacker(other_nan).real().error().kind, ErrorKind::corrupt);
}

TEST(Unpack, LongerFormsThanNeededAreRefused) {
    for (const char* form : {"cc7f", "cd00ff", "ce0000ffff", "cf00000000ffffffff", "d07f", "d0e0", "d1ff80",
                             "d2ffff8000", "d3ffffffff80000000", "d90161", "da000161", "db0000000161", "c5000100",
                             "c600000001aa", "dc0001c0", "dd00000001c0"}) {
        const Bytes bytes = hex(form);
        Unpacker in(bytes);
        EXPECT_EQ(in.skip().error().kind, ErrorKind::corrupt) << form;
    }
}

TEST(Unpack, TypesTheFormatDoesNotUseAreRefused) {
    for (const char* form :
         {"c1", "80", "81c0c0", "de0000", "df00000000", "ca00000000", "c7000100", "d40100", "d8", "c8", "c9"}) {
        const Bytes bytes = hex(form);
        EXPECT_EQ(Unpacker(bytes).peek(), Unpacker::Type::end) << form;
        EXPECT_EQ(Unpacker(bytes).skip().error().kind, ErrorKind::corrupt) << form;
    }
}

TEST(Unpack, LimitsHoldBeforeAnythingIsRead) {
    const Bytes huge_list = hex("ddffffffff");
    EXPECT_EQ(Unpacker(huge_list).array(UINT32_MAX).error().kind, ErrorKind::corrupt) << "more items than bytes";
    const Bytes huge_bin = hex("c6ffffffff");
    EXPECT_EQ(Unpacker(huge_bin).bin(SIZE_MAX).error().kind, ErrorKind::corrupt);
    const Bytes text = hex("a3616263");
    EXPECT_EQ(Unpacker(text).text(2).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(Unpacker(text).text(3).value(), "abc");
    const Bytes number = hex("07");
    EXPECT_EQ(Unpacker(number).uint(6).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(Unpacker(number).uint(7).value(), 7U);
}

TEST(Unpack, WrongTypesAreRefused) {
    const Bytes nil = hex("c0");
    EXPECT_FALSE(Unpacker(nil).uint().has_value());
    EXPECT_FALSE(Unpacker(nil).sint().has_value());
    EXPECT_FALSE(Unpacker(nil).text(9).has_value());
    EXPECT_FALSE(Unpacker(nil).bin(9).has_value());
    EXPECT_FALSE(Unpacker(nil).array(9).has_value());
    EXPECT_FALSE(Unpacker(nil).boolean().has_value());
    EXPECT_FALSE(Unpacker(nil).real().has_value());
    const Bytes too_large = hex("cf8000000000000000");
    EXPECT_FALSE(Unpacker(too_large).sint().has_value());
}

TEST(Unpack, NestingIsBounded) {
    Bytes deep(17, std::byte{0x91});
    deep.push_back(std::byte{0xc0});
    EXPECT_FALSE(Unpacker(deep).skip().has_value());
    EXPECT_TRUE(Unpacker(ByteView(deep).subspan(1)).skip().has_value());
}

TEST(Unpack, TrailingBytesAndEveryTruncationAreRefused) {
    Bytes bytes;
    Packer packer(bytes);
    packer.array(3);
    packer.text("text that is a little longer than the shortest form");
    packer.sint(-100'000);
    packer.bin(Bytes(300));
    Unpacker whole(bytes);
    EXPECT_TRUE(whole.skip().has_value());
    EXPECT_TRUE(whole.finish().has_value());
    for (size_t size = 0; size < bytes.size(); size++)
        EXPECT_FALSE(Unpacker(ByteView(bytes).first(size)).skip().has_value()) << size;
    bytes.push_back(std::byte{0});
    Unpacker longer(bytes);
    EXPECT_TRUE(longer.skip().has_value());
    EXPECT_EQ(longer.finish().error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace bae
