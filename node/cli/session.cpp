#include "node/cli/session.h"

#include <fmt/format.h>

#include <span>

#include "crypto/base/crash_point.h"
#include "node/cli/prompt.h"
#include "node/files.h"
#include "node/output/escape.h"
#include "node/round_lock.h"
#include "node/version.h"

namespace bae::node {

std::span<const EmbeddedFile> embedded_sql();

struct Session::Opened {
    std::optional<HomeRecord> record;
    std::unique_ptr<sync::Database> database;
    std::optional<Secrets> secrets;
    std::unique_ptr<s3::Bucket> mirror, mirror_unsynced;
    std::optional<crypto::DeviceKeys> device;
    std::optional<crypto::Identity> identity;
    std::unique_ptr<sync::Replica> replica;
    std::optional<Carrier> carrier;
};

Session::Session(Output& out, Config config, Environment variables)
    : out_(out), config_(std::move(config)), environment_(variables), opened_(std::make_unique<Opened>()) {}

Session::~Session() = default;

ExitCode Session::exit_code_of(const Error& error) const {
    if (error.kind == ErrorKind::cancelled) return ExitCode::interrupted;
    if (refusal_) return *refusal_;
    if (error.kind == ErrorKind::upgrade_needed) return ExitCode::upgrade_needed;
    return error.cause == Cause::locked ? ExitCode::locked : ExitCode::failed;
}

tl::unexpected<Error> Session::refuse(ExitCode code, Error error) {
    refusal_ = code;
    return tl::unexpected<Error>(std::move(error));
}

Result<HomePaths> Session::paths() const { return locate_home(config_.home, environment_); }

Result<HomeRecord> Session::record() {
    if (opened_->record) return *opened_->record;
    Result<HomeRecord> record = read_home(TRY(paths()));
    if (!record && record.error().kind == ErrorKind::not_found) return refuse(ExitCode::no_library, record.error());
    if (record) opened_->record = *record;
    return record;
}

Result<sync::Database*> Session::database() {
    if (opened_->database) return opened_->database.get();
    const HomeRecord home = TRY(record());
    const sync::DatabaseOptions options{
        .path = TRY(paths()).database(), .migrations = embedded_sql(), .device = home.device};
    opened_->database = TRY(sync::Database::open(options));
    return opened_->database.get();
}

AskPassphrase passphrase_of(Environment environment) {
    return [environment]() -> Result<crypto::SecretBytes> {
        if (auto from_file = TRY(passphrase_from_environment(environment))) return std::move(*from_file);
        Result<crypto::SecretBytes> answer = ask_secret("passphrase of the secrets:");
        if (!answer && answer.error().kind == ErrorKind::denied) {
            return fail(ErrorKind::denied,
                        "the secrets are under a passphrase and there is no terminal to ask on: name a file with it in "
                        "BAE_PASSPHRASE_FILE");
        }
        return answer;
    };
}

Result<Secrets*> Session::secrets() {
    if (opened_->secrets) return &*opened_->secrets;
    Result<Secrets> secrets = Secrets::open(TRY(paths()), environment_, passphrase_of(environment_));
    if (!secrets && secrets.error().kind == ErrorKind::denied) return refuse(ExitCode::wrong_key, secrets.error());
    if (!secrets) return tl::unexpected<Error>(secrets.error());
    opened_->secrets = std::move(*secrets);
    return &*opened_->secrets;
}

Result<void> Session::open_replica() {
    sync::Database* rows = TRY(database());
    Secrets* keys = TRY(secrets());
    opened_->device = TRY(keys->device());
    opened_->identity = TRY(keys->identity());
    TRY(check_device(*keys));
    opened_->mirror = TRY(s3::open_directory_bucket({.root = TRY(paths()).mirror()}));
    opened_->mirror_unsynced =
        TRY(s3::open_directory_bucket({.root = TRY(paths()).mirror(), .durability = s3::Durability::unsynced}));
    const sync::ReplicaOptions options{
        .database = *rows,
        .mirror = *opened_->mirror,
        .device = *opened_->device,
        .identity = opened_->identity ? &*opened_->identity : nullptr,
        .random = crypto::system_random(),
        .clock = sync::system_clock(),
        .program_version = std::string("bae ") + kVersion,
        .mirror_unsynced = opened_->mirror_unsynced.get(),
        .on_new_device = [this](const crypto::DeviceKeys& made) { return become(made); },
        .lock_round = [this,
                       home = TRY(paths())](const sync::SyncOptions& round) { return lock_round(home, out_, round); }};
    opened_->replica = TRY(sync::Replica::open(options));
    return {};
}

Result<void> Session::check_device(Secrets& secrets) {
    const HomeRecord home = TRY(record());
    if (opened_->device->id() == home.device) return {};
    // A crash may have come between the two writes of become().
    if (TRY(secrets.continues()) == home.device) return put_record(opened_->device->id());
    return refuse(ExitCode::wrong_key,
                  Error{ErrorKind::denied, fmt::format("the secrets here are those of device {}, but this home is "
                                                       "device {}: bring back the file \"secrets\" of this home",
                                                       opened_->device->id().text(), home.device.text())});
}

Result<void> Session::become(const crypto::DeviceKeys& keys) {
    TRY(TRY(secrets())->replace_device(TRY(record()).device, keys));
    CRASH_POINT("copy: keys before the record");
    return put_record(keys.id());
}

Result<void> Session::put_record(const crypto::DeviceId& device) {
    HomeRecord home = TRY(record());
    home.device = device;
    TRY(write_file_durably(TRY(paths()).record(), as_bytes(home.text()), 0600));
    opened_->record = home;
    return {};
}

Result<sync::Replica*> Session::replica() {
    if (!opened_->replica) TRY(open_replica());
    return opened_->replica.get();
}

Result<std::string> Session::carrier_url() {
    const auto reader = TRY(TRY(database())->read());
    return TRY(reader->text("SELECT url FROM carriers WHERE current = 1")).value_or("");
}

Result<ExitCode> Session::remark_unsealed() {
    if (TRY(carrier_url()).empty())
        out_.remark("not in the mirror folder yet: `bae sync` puts it there; this library has no bucket");
    return ExitCode::done;
}

Result<Carrier*> Session::carrier() {
    if (opened_->carrier) return &*opened_->carrier;
    const std::string url = TRY(carrier_url());
    if (url.empty()) {
        return fail(ErrorKind::not_found,
                    "this library has no place to sync through yet: choose one with `bae bucket use file:///path`");
    }
    opened_->carrier = TRY(Carrier::open(url, s3::RootPolicy::must_exist, config_));
    return &*opened_->carrier;
}

}  // namespace bae::node
