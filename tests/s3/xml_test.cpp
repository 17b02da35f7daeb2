#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/s3_xml.h"

namespace bae::s3 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kNov20 = 1'795'163'587'000;  // 2026-11-20T08:33:07Z

std::string entry(std::string_view key, std::string_view more = "<Size>5</Size>") {
    return "<Contents><Key>" + std::string(key) + "</Key>" + std::string(more) + "</Contents>";
}

std::string listing(std::string_view inside) {
    return R"(<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)" +
           std::string(inside) + "</ListBucketResult>";
}

Result<ListAnswer> list(std::string_view xml) { return parse_list(as_bytes(xml)); }

std::vector<std::string> keys_of(std::string_view xml) {
    const auto answer = list(xml);
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<std::string> out;
    if (answer)
        for (const ListedKey& key : answer->keys) out.push_back(key.key);
    return out;
}

template <class T>
std::string refusal(const Result<T>& result) {
    if (result) return "(accepted)";
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
    for (const char c : result.error().message) EXPECT_TRUE(c >= 0x20 && c <= 0x7e);
    return result.error().message;
}

TEST(ListXml, AnEntryHasKeySizeEtagAndTime) {
    const auto answer = list(listing(
        "<Name>music</Name><Prefix>a/</Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</"
        "IsTruncated>"
        "<Contents><Key>a/b</Key><LastModified>2026-11-20T08:33:07.358Z</LastModified><ETag>&quot;5d41&quot;</ETag>"
        "<Size>12345678901</Size><Owner><ID>x</ID><DisplayName>y</DisplayName></Owner>"
        "<StorageClass>STANDARD</StorageClass><Type>Normal</Type></Contents>"));
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->keys.size(), 1U);
    EXPECT_EQ(answer->keys[0].key, "a/b");
    EXPECT_EQ(answer->keys[0].size, 12'345'678'901U);
    EXPECT_EQ(answer->keys[0].etag, "5d41");
    EXPECT_EQ(answer->keys[0].modified_ms, kNov20 + 358);
    EXPECT_FALSE(answer->truncated);
}

TEST(ListXml, EtagsAreTheSameWithAndWithoutQuotes) {
    for (const char* etag :
         {"&quot;ab-3&quot;", "\"ab-3\"", "ab-3", "&#34;ab-3&#x22;", "<![CDATA[\"ab-3\"]]>", " \"ab-3\"\n"})
        EXPECT_EQ(list(listing(entry("k", "<Size>1</Size><ETag>" + std::string(etag) + "</ETag>")))->keys[0].etag,
                  "ab-3")
            << etag;
    EXPECT_EQ(unquoted("\"\""), "");
    EXPECT_EQ(unquoted("\""), "\"");
    EXPECT_EQ(unquoted("\"a"), "\"a");
    EXPECT_EQ(unquoted("W/\"a\""), "W/\"a\"");
}

TEST(ListXml, TimesAreWholeSecondsOrHaveDecimalsOrAreUnknown) {
    const auto time = [](std::string_view text) {
        return list(listing(entry("k", "<Size>1</Size><LastModified>" + std::string(text) + "</LastModified>")))
            ->keys[0]
            .modified_ms;
    };
    EXPECT_EQ(time("2026-11-20T08:33:07Z"), kNov20);
    EXPECT_EQ(time("2026-11-20T08:33:07.000Z"), kNov20);
    EXPECT_EQ(time("2026-11-20T08:33:07.5Z"), kNov20 + 500);
    EXPECT_EQ(time("2026-11-20T08:33:07.123456789Z"), kNov20 + 123);
    for (const char* bad :
         {"", "yesterday", "2026-11-20", "2026-13-20T08:33:07Z", "2026-02-30T08:33:07Z", "2026-11-20T24:33:07Z",
          "2026-11-20T08:33:07.Z", "2026-11-20T08:33:07Zz", "1969-12-31T23:59:59Z"})
        EXPECT_EQ(time(bad), 0) << bad;
    EXPECT_EQ(list(listing(entry("k")))->keys[0].modified_ms, 0);
}

