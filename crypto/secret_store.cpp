#include "crypto/secret_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "crypto/secret_file.h"

namespace bae::crypto {

namespace {

namespace fs = std::filesystem;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

Result<Descriptor> open_file(const fs::path& path, int flags) {
    for (;;) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (fd >= 0) return Descriptor(fd);
        if (errno != EINTR) return tl::unexpected(errno_error(errno, path.string()));
    }
}

// Held until it goes away; also released by the system if the process dies.
Result<Descriptor> lock_beside(const fs::path& path) {
    Descriptor lock = TRY(open_file(path.string() + ".lock", O_RDWR | O_CREAT));
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR) return tl::unexpected(errno_error(errno, path.string() + ".lock"));
    return lock;
}

Result<void> write_all(int fd, ByteView bytes, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return tl::unexpected(errno_error(errno, path.string()));
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
}

Result<SecretBytes> read_all(int fd, size_t size, const fs::path& path) {
    SecretBytes out(size);
    for (ByteSpan rest = out.span(); !rest.empty();) {
        const ssize_t got = ::read(fd, rest.data(), rest.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(errno_error(errno, path.string()));
        if (got == 0) return fail(ErrorKind::retry, path.string() + " became shorter while it was read");
        rest = rest.subspan(static_cast<size_t>(got));
    }
    return out;
}

Result<void> sync_descriptor(int fd, const fs::path& path) {
    if (::fsync(fd) != 0) return tl::unexpected(errno_error(errno, path.string()));
    return {};
}

// The caller holds the lock, so that the one temporary name is its own; a leftover of a killed process is replaced.
Result<void> replace_file(const fs::path& path, ByteView bytes) {
    const fs::path temporary = path.string() + ".new";
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT)
        return tl::unexpected(errno_error(errno, temporary.string()));
    {
        const Descriptor file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
        TRY(write_all(file.get(), bytes, temporary));
        TRY(sync_descriptor(file.get(), temporary));
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) return tl::unexpected(errno_error(errno, path.string()));
    const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const Descriptor parent = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
    return sync_descriptor(parent.get(), directory);
}

Result<void> check_file(const struct stat& status, bool private_only, const fs::path& path) {
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid_input, path.string() + " is not a file");
    if (private_only && (status.st_mode & 077) != 0)
        return fail(ErrorKind::denied,
                    path.string() + " can be read by others on this machine; run: chmod 600 '" + path.string() + "'");
    if (static_cast<uint64_t>(status.st_size) > kMaxSecretFileBytes)
        return fail(ErrorKind::corrupt, path.string() + ": larger than a secret file can be");
    return {};
}

Result<SecretBytes> read_file(const fs::path& path, bool private_only) {
    const Descriptor file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));  // not to wait for a writer if it is a pipe
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return tl::unexpected(errno_error(errno, path.string()));
    TRY(check_file(status, private_only, path));
    return read_all(file.get(), static_cast<size_t>(status.st_size), path);
}

Result<void> check_name(std::string_view name) {
    if (is_secret_name(name)) return {};
    return fail(ErrorKind::invalid_input, "a secret cannot have the name '" + std::string(name) + "'");
}

Error no_secret(std::string_view name, const fs::path& where) {
    return {ErrorKind::not_found, "there is no secret '" + std::string(name) + "' in " + where.string()};
}

class SecretFile final : public SecretStore {
  public:
    explicit SecretFile(SecretFileOptions options)
        : path_(std::move(options.path)), passphrase_(std::move(options.passphrase)) {}

    Result<SecretMap> load() {
        auto file = read_file(path_, true);
        if (!file && file.error().kind == ErrorKind::not_found) return SecretMap();
        if (!file) return tl::unexpected(file.error());
        return TRY_CONTEXT(decode(file->view()), path_.string());
    }

