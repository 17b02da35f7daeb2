// Credentials of buckets: taken from the environment, kept as secrets.
#include "node/credentials.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "node/secrets.h"
#include "node_cli/temporary_directory.h"

namespace bae::node {
namespace {

using Variables = std::map<std::string, std::string>;
Variables variables;  // what `environment` answers

std::optional<std::string> environment(const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<s3::S3Credentials>> given(const Variables& values) {
    variables = values;
    return credentials_from_environment(environment);
}

std::string text_of(const s3::S3Credentials& credentials) {
    return credentials.access_key + "|" + std::string(as_text(credentials.secret_key.view())) + "|" +
           std::string(as_text(credentials.session_token.view()));
}

s3::S3Place bucket(const std::string& name, const std::string& prefix = "",
                   const std::string& endpoint = "https://s3.example.org") {
    return {.bucket = name, .prefix = prefix, .endpoint = endpoint, .region = "", .style = s3::S3Place::Style::path};
}

TEST(Credentials, AreTakenFromTheEnvironmentOrAbsent) {
    EXPECT_EQ(given({})->has_value(), false);
    EXPECT_EQ(given({{"AWS_SESSION_TOKEN", "t"}})->has_value(), false);
    EXPECT_EQ(text_of(**given({{"AWS_ACCESS_KEY_ID", "test:a"}, {"AWS_SECRET_ACCESS_KEY", "s/+"}})), "test:a|s/+|");
    EXPECT_EQ(
        text_of(**given({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t="}})),
        "a|s|t=");
}

TEST(Credentials, ThatAreIncompleteOrNoKeysAreRefusedWithoutBeingQuoted) {
    for (const auto& [values, word] : std::vector<std::pair<Variables, std::string>>{
             {{{"AWS_ACCESS_KEY_ID", "xyzzy"}}, "AWS_SECRET_ACCESS_KEY is not"},
             {{{"AWS_SECRET_ACCESS_KEY", "xyzzy"}}, "AWS_ACCESS_KEY_ID is not"},
             {{{"AWS_ACCESS_KEY_ID", "xyzzy"}, {"AWS_SECRET_ACCESS_KEY", "xyzzy\n"}}, "secret key"},
             {{{"AWS_ACCESS_KEY_ID", "xyz zy"}, {"AWS_SECRET_ACCESS_KEY", "xyzzy"}}, "access key"},
             {{{"AWS_ACCESS_KEY_ID", "xyzzy"}, {"AWS_SECRET_ACCESS_KEY", "xyzzy"}, {"AWS_SESSION_TOKEN", "\xff"}},
              "session token"}}) {
        const auto credentials = given(values);
        ASSERT_FALSE(credentials) << word;
        EXPECT_EQ(credentials.error().kind, ErrorKind::invalid_input);
        EXPECT_NE(credentials.error().message.find(word), std::string::npos) << credentials.error().message;
        EXPECT_EQ(credentials.error().message.find("xyz"), std::string::npos) << credentials.error().message;
    }
}

TEST(Credentials, AreTheSameAfterResting) {
    for (const Variables& values :
         {Variables{{"AWS_ACCESS_KEY_ID", "a:b"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}},
          Variables{{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}}}) {
        const s3::S3Credentials credentials = std::move(**given(values));
        const crypto::SecretBytes packed = packed_credentials(credentials);
        EXPECT_EQ(text_of(unpacked_credentials(packed.view()).value()), text_of(credentials));
        EXPECT_EQ(text_of(duplicate(credentials)), text_of(credentials));
    }
    EXPECT_EQ(unpacked_credentials(as_bytes("one line")).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(unpacked_credentials(as_bytes("two\nlines")).error().kind, ErrorKind::corrupt);
}

TEST(Credentials, HaveANamePerServerAndBucketThatASecretStoreTakes) {
    const std::string name = credentials_name(bucket("music"));
    EXPECT_EQ(name, credentials_name(bucket("music", "other/prefix")));
    EXPECT_NE(name, credentials_name(bucket("music2")));
    EXPECT_NE(name, credentials_name(bucket("music", "", "https://s3.example.net")));
    EXPECT_NE(name, credentials_name(bucket("music", "", "")));
    EXPECT_LE(name.size(), 64u);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-."), std::string::npos);
}

Result<crypto::SecretBytes> no_passphrase() { return fail(ErrorKind::denied, "no terminal"); }

TEST(Secrets, KeepTheCredentialsOfEachBucketAndReplaceThem) {
    const TemporaryDirectory directory;
    const HomePaths home{directory.path()};
    const s3::S3Credentials old_ones =
        std::move(**given({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}}));
    const s3::S3Credentials new_ones = std::move(**given({{"AWS_ACCESS_KEY_ID", "b"}, {"AWS_SECRET_ACCESS_KEY", "u"}}));
    variables.clear();
    Secrets secrets = Secrets::open(home, environment, no_passphrase).value();
    EXPECT_EQ(secrets.bucket(bucket("one")).value().has_value(), false);
    ASSERT_TRUE(secrets.put_bucket(bucket("one"), old_ones));
    ASSERT_TRUE(secrets.put_bucket(bucket("two"), old_ones));
    ASSERT_TRUE(secrets.put_bucket(bucket("one"), new_ones));
    Secrets again = Secrets::open(home, environment, no_passphrase).value();
    EXPECT_EQ(text_of(**again.bucket(bucket("one"))), "b|u|");
    EXPECT_EQ(text_of(**again.bucket(bucket("two"))), "a|s|t");
}

TEST(Secrets, OfSystemdAreNotReplacedBehindItsBack) {
    const TemporaryDirectory directory;
    const s3::S3Credentials credentials =
        std::move(**given({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}}));
    std::ofstream(directory.path() / "bae.device") << "device";
    std::ofstream(directory.path() / ("bae." + credentials_name(bucket("one")))) << "x\ny\n";
    variables = {{"CREDENTIALS_DIRECTORY", directory.path().native()}};
    Secrets secrets = Secrets::open(HomePaths{directory.path() / "home"}, environment, no_passphrase).value();
    EXPECT_EQ(text_of(**secrets.bucket(bucket("one"))), "x|y|");
    EXPECT_EQ(secrets.put_bucket(bucket("one"), credentials).error().kind, ErrorKind::conflict);
}

}  // namespace
}  // namespace bae::node
