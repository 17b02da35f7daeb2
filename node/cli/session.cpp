#include "node/cli/session.h"

#include <fmt/format.h>

#include <chrono>
#include <span>

#include "crypto/base/crash_point.h"
#include "node/cli/prompt.h"
#include "node/credentials.h"
#include "node/files.h"
#include "node/output/escape.h"
#include "node/round_lock.h"
#include "node/version.h"

namespace bae::node {

std::span<const EmbeddedFile> embedded_sql();

static constexpr int64_t kSilentWait_ms = 1000;

static int64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

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
    : out_(out),
      config_(std::move(config)),
      environment_(variables),
      ask_passphrase_(passphrase_of(variables)),
      read_settings_([this] { return Result<Config>(config_); }),
      upload_limit_(static_cast<uint64_t>(config_.limits_upload) * 1024),
      download_limit_(static_cast<uint64_t>(config_.limits_download) * 1024),
      opened_(std::make_unique<Opened>()) {}

Session::~Session() = default;

void Session::close() {
    *opened_ = {};
    refusal_.reset();
}

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
    Result<Secrets> secrets = Secrets::open(TRY(paths()), environment_, ask_passphrase_);
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

Result<std::optional<CarrierRow>> Session::carrier_row() {
    const auto reader = TRY(TRY(database())->read());
    return current_carrier(*reader);
}

Result<std::string> Session::carrier_url() {
    const std::optional<CarrierRow> row = TRY(carrier_row());
    return row ? row->url : std::string();
}

Result<ExitCode> Session::remark_unsealed() {
    if (TRY(carrier_url()).empty())
        out_.remark("not in the mirror folder yet: `bae sync` puts it there; this library has no bucket");
    return ExitCode::done;
}

Result<Carrier*> Session::carrier() {
    if (opened_->carrier) return &*opened_->carrier;
    const std::optional<CarrierRow> row = TRY(carrier_row());
    if (!row) {
        return fail(ErrorKind::not_found,
                    "this library has no place to sync through yet: choose one with `bae bucket use URL` "
                    "(file:///path or s3://...)");
    }
    const Place place = TRY(parse_place(row->url));
    CarrierOptions options = carrier_options();
    options.conditional_put = row->conditional_put;
    options.region = row->region;
    if (place.s3()) {
        std::optional<s3::S3Credentials> credentials = TRY(TRY(secrets())->bucket(*place.s3()));
        if (!credentials) {
            return fail(ErrorKind::denied,
                        fmt::format("this home has no credentials of {}: give them with `bae bucket use \"{}\"`",
                                    shown(row->url), shown(row->url)));
        }
        options.credentials = std::move(*credentials);
    }
    opened_->carrier = TRY(Carrier::open(place, std::move(options)));
    return &*opened_->carrier;
}

// Absent: the first answer is empty.
static Result<std::optional<s3::S3Credentials>> ask_credentials(const s3::S3Place& place, bool kept) {
    const std::string url = shown(s3::url_of(place));
    const Result<crypto::SecretBytes> access_key =
        ask_line(fmt::format("access key of {}{}:", url, kept ? " (Enter: go on with those that are kept)" : ""));
    if (!access_key && access_key.error().kind == ErrorKind::denied) {
        return fail(ErrorKind::denied,
                    fmt::format("there are no credentials of {} here, and no terminal to ask on: set AWS_ACCESS_KEY_ID "
                                "and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN if they are temporary)",
                                url));
    }
    if (!access_key) return tl::unexpected<Error>(access_key.error());
    if (access_key->empty()) return std::optional<s3::S3Credentials>();
    s3::S3Credentials credentials{.access_key = std::string(as_text(access_key->view())),
                                  .secret_key = TRY(ask_secret("secret key:")),
                                  .session_token = TRY(ask_secret("session token (Enter: none):"))};
    TRY(check_credentials(credentials));
    return std::optional(std::move(credentials));
}

Result<std::optional<s3::S3Credentials>> Session::given_credentials(const s3::S3Place& place, bool kept) {
    auto credentials = credentials_from_environment(environment_);
    if (!credentials && credentials.error().kind == ErrorKind::invalid_input) return usage(credentials.error().message);
    if (!credentials || *credentials) return credentials;
    return ask_credentials(place, kept);
}

Result<void> Session::remember_carrier() {
    const std::optional<CarrierRow> known = TRY(carrier_row());
    if (!known || !opened_->carrier || known->url != opened_->carrier->url()) return {};
    CarrierRow row = opened_->carrier->row();
    row.probed_ms = known->probed_ms;
    if (row == *known) return {};
    return TRY(database())->replicate([&](sync::sqlite::Connection& connection) {
        return update_carrier(connection, row);
    });
}

CarrierOptions Session::carrier_options() {
    return {.config = config_,
            .credentials = {},
            .region = {},
            .upload_limit = &upload_limit_,
            .download_limit = &download_limit_,
            .on_retry = [this](const Error& error, int attempt, int64_t delay_ms) {
                say_waiting(error, attempt, delay_ms);
            }};
}

// Several threads wait for the same thing: one line says so.
void Session::say_waiting(const Error& error, int attempt, int64_t delay_ms) {
    if (delay_ms < kSilentWait_ms) return;
    const int64_t now = monotonic_ms();
    int64_t before = said_waiting_ms_;
    if (before != 0 && now - before < kSilentWait_ms) return;
    if (!said_waiting_ms_.compare_exchange_strong(before, now)) return;
    const int64_t seconds = (delay_ms + 500) / 1000;
    if (out_.json() && !out_.quiet())
        out_.line(JsonObject().text("waiting", error.message).integer("seconds", seconds).integer("attempt", attempt));
    else
        out_.remark(fmt::format("waiting {} s: {} (attempt {})", seconds, shown(error.message), attempt));
}

}  // namespace bae::node