    Result<SecretBytes> get(std::string_view name) override {
        TRY(check_name(name));
        SecretMap secrets = TRY(load());
        const auto found = secrets.find(name);
        if (found == secrets.end()) return tl::unexpected(no_secret(name, path_));
        return std::move(found->second);
    }

    Result<void> put(std::string_view name, ByteView secret) override {
        TRY(check_name(name));
        return change(
            [&](SecretMap& secrets) { secrets.insert_or_assign(std::string(name), SecretBytes::copy_of(secret)); });
    }

    Result<void> remove(std::string_view name) override {
        TRY(check_name(name));
        return change([&](SecretMap& secrets) {
            if (const auto found = secrets.find(name); found != secrets.end()) secrets.erase(found);
        });
    }

  private:
    template <class Edit>
    Result<void> change(const Edit& edit) {
        const Descriptor lock = TRY(lock_beside(path_));
        SecretMap secrets = TRY(load());
        edit(secrets);
        const SecretBytes file = TRY_CONTEXT(encode(secrets), path_.string());
        return replace_file(path_, file.view());
    }

    Result<SecretMap> decode(ByteView file) {
        const SecretFileParts parts = TRY(parse_secret_file(file));
        if (!parts.cost && passphrase_)
            return fail(ErrorKind::invalid_input, "has no passphrase, but one was given; start without it");
        if (!parts.cost) return decode_secrets(parts.payload);
        if (!passphrase_) return fail(ErrorKind::denied, "is sealed under a passphrase, and none was given");
        TRY(derive(*parts.cost));
        return open_sealed_payload(parts, key_);
    }

    Result<SecretBytes> encode(const SecretMap& secrets) {
        if (!passphrase_) return plain_secret_file(secrets);
        if (!cost_) TRY(derive(fresh_passphrase_cost(system_random())));
        return sealed_secret_file(secrets, *cost_, key_, system_random());
    }

    // Argon2id is slow on purpose: once per cost, not once per secret.
    Result<void> derive(const PassphraseCost& cost) {
        if (cost_ == cost) return {};
        key_ = TRY(passphrase_key(passphrase_->view(), cost));
        cost_ = cost;
        return {};
    }

    fs::path path_;
    std::optional<SecretBytes> passphrase_;
    std::optional<PassphraseCost> cost_;
    SecretKey key_;
};

class SystemdCredentials final : public SecretStore {
  public:
    explicit SystemdCredentials(fs::path directory) : directory_(std::move(directory)) {}

    Result<SecretBytes> get(std::string_view name) override {
        TRY(check_name(name));
        auto secret = read_file(directory_ / ("bae." + std::string(name)), false);
        if (!secret && secret.error().kind == ErrorKind::not_found) return tl::unexpected(no_secret(name, directory_));
        return secret;
    }
    Result<void> put(std::string_view, ByteView) override { return read_only(); }
    Result<void> remove(std::string_view) override { return read_only(); }

  private:
    Result<void> read_only() const {
        return fail(ErrorKind::unsupported,
                    "systemd credentials in " + directory_.string() + " cannot be changed from here");
    }
    fs::path directory_;
};

}  // namespace

Result<std::unique_ptr<SecretStore>> open_secret_file(SecretFileOptions options) {
    auto store = std::make_unique<SecretFile>(std::move(options));
    TRY(store->load());
    return store;
}

Result<bool> secret_file_needs_passphrase(const fs::path& path) {
    auto file = read_file(path, true);
    if (!file && file.error().kind == ErrorKind::not_found) return false;
    if (!file) return tl::unexpected(file.error());
    return TRY_CONTEXT(parse_secret_file(file->view()), path.string()).cost.has_value();
}

Result<std::unique_ptr<SecretStore>> open_systemd_credentials(const fs::path& directory) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) return tl::unexpected(errno_error(errno, directory.string()));
    if (!S_ISDIR(status.st_mode)) return fail(ErrorKind::invalid_input, directory.string() + " is not a directory");
    return std::make_unique<SystemdCredentials>(directory);
}

}  // namespace bae::crypto
