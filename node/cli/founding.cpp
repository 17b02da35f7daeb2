#include "node/cli/founding.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <span>

#include "node/cli/prompt.h"
#include "node/files.h"
#include "node/import/names.h"
#include "node/interrupt.h"
#include "node/row_ids.h"
#include "node/version.h"

namespace bae::node {

std::span<const EmbeddedFile> embedded_sql();

std::string device_name_or_host(const std::optional<std::string>& name) {
    std::array<char, 256> host{};
    if (!name && gethostname(host.data(), host.size() - 1) != 0) return "device";
    const std::string text = clean_text(name ? *name : std::string(host.data()), 100);
    return text.empty() ? "device" : text;
}

static Result<std::optional<crypto::SecretBytes>> new_passphrase(Session& session, bool ask) {
    auto passphrase = TRY(passphrase_from_environment(session.environment()));
    if (!passphrase && ask) passphrase = TRY(ask_new_secret("new passphrase for the secrets:"));
    return passphrase;
}

Result<Founding> Founding::begin(Session& session, bool passphrase) {
    Founding founding(TRY(NewHome::begin(TRY(session.paths()))));
    TRY(crypto::initialize());
    Result<Secrets> secrets =
        Secrets::open(founding.home_.paths(), session.environment(), passphrase_of(session.environment()),
                      TRY(new_passphrase(session, passphrase)));
    if (!secrets && secrets.error().kind == ErrorKind::denied)
        return session.refuse(ExitCode::wrong_key, secrets.error());
    if (!secrets) return tl::unexpected<Error>(secrets.error());
    founding.secrets_ = std::move(*secrets);
    return founding;
}

Result<void> Founding::prepare(crypto::Identity identity, std::optional<crypto::Hash256> next) {
    identity_ = std::make_unique<crypto::Identity>(std::move(identity));
    next_ = next;
    TRY(File::open_to_append(home_.paths().database()));  // SQLite would make it readable by others
    device_ = std::make_unique<crypto::DeviceKeys>(crypto::DeviceKeys::generate(crypto::system_random()));
    TRY(secrets_->put_identity(*identity_, next_));
    TRY(secrets_->put_device(*device_));
    database_ = TRY(sync::Database::open(
        {.path = home_.paths().database(), .migrations = embedded_sql(), .device = device_->id()}));
    TRY(make_directories(home_.paths().mirror()));
    mirror_ = TRY(s3::open_directory_bucket({.root = home_.paths().mirror(), .policy = s3::RootPolicy::create}));
    return {};
}

sync::ReplicaOptions Founding::options() {
    return {.database = *database_,
            .mirror = *mirror_,
            .device = *device_,
            .identity = identity_.get(),
            .random = crypto::system_random(),
            .clock = sync::system_clock(),
            .program_version = std::string("bae ") + kVersion};
}

Result<void> Founding::found() {
    if (!next_)
        return fail(ErrorKind::internal, "the identity of this home does not know its successor; use another --home");
    replica_ = TRY(sync::Replica::found(options(), *next_));
    return {};
}

Result<sync::Replica::RestoreInfo> Founding::restore(const crypto::LibraryId& library, Carrier& carrier) {
    sync::Replica::RestoreInfo info;
    replica_ = TRY(sync::Replica::restore(options(), library, next_, carrier.bucket(), &info));
    return info;
}

Result<void> Founding::receive(Carrier& carrier, Output& out) {
    const sync::SyncOptions options{
        .on_progress = [&out](const sync::SyncProgress& at) { out.progress(at.phase, at.done, at.total); },
        .cancelled = interrupted,
        .receive_only = true};
    TRY(replica_->sync(carrier.bucket(), carrier.url(), options));
    out.end_progress();
    return replica_->seal();
}

bool Founding::is_at(Carrier& carrier) { return replica_->holds_library(carrier.bucket()); }

Result<void> Founding::name_device(const std::string& name) {
    const std::string device = device_->id().text();
    TRY(database_->write("device " + name, [&](sync::sqlite::Connection& connection) {
        return connection.run("INSERT INTO devices (id, device_id, name, _updated_at) VALUES (?1, ?2, ?3, stamp())",
                              device_row_id(device), device, name);
    }));
    return {};
}

Result<void> Founding::use_carrier(const Place& place, const CarrierRow& row, const s3::S3Credentials* credentials) {
    if (place.s3() && credentials) TRY(secrets_->put_bucket(*place.s3(), *credentials));
    return database_->replicate(
        [&](sync::sqlite::Connection& connection) { return node::use_carrier(connection, row); });
}

HomeRecord Founding::record() const {
    return {.library = replica_->library(), .device = device_->id(), .identity = identity_->public_key()};
}

Result<void> Founding::commit() {
    const HomeRecord made = record();
    replica_.reset();
    mirror_.reset();
    database_.reset();
    secrets_.reset();
    return home_.commit(made);
}

}  // namespace bae::node
