#include "crypto/secret_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "crypto/base/pack.h"
#include "crypto/fixtures.h"
#include "crypto/secret_file.h"

namespace bae::crypto {
namespace {

namespace fs = std::filesystem;

class SecretStoreTest : public ::testing::Test {
  protected:
    SecretStoreTest() {
        std::string pattern = (fs::temp_directory_path() / "bae-secrets-XXXXXX").string();
        directory = mkdtemp(pattern.data());
        path = directory / "secrets";
    }
    ~SecretStoreTest() override { fs::remove_all(directory); }

    static std::optional<SecretBytes> words(std::string_view passphrase) {
        if (passphrase.empty()) return std::nullopt;
        return SecretBytes::copy_of(as_bytes(passphrase));
    }
    Result<std::unique_ptr<SecretStore>> try_open(std::string_view passphrase = "") {
        return open_secret_file({path, words(passphrase)});
    }
    std::unique_ptr<SecretStore> open(std::string_view passphrase = "") {
        auto store = try_open(passphrase);
        EXPECT_TRUE(store.has_value()) << store.error().message;
        return std::move(*store);
    }
    Error refusal(std::string_view passphrase = "") {
        const auto store = try_open(passphrase);
        EXPECT_FALSE(store.has_value());
        return store ? Error{} : store.error();
    }
    std::string contents() const {
        std::ostringstream out;
        out << std::ifstream(path, std::ios::binary).rdbuf();
        return out.str();
    }
    void write(ByteView bytes) const {
        std::ofstream(path, std::ios::binary).write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    }