TEST(ListXml, NamespacesMayBeThereOrNot) {
    const std::string plain = "<ListBucketResult>" + entry("a") + "</ListBucketResult>";
    const std::string prefixed =
        "<s3:ListBucketResult xmlns:s3='http://x'><s3:Contents><s3:Key>a</s3:Key><s3:Size>5</s3:Size></s3:Contents>"
        "</s3:ListBucketResult>";
    EXPECT_THAT(keys_of(plain), ElementsAre("a"));
    EXPECT_THAT(keys_of(prefixed), ElementsAre("a"));
    EXPECT_THAT(keys_of(listing(entry("a"))), ElementsAre("a"));
    EXPECT_THAT(keys_of("\xef\xbb\xbf" + plain), ElementsAre("a"));
    EXPECT_THAT(keys_of("\n  " + listing(entry("a")) + "\n"), ElementsAre("a"));
}

TEST(ListXml, UnknownElementsArePassedOver) {
    EXPECT_THAT(keys_of(listing("<New><Contents><Key>no</Key></Contents></New><!-- <Contents> -->" + entry("a") +
                                "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><?pi <?>" + entry("b"))),
                ElementsAre("a", "b"));
}

TEST(ListXml, KeysAreDecodedIfTheAnswerSaysTheyAreEncoded) {
    const std::string encoded = "<EncodingType>url</EncodingType>";
    EXPECT_THAT(keys_of(listing(encoded + entry("sc%2Fsp%20ace") + entry("sc/sp+ace") + entry("a%c3%A4") +
                                entry("100%") + entry("%zz%4") + entry("%2B%25"))),
                ElementsAre("sc/sp ace", "sc/sp ace", "a\xc3\xa4", "100%", "%zz%4", "+%"));
    EXPECT_THAT(keys_of(listing(entry("a%20b+c") + entry("a&amp;b&lt;&#x43;"))), ElementsAre("a%20b+c", "a&b<C"));
}

TEST(ListXml, KeysKeepTheirSpaces) {
    EXPECT_THAT(keys_of(listing(entry(" a ") + entry("a<!-- -->b") + entry("<![CDATA[<c>]]>d") + entry(" "))),
                ElementsAre(" a ", "ab", "<c>d", " "));
}

TEST(ListXml, ATruncatedPageSaysWhereToGoOn) {
    const auto answer =
        list(listing("<IsTruncated>true</IsTruncated><NextContinuationToken> 1/a+b= </NextContinuationToken>"));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->truncated);
    EXPECT_TRUE(answer->keys.empty());
    EXPECT_EQ(answer->next_token, " 1/a+b= ");
    EXPECT_THAT(refusal(list(listing("<IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>"))),
                HasSubstr("ListObjectsV2"));
}

TEST(ListXml, WhetherMoreFollowsIsNotGuessed) {
    const std::string token = "<NextContinuationToken>t</NextContinuationToken>";
    EXPECT_TRUE(list(listing(token))->truncated);
    EXPECT_FALSE(list(listing(token + "<IsTruncated> False </IsTruncated>"))->truncated);
    EXPECT_FALSE(list(listing("<NextContinuationToken/>"))->truncated);
    EXPECT_THAT(refusal(list(listing(token + "<IsTruncated>yes</IsTruncated>"))),
                HasSubstr("<IsTruncated> is \"yes\""));
}

TEST(ListXml, ATokenThatFitsIntoNoAddressIsCorrupt) {
    const auto with = [](size_t bytes) {
        return listing("<IsTruncated>true</IsTruncated><NextContinuationToken>" + std::string(bytes, '/') +
                       "</NextContinuationToken>");
    };
    EXPECT_TRUE(list(with(8 * 1024)));
    EXPECT_THAT(refusal(list(with(8 * 1024 + 1))), HasSubstr("<NextContinuationToken> has more than 8 KiB"));
}

TEST(ListXml, AnEntryWithoutKeyOrSizeIsCorrupt) {
    EXPECT_THAT(refusal(list(listing(entry("")))), HasSubstr("no <Key>"));
    EXPECT_THAT(refusal(list(listing(entry("a\x1b", "")))), HasSubstr("a\\x1b: XML: <Size> is \"\""));
    for (const char* bad : {"-1", "1.5", "0x10", "18446744073709551616", "1 2", "+1"})
        EXPECT_THAT(refusal(list(listing(entry("a", "<Size>" + std::string(bad) + "</Size>")))), HasSubstr("<Size> is"))
            << bad;
    EXPECT_EQ(list(listing(entry("a", "<Size> 18446744073709551615\n</Size>")))->keys[0].size, UINT64_MAX);
}

