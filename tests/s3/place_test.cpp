#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "s3/s3_place.h"

namespace bae::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Style = S3Place::Style;

S3Place parsed(std::string_view url) {
    const auto place = parse_s3_url(url);
    EXPECT_TRUE(place) << url << ": " << place.error().message;
    return place.value_or(S3Place{});
}

std::string canonical(std::string_view url) { return url_of(parsed(url)); }

std::string refusal(std::string_view url) {
    const auto place = parse_s3_url(url);
    if (place) return "(accepted)";
    EXPECT_EQ(place.error().kind, ErrorKind::invalid_input);
    return place.error().message;
}

TEST(S3Url, ABucketAloneIsAtAws) {
    EXPECT_EQ(parsed("s3://my-music"), (S3Place{"my-music", "", "", "", Style::virtual_host}));
}

TEST(S3Url, AllParts) {
    EXPECT_EQ(parsed("s3://music/a/B_c.d?endpoint=https://s3.example.org:9000&region=eu-1&style=virtual"),
              (S3Place{"music", "a/B_c.d", "https://s3.example.org:9000", "eu-1", Style::virtual_host}));
}

TEST(S3Url, TheStyleFollowsFromEndpointAndBucket) {
    EXPECT_EQ(parsed("s3://music").style, Style::virtual_host);
    EXPECT_EQ(parsed("s3://music.example.org").style, Style::path);
    EXPECT_EQ(parsed("s3://music?endpoint=https://host").style, Style::path);
    EXPECT_EQ(parsed("s3://music?style=path").style, Style::path);
}

TEST(S3Url, TheEndpointMayBeEncoded) {
    EXPECT_EQ(parsed("s3://music?endpoint=http%3A%2F%2F127.0.0.1%3a9601&region=eu%2D1"),
              parsed("s3://music?region=eu-1&endpoint=http://127.0.0.1:9601"));
    EXPECT_THAT(refusal("s3://music?endpoint=https%3"), HasSubstr("two hex digits"));
    EXPECT_THAT(refusal("s3://music?region=%zz"), HasSubstr("two hex digits"));
}

TEST(S3Url, WhatMakesNoHostNameIsRefused) {
    for (const std::string& bad : {std::string("s3://music?region=eu-"), std::string("s3://music?region=-"),
                                   "s3://music?region=" + std::string(64, 'a'), std::string("s3://a.-b?style=virtual")})
        EXPECT_THAT(refusal(bad), HasSubstr("is no host name")) << bad;
}

TEST(S3Url, TheCanonicalFormLeavesDefaultsOut) {
    EXPECT_EQ(canonical("s3://music/?"), "s3://music");
    EXPECT_EQ(canonical("s3://music/a/b/?style=virtual"), "s3://music/a/b");
    EXPECT_EQ(canonical("s3://music?region=r&style=path&endpoint=HTTPS://Host.Example:443/"),
              "s3://music?endpoint=https://host.example&region=r");
    EXPECT_EQ(canonical("s3://music?endpoint=http://localhost:80"), "s3://music?endpoint=http://localhost");
    EXPECT_EQ(canonical("s3://music?endpoint=https://localhost:80"), "s3://music?endpoint=https://localhost:80");
    EXPECT_EQ(canonical("s3://a.music?style=virtual"), "s3://a.music?style=virtual");
    EXPECT_EQ(canonical("s3://a.music?style=path"), "s3://a.music");
}

TEST(S3Url, AddressesOfSixthVersionStandInBrackets) {
    EXPECT_EQ(canonical("s3://music?endpoint=http://[::1]:9000"), "s3://music?endpoint=http://[::1]:9000");
    EXPECT_EQ(canonical("s3://music?endpoint=https://%5B2001:DB8:0:0::1%5D"),
              "s3://music?endpoint=https://[2001:db8::1]");
    for (const char* bad : {"https://::1", "https://[::1", "https://[::1]9", "https://[fe80::1%25eth0]", "https://[]",
                            "https://[127.0.0.1]", "https://2001:db8::1"})
        EXPECT_THAT(refusal("s3://music?endpoint=" + std::string(bad)), HasSubstr("is no host and port")) << bad;
}