    fs::path directory;
    fs::path path;
};

TEST_F(SecretStoreTest, KeepsWhatIsPut) {
    ASSERT_TRUE(open()->put("device", as_bytes("one")).has_value());
    ASSERT_TRUE(open()->put("identity", as_bytes("two")).has_value());
    ASSERT_TRUE(open()->put("device", as_bytes("three")).has_value());
    EXPECT_EQ(as_text(open()->get("device")->view()), "three");
    EXPECT_EQ(as_text(open()->get("identity")->view()), "two");
}

TEST_F(SecretStoreTest, OfNothingMakesNoFileUntilTheFirstPut) {
    const auto store = open();
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(store->get("device").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(*secret_file_needs_passphrase(path));
    EXPECT_TRUE(store->put("device", {}).has_value());
    EXPECT_TRUE(store->get("device")->empty());
}

TEST_F(SecretStoreTest, RemovesAndDoesNotMindAbsence) {
    const auto store = open();
    ASSERT_TRUE(store->put("device", as_bytes("one")).has_value());
    EXPECT_TRUE(store->remove("device").has_value());
    EXPECT_TRUE(store->remove("device").has_value());
    EXPECT_EQ(store->get("device").error().kind, ErrorKind::not_found);
}

TEST_F(SecretStoreTest, FileIsForItsOwnerWhateverTheUmask) {
    const mode_t before = umask(0);
    ASSERT_TRUE(open()->put("device", as_bytes("one")).has_value());
    umask(before);
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    ASSERT_EQ(stat((path.string() + ".lock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SecretStoreTest, RefusesAFileOthersCanReadAndSaysChmod) {
    ASSERT_TRUE(open()->put("device", as_bytes("one")).has_value());
    for (mode_t mode : {0640U, 0604U, 0620U, 0644U}) {
        chmod(path.c_str(), mode);
        EXPECT_EQ(refusal().kind, ErrorKind::denied) << mode;
        EXPECT_NE(refusal().message.find("chmod 600"), std::string::npos);
        EXPECT_EQ(secret_file_needs_passphrase(path).error().kind, ErrorKind::denied);
    }
    chmod(path.c_str(), 0600);
    EXPECT_TRUE(try_open().has_value());
}

TEST_F(SecretStoreTest, UnderAPassphraseOpensWithItAlone) {
    ASSERT_TRUE(open("correct horse")->put("identity", as_bytes("very secret")).has_value());
    EXPECT_TRUE(*secret_file_needs_passphrase(path));
    EXPECT_EQ(contents().find("very secret"), std::string::npos);
    EXPECT_EQ(contents().find("identity"), std::string::npos);
    EXPECT_EQ(as_text(open("correct horse")->get("identity")->view()), "very secret");
    EXPECT_EQ(refusal("correct house").kind, ErrorKind::denied);
    EXPECT_EQ(refusal().kind, ErrorKind::denied);
    EXPECT_NE(refusal().message.find("passphrase"), std::string::npos);
}

TEST_F(SecretStoreTest, APassphraseForAFileWithoutOneIsNotSilentlyIgnored) {
    ASSERT_TRUE(open()->put("identity", as_bytes("x")).has_value());
    EXPECT_EQ(refusal("words").kind, ErrorKind::invalid_input);
}

TEST_F(SecretStoreTest, SealsTheSameSecretsDifferentlyEachTime) {
    const auto store = open("words");
    ASSERT_TRUE(store->put("identity", as_bytes("x")).has_value());
    const std::string first = contents();
    ASSERT_TRUE(store->put("identity", as_bytes("x")).has_value());
    EXPECT_NE(contents(), first);
    EXPECT_EQ(contents().size(), first.size());
}

TEST_F(SecretStoreTest, ChangesOfAnotherStoreOnTheSameFileAreSeen) {
    const auto one = open("words");
    const auto two = open("words");
    ASSERT_TRUE(one->put("a", as_bytes("1")).has_value());
    ASSERT_TRUE(two->put("b", as_bytes("2")).has_value());
    EXPECT_TRUE(one->get("b").has_value());
    EXPECT_TRUE(two->get("a").has_value());
}

TEST_F(SecretStoreTest, ConcurrentWritersLoseNothing) {
    const auto write_twenty = [this](char who) {
        for (int i = 0; i < 20; i++)
            if (!open()->put(std::string(1, who) + std::to_string(i), as_bytes("x"))) return false;
        return true;
    };
    const pid_t child = fork();
    if (child == 0) _exit(write_twenty('p') ? 0 : 1);
    std::thread thread([&] { EXPECT_TRUE(write_twenty('t')); });
    EXPECT_TRUE(write_twenty('m'));
    thread.join();
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    const auto store = open();
    for (char who : {'p', 't', 'm'})
        for (int i = 0; i < 20; i++)
            EXPECT_TRUE(store->get(std::string(1, who) + std::to_string(i)).has_value()) << who << i;
}

TEST_F(SecretStoreTest, ALeftoverOfAKilledWriterIsNoObstacle) {
    std::ofstream(path.string() + ".new") << "half of a file";
    ASSERT_TRUE(open()->put("device", as_bytes("one")).has_value());
    EXPECT_EQ(as_text(open()->get("device")->view()), "one");
    EXPECT_FALSE(fs::exists(path.string() + ".new"));
}

TEST_F(SecretStoreTest, NamesAndSizesHaveLimits) {
    const auto store = open();
    for (const char* name : {"", "..", "a/b", "Upper", "sp ace", "-x", "\xff"}) {
        EXPECT_EQ(store->put(name, {}).error().kind, ErrorKind::invalid_input) << name;
        EXPECT_EQ(store->get(name).error().kind, ErrorKind::invalid_input) << name;
        EXPECT_EQ(store->remove(name).error().kind, ErrorKind::invalid_input) << name;
    }
    EXPECT_TRUE(store->put(std::string(64, 'a'), {}).has_value());
    EXPECT_EQ(store->put(std::string(65, 'a'), {}).error().kind, ErrorKind::invalid_input);
    EXPECT_TRUE(store->put("large", Bytes(64 << 10)).has_value());
    EXPECT_EQ(store->put("large", Bytes((64 << 10) + 1)).error().kind, ErrorKind::invalid_input);
    EXPECT_EQ(open()->get("large")->size(), 64U << 10) << "a refused change leaves the file as it was";
}

TEST_F(SecretStoreTest, AMissingFolderIsNotFoundAndAFolderIsNoFile) {
    path = directory / "absent" / "secrets";
    EXPECT_EQ(open()->put("device", {}).error().kind, ErrorKind::not_found);
    path = directory;
    EXPECT_FALSE(try_open().has_value());
}

class SecretFileBytes : public SecretStoreTest {
  protected:
    Bytes bytes() const { return to_bytes(as_bytes(contents())); }
    void put_one(std::string_view passphrase) {
        ASSERT_TRUE(open(passphrase)->put("identity", as_bytes("secret")).has_value());
    }
    ErrorKind refusal_of(ByteView file) {
        write(file);
        return refusal().kind;
    }
};

TEST_F(SecretFileBytes, OfAnotherVersionModeOrKindAreRefused) {
    put_one("");
    Bytes file = bytes();
    file[6] = std::byte{2};
    EXPECT_EQ(refusal_of(file), ErrorKind::upgrade_needed);
    file[6] = std::byte{0};
    EXPECT_EQ(refusal_of(file), ErrorKind::corrupt);
    file[6] = std::byte{1};
    file[7] = std::byte{2};
    EXPECT_EQ(refusal_of(file), ErrorKind::corrupt);
    EXPECT_EQ(refusal_of(as_bytes("BAESE")), ErrorKind::corrupt);
    EXPECT_EQ(refusal_of({}), ErrorKind::corrupt);
    EXPECT_EQ(refusal_of(Bytes(kMaxSecretFileBytes + 1)), ErrorKind::corrupt);
}

TEST_F(SecretFileBytes, TruncatedOrContinuedAreRefused) {
    put_one("");
    Bytes file = bytes();
    for (size_t size = 0; size < file.size(); size++)
        EXPECT_EQ(refusal_of(ByteView(file).first(size)), ErrorKind::corrupt) << size;
    file.push_back(std::byte{0});
    EXPECT_EQ(refusal_of(file), ErrorKind::corrupt);
}

TEST_F(SecretFileBytes, SealedRefuseEveryBitFlipAndTruncation) {
    const PassphraseCost cost = fresh_passphrase_cost(system_random());
    const SecretKey key = SecretKey::random(system_random());
    SecretMap secrets;
    secrets.emplace("identity", SecretBytes::copy_of(as_bytes("secret")));
    const SecretBytes file = std::move(*sealed_secret_file(secrets, cost, key, system_random()));
    const auto opens = [&](ByteView bytes) {
        const auto parts = parse_secret_file(bytes);
        return parts && parts->cost && open_sealed_payload(*parts, key).has_value();
    };
    ASSERT_TRUE(opens(file.view()));
    for (size_t bit = 0; bit < file.size() * 8; bit++)
        EXPECT_FALSE(opens(with_bit_flipped(file.view(), bit))) << "bit " << bit;
    for (size_t size = 0; size < file.size(); size++) EXPECT_FALSE(opens(file.view().first(size))) << size;
}

TEST_F(SecretFileBytes, AskingForAnAbsurdCostAreRefusedBeforeItIsPaid) {
    put_one("words");
    const Bytes file = bytes();
    for (auto [at, value] : {std::pair<size_t, uint64_t>{24, 1'000'000},
                             {24, 1},
                             {24, UINT64_MAX},
                             {32, uint64_t{1} << 40},
                             {32, 8192},
                             {32, UINT64_MAX}}) {
        Bytes changed = file;
        write_big_endian(ByteSpan(changed).subspan(at, 8), value);
        write(changed);
        EXPECT_EQ(refusal("words").kind, ErrorKind::corrupt) << at << " " << value;
    }
}

TEST_F(SecretFileBytes, WithNamesTwiceOutOfOrderOrImpossibleAreRefused) {
    const auto file_of = [](std::initializer_list<std::string_view> names) {
        Bytes out = to_bytes(as_bytes(std::string_view("BAESEC\1\0", 8)));
        Packer packer(out);
        packer.array(static_cast<uint32_t>(names.size()));
        for (const auto name : names) {
            packer.array(2);
            packer.text(name);
            packer.bin(as_bytes("x"));
        }
        return out;
    };
    write(file_of({"a", "b"}));
    EXPECT_TRUE(try_open().has_value());
    EXPECT_EQ(refusal_of(file_of({"a", "a"})), ErrorKind::corrupt);
    EXPECT_EQ(refusal_of(file_of({"b", "a"})), ErrorKind::corrupt);
    EXPECT_EQ(refusal_of(file_of({"../a"})), ErrorKind::corrupt);
}

TEST_F(SecretStoreTest, SystemdCredentialsAreReadOnlyFilesNamedForThisProgram) {
    std::ofstream(directory / "bae.bucket-credentials") << "key and secret";
    const auto store = open_systemd_credentials(directory);
    ASSERT_TRUE(store.has_value());
    EXPECT_EQ(as_text((*store)->get("bucket-credentials")->view()), "key and secret");
    EXPECT_EQ((*store)->get("identity").error().kind, ErrorKind::not_found);
    EXPECT_EQ((*store)->get("../x").error().kind, ErrorKind::invalid_input);
    EXPECT_EQ((*store)->put("identity", {}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ((*store)->remove("identity").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(open_systemd_credentials(directory / "absent").error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace bae::crypto