TEST(ListXml, AnotherDocumentIsCorruptAndNamed) {
    EXPECT_THAT(refusal(list("<html><body>login</body></html>")),
                HasSubstr("<ListBucketResult> expected, <html> answered"));
    EXPECT_THAT(refusal(list("<Error><Code>AccessDenied</Code></Error>")), HasSubstr("<Error> answered: AccessDenied"));
}

TEST(Xml, WhatIsNoXmlIsCorrupt) {
    for (const char* bad :
         {"", "x", "{}", "<", "<a", "<a>", "</a>", "<a></a></b>", "<a/><b/>", "<a><b></a></b>", "<a b='>", "<!-- a",
          "<![CDATA[ a", "<? a", "<a></b>", "<ListBucketResult/><ListBucketResult/>"})
        EXPECT_THAT(refusal(list(bad)), HasSubstr("XML: ")) << bad;
}

TEST(Xml, EndsFollowTheirBeginnings) {
    EXPECT_THAT(refusal(list("</a>")), HasSubstr("ends that has not begun"));
    EXPECT_THAT(refusal(list("<ListBucketResult/></a><a>")), HasSubstr("ends that has not begun"));
    EXPECT_THAT(refusal(list("<ListBucketResult></a><a>")), HasSubstr("two roots"));
    EXPECT_THAT(refusal(list("<ListBucketResult><a></b></a>")), HasSubstr("mismatch at byte 23"));
}

TEST(Xml, EndsOfLinesAreOneCharacter) { EXPECT_THAT(keys_of(listing(entry("a\r\nb\rc"))), ElementsAre("a\nb\nc")); }

TEST(Xml, DoctypesAreRefused) {
    const std::string bomb =
        "<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'><!ENTITY c '&b;&b;&b;'>]><ListBucketResult>&c;</ListBucketResult>";
    EXPECT_THAT(refusal(list(bomb)), HasSubstr("DOCTYPE"));
    EXPECT_THAT(refusal(list("<ListBucketResult><!ENTITY x 'y'></ListBucketResult>")), HasSubstr("DOCTYPE"));
    EXPECT_THAT(keys_of(listing(entry("&c;&amp;"))), ElementsAre("&c;&"));
}

TEST(Xml, NestingIsBounded) {
    const auto nested = [](size_t depth) {
        std::string open, close;
        for (size_t i = 0; i < depth; i++) open += "<a>", close += "</a>";
        return listing(open + close);
    };
    EXPECT_TRUE(list(nested(15)));
    EXPECT_THAT(refusal(list(nested(16))), HasSubstr("nested more than 16 deep"));
    EXPECT_THAT(refusal(list(nested(1'000'000))), HasSubstr("nested more than 16 deep"));
}