TEST(S3Url, PlainHttpIsForThisMachineAlone) {
    for (const char* good : {"http://127.0.0.1:9000", "http://127.3.2.1", "http://localhost:1", "http://s3.localhost",
                             "http://a.b.LOCALHOST", "http://[::1]", "HTTP://[0:0::1]:80"})
        EXPECT_TRUE(parse_s3_url("s3://music?endpoint=" + std::string(good))) << good;
    for (const char* bad : {"http://128.0.0.1", "http://10.0.0.1", "http://nas", "http://localhost.example.org",
                            "http://127.0.0.1.example.org", "http://xlocalhost", "http://[::2]", "http://0.0.0.0",
                            "http://[::ffff:127.0.0.1]"})
        EXPECT_THAT(refusal("s3://music?endpoint=" + std::string(bad)), HasSubstr("use https://")) << bad;
}

TEST(S3Url, WhatOnlyLooksLikeAnAddressIsNoHost) {
    for (const char* bad : {"127.1", "2130706433", "0x7f000001", "127.0.0.01", "127.0.0.256", "1.2.3.4.5", "host.7"})
        EXPECT_THAT(refusal("s3://music?endpoint=http://" + std::string(bad)), HasSubstr("is no host and port")) << bad;
}

TEST(S3Url, EndpointsAreSchemeHostAndPort) {
    for (const char* bad :
         {"host", "http", "https", "https:", "ftp://host", "https:/host", "//host", "", "s3.example.org:9000"})
        EXPECT_THAT(refusal("s3://music?endpoint=" + std::string(bad)), HasSubstr("has to begin with https://")) << bad;
    for (const char* bad : {"https://host/bucket", "https://host//", "https://host?x", "https://host%23x"})
        EXPECT_THAT(refusal("s3://music?endpoint=" + std::string(bad)), HasSubstr("stand after s3://")) << bad;
    for (const char* bad : {"https://", "https://:9000", "https://host:", "https://host:0", "https://host:65536",
                            "https://host:080", "https://host:9x", "https://ho st", "https://-host", "https://a..b",
                            "https://host.", "https://h%00st", "https://h%C3%B6st"})
        EXPECT_THAT(refusal("s3://music?endpoint=" + std::string(bad)), HasSubstr("is no host and port")) << bad;
    EXPECT_TRUE(parse_s3_url("s3://music?endpoint=https://host:65535"));
    EXPECT_TRUE(parse_s3_url("s3://music?endpoint=https://" + std::string(63, 'a')));
    EXPECT_THAT(refusal("s3://music?endpoint=https://" + std::string(64, 'a')), HasSubstr("is no host and port"));
}

TEST(S3Url, BucketNamesAreThoseOfS3) {
    for (const char* good : {"abc", "a-b", "1.2", "my.music-1", "a.-b", "1.2.3.x"})
        EXPECT_TRUE(parse_s3_url("s3://" + std::string(good))) << good;
    EXPECT_TRUE(parse_s3_url("s3://" + std::string(63, 'a')));
    for (const char* bad :
         {"", "ab", "Music", "my_music", "-ab", "ab-", ".ab", "ab.", "a..b", "192.168.0.1", "m\xc3\xbcsic"})
        EXPECT_THAT(refusal("s3://" + std::string(bad)), HasSubstr("is no bucket name: 3 to 63 of a-z")) << bad;
    EXPECT_THAT(refusal("s3://" + std::string(64, 'a')), HasSubstr("is no bucket name"));
}

TEST(S3Url, PrefixesAreNamesWithOneSlashBetween) {
    EXPECT_EQ(parsed("s3://music/a").prefix, "a");
    EXPECT_EQ(parsed("s3://music/.a/B./c-d_e/").prefix, ".a/B./c-d_e");
    EXPECT_EQ(parsed("s3://music/" + std::string(255, 'a') + "/" + std::string(255, 'b')).prefix.size(), 511U);
    for (const char* bad : {"/", "a//b", "/a", "a/./b", "a/../b", "..", "a b", "a%20b", "a+b", "\xc3\xa4", "a#b"})
        EXPECT_THAT(refusal("s3://music/" + std::string(bad)), HasSubstr("prefix \"")) << bad;
    EXPECT_THAT(refusal("s3://music/" + std::string(256, 'a')), HasSubstr("prefix"));
    EXPECT_THAT(refusal("s3://music/" + std::string(255, 'a') + "/" + std::string(254, 'b') + "/c"),
                HasSubstr("at most 511"));
}

