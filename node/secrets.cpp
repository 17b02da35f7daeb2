#include "node/secrets.h"

#include <fmt/format.h>

#include "node/credentials.h"
#include "node/files.h"
#include "node/output/escape.h"

namespace bae::node {

static constexpr size_t kMaxPassphraseBytes = 4096;

Result<std::optional<crypto::SecretBytes>> passphrase_from_environment(Environment environment) {
    const auto path = environment("BAE_PASSPHRASE_FILE");
    if (!path) return std::optional<crypto::SecretBytes>();
    const File file = TRY_CONTEXT(File::open_to_read(*path), "BAE_PASSPHRASE_FILE");
    crypto::SecretBytes buffer(kMaxPassphraseBytes);
    const size_t size = TRY(file.read(0, buffer.span()));
    const std::string_view line = as_text(buffer.view().first(size));
    const size_t length = std::min(line.find('\n'), line.size());
    if (length == 0) {
        return fail(ErrorKind::denied,
                    fmt::format("{}: the first line, which is the passphrase, is empty", shown(*path)));
    }
    return std::optional(crypto::SecretBytes::copy_of(buffer.view().first(length)));
}

Result<Secrets> Secrets::open(const HomePaths& home, Environment environment, const AskPassphrase& ask,
                              std::optional<crypto::SecretBytes> new_passphrase) {
    TRY(crypto::initialize());
    Secrets secrets;
    if (const auto directory = environment("CREDENTIALS_DIRECTORY")) {
        if (file_exists(std::filesystem::path(*directory) / "bae.device")) {
            secrets.credentials_ = TRY(crypto::open_systemd_credentials(*directory));
        }
    }
    crypto::SecretFileOptions options{.path = home.secrets(), .passphrase = std::move(new_passphrase)};
    if (file_exists(home.secrets())) {
        options.passphrase = std::nullopt;
        if (TRY(crypto::secret_file_needs_passphrase(home.secrets()))) options.passphrase = TRY(ask());
    }
    secrets.file_ = TRY(crypto::open_secret_file(std::move(options)));
    return secrets;
}

Result<std::optional<crypto::SecretBytes>> Secrets::find(std::string_view name) {
    for (crypto::SecretStore* store : {credentials_.get(), file_.get()}) {
        if (!store) continue;
        Result<crypto::SecretBytes> secret = store->get(name);
        if (secret) return std::optional(std::move(*secret));
        if (secret.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(secret.error());
    }
    return std::optional<crypto::SecretBytes>();
}

Result<crypto::DeviceKeys> Secrets::device() {
    const auto secret = TRY(find("device"));
    if (!secret) return fail(ErrorKind::not_found, "the secret store has no keys of this device");
    return TRY_CONTEXT(crypto::DeviceKeys::from_secret(secret->view()), "the keys of this device");
}

Result<std::optional<crypto::Identity>> Secrets::identity() {
    const auto seed = TRY(find("identity"));
    if (!seed) return std::optional<crypto::Identity>();
    return std::optional(
        crypto::Identity::from_seed(TRY_CONTEXT(crypto::SecretKey::from(seed->view()), "the identity")));
}

Result<std::optional<crypto::Hash256>> Secrets::next() {
    const auto hash = TRY(find("next"));
    if (!hash) return std::optional<crypto::Hash256>();
    return std::optional(TRY(crypto::Hash256::from(hash->view())));
}

Result<void> Secrets::put_device(const crypto::DeviceKeys& keys) { return file_->put("device", keys.secret().view()); }

Result<std::optional<crypto::DeviceId>> Secrets::continues() {
    const auto id = TRY(find("continues"));
    if (!id) return std::optional<crypto::DeviceId>();
    return std::optional(TRY(crypto::DeviceId::from(id->view())));
}

Result<void> Secrets::replace_device(const crypto::DeviceId& old, const crypto::DeviceKeys& keys) {
    TRY(file_->put("continues", old.view()));
    return put_device(keys);
}

Result<void> Secrets::put_identity(const crypto::Identity& identity, const std::optional<crypto::Hash256>& next) {
    if (next) TRY(file_->put("next", next->view()));
    return file_->put("identity", identity.seed());
}

Result<std::optional<s3::S3Credentials>> Secrets::bucket(const s3::S3Place& place) {
    const auto packed = TRY(find(credentials_name(place)));
    if (!packed) return std::optional<s3::S3Credentials>();
    return std::optional(TRY(unpacked_credentials(packed->view())));
}

Result<void> Secrets::put_bucket(const s3::S3Place& place, const s3::S3Credentials& credentials) {
    const std::string name = credentials_name(place);
    if (credentials_ && credentials_->get(name)) {
        return fail(ErrorKind::conflict,
                    fmt::format("the credentials of this bucket come from systemd (bae.{}): change them there", name));
    }
    return file_->put(name, packed_credentials(credentials).view());
}

}  // namespace bae::node