TEST(Xml, TagsAttributesEntriesAndBytesAreBounded) {
    const auto repeated = [](std::string_view text, size_t count) {
        std::string out;
        for (size_t i = 0; i < count; i++) out += text;
        return out;
    };
    EXPECT_EQ(keys_of(listing(repeated(entry("a"), 10'000))).size(), 10'000U);
    EXPECT_THAT(refusal(list(listing(repeated(entry("a"), 10'001)))), HasSubstr("more than 10,000 <Contents>"));
    EXPECT_THAT(refusal(list(listing(repeated("<a/>", 250'000)))), HasSubstr("more than 250,000 tags"));
    EXPECT_THAT(refusal(list(listing("<a " + repeated("b='' ", 250'000) + "/>"))), HasSubstr("more than 250,000 tags"));
    EXPECT_THAT(refusal(list(listing(repeated("<!---->", 250'000)))), HasSubstr("more than 250,000 tags"));
    EXPECT_THAT(refusal(list(listing(std::string(kMaxXmlBytes, ' ')))), HasSubstr("more than 16 MiB"));
}

TEST(Xml, OtherEncodingsAreNotGuessed) {
    const std::string text = "<ListBucketResult/>";
    std::string utf16 = "\xff\xfe";
    for (const char c : text) utf16 += {c, '\0'};
    EXPECT_THAT(refusal(list(utf16)), HasSubstr("NUL byte"));
    EXPECT_THAT(refusal(list(std::string("<ListBucketResult/>\0", 20))), HasSubstr("NUL byte"));
}

TEST(ErrorXml, HasWhatServersName) {
    const auto error = parse_error(as_bytes(
        "<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Message>Use the other endpoint.</Message>"
        "<Region>eu-west-1</Region><Endpoint>music.s3-eu-west-1.amazonaws.com</Endpoint><RequestId>4442587FB7D0A2F9</"
        "RequestId>"
        "<HostId>x</HostId></Error>"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "PermanentRedirect");
    EXPECT_EQ(error->message, "Use the other endpoint.");
    EXPECT_EQ(error->region, "eu-west-1");
    EXPECT_EQ(error->endpoint, "music.s3-eu-west-1.amazonaws.com");
    EXPECT_EQ(error->request_id, "4442587FB7D0A2F9");
}

TEST(ErrorXml, MayLackEverythingOrLieInAResponse) {
    EXPECT_EQ(parse_error(as_bytes("<Error/>"))->code, "");
    EXPECT_EQ(parse_error(as_bytes("<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>"))->code, "X");
    EXPECT_EQ(parse_error(as_bytes("<Error><Message>" + std::string(5000, 'm') + "</Message></Error>"))->message.size(),
              1024U);
    for (const char* other : {"", "Error", "<Errors/>", "<html/>", "<ErrorResponse/>", "<Error>", "{\"Code\":\"X\"}"})
        EXPECT_FALSE(parse_error(as_bytes(other))) << other;
}

TEST(MultipartXml, AnUploadHasAnId) {
    EXPECT_EQ(*parse_upload_id(as_bytes("<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>"
                                        "<UploadId>2~abc.-_</UploadId></InitiateMultipartUploadResult>")),
              "2~abc.-_");
    EXPECT_THAT(refusal(parse_upload_id(as_bytes("<InitiateMultipartUploadResult/>"))), HasSubstr("no <UploadId>"));
    const std::string endless = "<UploadId>" + std::string(8 * 1024 + 1, 'x') + "</UploadId>";
    EXPECT_THAT(refusal(parse_upload_id(
                    as_bytes("<InitiateMultipartUploadResult>" + endless + "</InitiateMultipartUploadResult>"))),
                HasSubstr("<UploadId> has more than 8 KiB"));
    EXPECT_THAT(refusal(parse_uploads(as_bytes("<ListMultipartUploadsResult><Upload><Key>a</Key>" + endless +
                                               "</Upload></ListMultipartUploadsResult>"))),
                HasSubstr("<UploadId> has more than 8 KiB"));
}

TEST(MultipartXml, PartsAreListedWithNumberSizeAndEtag) {
    const auto parts = parse_parts(
        as_bytes("<ListPartsResult><NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated>"
                 "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag><Size>5242880</Size></Part>"
                 "<Part><PartNumber>2</PartNumber><ETag>b</ETag><Size>0</Size></Part></ListPartsResult>"));
    ASSERT_TRUE(parts) << parts.error().message;
    ASSERT_EQ(parts->parts.size(), 2U);
    EXPECT_EQ(parts->parts[0].number, 1U);
    EXPECT_EQ(parts->parts[0].size, 5'242'880U);
    EXPECT_EQ(parts->parts[0].etag, "a");
    EXPECT_EQ(parts->parts[1].etag, "b");
    EXPECT_TRUE(parts->truncated);
    EXPECT_EQ(parts->next_number, 2U);
}

TEST(MultipartXml, PartsThatCannotBeAreCorrupt) {
    for (const char* bad : {"<Part><PartNumber>0</PartNumber><ETag>a</ETag><Size>1</Size></Part>",
                            "<Part><PartNumber>10001</PartNumber><ETag>a</ETag><Size>1</Size></Part>", "<Part/>",
                            "<Part><PartNumber>1</PartNumber><Size>1</Size></Part>", "<IsTruncated>true</IsTruncated>"})
        EXPECT_NE(refusal(parse_parts(as_bytes("<ListPartsResult>" + std::string(bad) + "</ListPartsResult>"))),
                  "(accepted)")
            << bad;
}

TEST(MultipartXml, UploadsAreListedWithKeyIdAndTime) {
    const auto uploads = parse_uploads(as_bytes(
        "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>a%2Fc</NextKeyMarker><NextUploadIdMarker>Y+Z</NextUploadIdMarker>"
        "<Upload><Key>a%2Fb</Key><UploadId>X+1</UploadId><Initiated>2026-11-20T08:33:07.000Z</Initiated></Upload>"
        "</ListMultipartUploadsResult>"));
    ASSERT_TRUE(uploads) << uploads.error().message;
    ASSERT_EQ(uploads->uploads.size(), 1U);
    EXPECT_EQ(uploads->uploads[0].key, "a/b");
    EXPECT_EQ(uploads->uploads[0].upload_id, "X+1");
    EXPECT_EQ(uploads->uploads[0].started_ms, kNov20);
    EXPECT_EQ(uploads->next_key, "a/c");
    EXPECT_EQ(uploads->next_upload_id, "Y+Z");
    EXPECT_THAT(refusal(parse_uploads(as_bytes("<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
                                               "</ListMultipartUploadsResult>"))),
                HasSubstr("NextKeyMarker"));
    EXPECT_THAT(refusal(parse_uploads(as_bytes("<ListMultipartUploadsResult><Upload><Key>a</Key></Upload>"
                                               "</ListMultipartUploadsResult>"))),
                HasSubstr("no <UploadId>"));
}

TEST(MultipartXml, CompletionNamesThePartsInOrder) {
    EXPECT_EQ(complete_upload_xml({{1, 5, "a"}, {2, 5, "b<&>\""}}),
              "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
              "<Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>"
              "<Part><PartNumber>2</PartNumber><ETag>&quot;b&lt;&amp;&gt;\"&quot;</ETag></Part>"
              "</CompleteMultipartUpload>");
}

TEST(MultipartXml, ACompletedUploadHasAnEtag) {
    EXPECT_EQ(
        *parse_completed(as_bytes("\n\n  <?xml version='1.0'?><CompleteMultipartUploadResult><Location>l</Location>"
                                  "<ETag>&quot;md5-2&quot;</ETag></CompleteMultipartUploadResult>")),
        "md5-2");
    EXPECT_THAT(refusal(parse_completed({})), HasSubstr("XML: "));
}

TEST(MultipartXml, ACompletionThatFailedInA200IsTriedAgain) {
    const auto failed = parse_completed(
        as_bytes("<?xml version='1.0'?>\n\n<Error><Code>InternalError</Code><Message>We\n</Message></Error>"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::retry);
    EXPECT_THAT(failed.error().message, HasSubstr("(InternalError: We)"));
}

TEST(BucketXml, LocationsHaveOldNames) {
    const auto region = [](std::string_view inside) {
        return parse_location(
            as_bytes("<LocationConstraint xmlns='x'>" + std::string(inside) + "</LocationConstraint>"));
    };
    EXPECT_EQ(*region(""), "us-east-1");
    EXPECT_EQ(*parse_location(as_bytes("<LocationConstraint/>")), "us-east-1");
    EXPECT_EQ(*region("EU"), "eu-west-1");
    EXPECT_EQ(*region("default"), "default");
    EXPECT_EQ(*region("\n eu-central-1\n"), "eu-central-1");
    EXPECT_THAT(refusal(region("a.b/../c")), HasSubstr("<LocationConstraint> is \"a.b/../c\""));
}

TEST(BucketXml, VersioningIsNeverEnabledOrSuspended) {
    const auto status = [](std::string_view inside) {
        return parse_versioning(
            as_bytes("<VersioningConfiguration>" + std::string(inside) + "</VersioningConfiguration>"));
    };
    EXPECT_EQ(*status(""), Versioning::never);
    EXPECT_EQ(*status("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>"), Versioning::enabled);
    EXPECT_EQ(*status("<Status>Suspended</Status>"), Versioning::suspended);
    EXPECT_THAT(refusal(status("<Status>enabled</Status>")), HasSubstr("<Status> is"));
}

}  // namespace
}  // namespace bae::s3