TEST(S3Url, RegionsAreWords) {
    EXPECT_EQ(parsed("s3://music?endpoint=https://host&region=My_Zone-1").region, "My_Zone-1");
    EXPECT_THAT(refusal("s3://music?region="), HasSubstr("leave it out"));
    EXPECT_THAT(refusal("s3://music?region=eu.1"), HasSubstr("is none"));
    EXPECT_THAT(refusal("s3://music?region=" + std::string(65, 'a')), HasSubstr("is none"));
    EXPECT_THAT(refusal("s3://music?region=My_Zone"), HasSubstr("other servers need endpoint="));
}

TEST(S3Url, StylesArePathAndVirtual) {
    EXPECT_THAT(refusal("s3://music?style=vhost"), HasSubstr("neither path"));
    EXPECT_THAT(refusal("s3://music?style="), HasSubstr("neither path"));
    EXPECT_THAT(refusal("s3://music?style=virtual&endpoint=https://192.0.2.1"), HasSubstr("leave style out"));
    EXPECT_THAT(refusal("s3://music?style=virtual&endpoint=http://[::1]"), HasSubstr("leave style out"));
    const std::string long_name =
        std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".dd";
    EXPECT_TRUE(parse_s3_url("s3://music?endpoint=https://" + long_name));
    EXPECT_THAT(refusal("s3://" + std::string(63, 'm') + "?style=virtual&endpoint=https://" + long_name),
                HasSubstr("leave style out"));
}

TEST(S3Url, OtherParametersAreRefusedByName) {
    EXPECT_THAT(refusal("s3://music?acl=private"), HasSubstr("unknown parameter \"acl\": there are endpoint="));
    EXPECT_THAT(refusal("s3://music?region=a&region=b"), HasSubstr("region is there twice"));
    EXPECT_THAT(refusal("s3://music?region=a&&style=path"), HasSubstr("unknown parameter"));
    EXPECT_THAT(refusal("s3://music?Region=a"), HasSubstr("unknown parameter"));
}

TEST(S3Url, OtherTextsAreToldTheForm) {
    for (const char* bad : {"", "s3:/music", "S3://music", "https://s3.example.org/music", "music", " s3://music"})
        EXPECT_THAT(refusal(bad), HasSubstr("has the form s3://BUCKET")) << bad;
    EXPECT_THAT(refusal("s3://music?region=" + std::string(3000, 'a')), HasSubstr("2048"));
}

TEST(S3Url, ASecretInItIsRefusedAndNeverQuoted) {
    for (const char* bad :
         {"s3://AKID:hunter2@music", "s3://AKID:hunt/er2@music/a", "s3://music/a@hunter2", "s3://AKID:hunter2/music",
          "s3://music?secret_key=hunter2", "s3://music?AWS_SECRET_ACCESS_KEY=hunter2", "s3://music?token=hunter2",
          "s3://music?endpoint=https://AKID:hunter2@host", "s3://music?endpoint=https://AKID:hunter2%40host",
          "s3://music?hunter2hunter2hunter2hunter2", "s3://music?hunterhunterhunterhunter",
          "s3://music?endpoint=AKID:hunter2@host/bucket"}) {
        EXPECT_THAT(refusal(bad), Not(HasSubstr("hunt"))) << bad;
        EXPECT_THAT(refusal(bad), Not(HasSubstr("AKID"))) << bad;
        EXPECT_NE(refusal(bad), "(accepted)") << bad;
    }
    EXPECT_THAT(refusal("s3://AKID:hunter2@music"), HasSubstr("AWS_SECRET_ACCESS_KEY, or asked for"));
    EXPECT_THAT(refusal("s3://music?Secret=a"), HasSubstr("credentials do not belong"));
    EXPECT_THAT(refusal("s3://music:9000/a"), HasSubstr("goes into endpoint="));
}

TEST(S3Url, RefusalsAreOneLineOfPrintableText) {
    for (const char* bad :
         {"s3://m\x1b[31m", "s3://music/\n\x07", "s3://music?region=\x1b]0;x\x07", "s3://music?style=\r",
          "s3://music?endpoint=https://\x1b[2J", "s3://music?endpoint=%1b%0a", "s3://music?\x1b=1"})
        for (const char c : refusal(bad)) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << bad;
}

TEST(S3Host, AwsNamesTheRegionInTheHost) {
    EXPECT_EQ(host_of(parsed("s3://music?region=eu-west-1")),
              (S3Host{"https://music.s3.eu-west-1.amazonaws.com", "music.s3.eu-west-1.amazonaws.com", ""}));
    EXPECT_EQ(host_of(parsed("s3://music")).host, "music.s3.us-east-1.amazonaws.com");
    EXPECT_EQ(host_of(parsed("s3://my.music?region=eu-west-1")),
              (S3Host{"https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/my.music"}));
    EXPECT_EQ(host_of(parsed("s3://music?region=cn-north-1")).host, "music.s3.cn-north-1.amazonaws.com.cn");
}

TEST(S3Host, AnEndpointHasTheBucketInThePathOrInTheName) {
    EXPECT_EQ(host_of(parsed("s3://music/a?endpoint=https://host:9000")),
              (S3Host{"https://host:9000", "host:9000", "/music"}));
    EXPECT_EQ(host_of(parsed("s3://music/a?endpoint=http://s3.localhost:9000&style=virtual")),
              (S3Host{"http://music.s3.localhost:9000", "music.s3.localhost:9000", ""}));
    EXPECT_EQ(host_of(parsed("s3://music?endpoint=http://[::1]:9000")),
              (S3Host{"http://[::1]:9000", "[::1]:9000", "/music"}));
}

class RandomUrl {
  public:
    explicit RandomUrl(unsigned seed) : random_(seed) {}

    std::string make() {
        std::string out = "s3://" + word("abc019", "-.") + word("az", "-");
        for (size_t i = random_() % 3; i > 0; i--) out += "/" + word("aZ09_", ".-");
        if (random_() % 4 == 0) out += "/";
        std::vector<std::string> parameters;
        if (random_() % 3 != 0) parameters.push_back("endpoint=" + maybe_encoded(endpoint()));
        if (random_() % 2 == 0) parameters.push_back("region=" + word("abz09", "-"));
        if (random_() % 2 == 0) parameters.push_back(random_() % 2 == 0 ? "style=path" : "style=virtual");
        std::shuffle(parameters.begin(), parameters.end(), random_);
        for (size_t i = 0; i < parameters.size(); i++) out += (i == 0 ? "?" : "&") + parameters[i];
        return out;
    }

  private:
    std::string word(std::string_view ends, std::string_view inner) {
        const std::string all = std::string(ends) + std::string(inner);
        std::string out(1, ends[random_() % ends.size()]);
        for (size_t i = random_() % 6; i > 0; i--) out += all[random_() % all.size()];
        return out + ends[random_() % ends.size()];
    }
    std::string endpoint() {
        static const std::vector<std::string> hosts{"localhost", "127.0.0.1", "[::1]", "[::0:1]", "Nas.Localhost"};
        std::string out = random_() % 2 == 0 ? "http://" : "HTTPS://";
        out += hosts[random_() % hosts.size()];
        if (random_() % 2 == 0) out += random_() % 3 == 0 ? ":443" : ":" + std::to_string(1 + random_() % 65535);
        return random_() % 3 == 0 ? out + "/" : out;
    }
    std::string maybe_encoded(const std::string& text) {
        if (random_() % 2 == 0) return text;
        std::string out;
        for (const char c : text) out += c == ':' ? "%3A" : c == '/' ? "%2f" : std::string(1, c);
        return out;
    }

    std::mt19937 random_;
};

TEST(S3Url, TheCanonicalFormParsesToTheSamePlace) {
    size_t accepted = 0;
    for (unsigned seed = 1; seed <= 5000; seed++) {
        const std::string url = RandomUrl(seed).make();
        SCOPED_TRACE("seed " + std::to_string(seed) + ": " + url);
        const auto place = parse_s3_url(url);
        if (!place) continue;
        accepted++;
        const auto again = parse_s3_url(url_of(*place));
        ASSERT_TRUE(again) << url_of(*place) << ": " << again.error().message;
        ASSERT_EQ(*again, *place);
        ASSERT_EQ(url_of(*again), url_of(*place));
        ASSERT_EQ(host_of(*again), host_of(*place));
    }
    EXPECT_GT(accepted, 2000U);
}

TEST(S3Url, WordsOfServersAreHeldToTheSameRules) {
    EXPECT_TRUE(is_region("eu-central-1"));
    EXPECT_FALSE(is_region("eu/../x"));
    EXPECT_FALSE(is_region("a.b"));
    EXPECT_FALSE(is_region(""));
    EXPECT_TRUE(is_authority("bucket.s3-eu-west-1.amazonaws.com"));
    EXPECT_TRUE(is_authority("[::1]:9000"));
    EXPECT_FALSE(is_authority("host/path"));
    EXPECT_FALSE(is_authority("user@host"));
    EXPECT_FALSE(is_authority(""));
}

}  // namespace
}  // namespace bae::s3
