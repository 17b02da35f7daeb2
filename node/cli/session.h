#pragma once
// What a command works with. Everything is opened when it is first asked for, so that a command pays only for what it
// needs; what cannot be opened says which exit code that is. For one thread.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "node/carrier.h"
#include "node/carrier_row.h"
#include "node/cli/exit_code.h"
#include "node/config.h"
#include "node/home.h"
#include "node/output/output.h"
#include "node/secrets.h"
#include "sync/replica.h"

namespace bae::node {

class Session {
  public:
    Session(Output& out, Config config, Environment variables);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // In place of BAE_PASSPHRASE_FILE and the terminal; before the secrets are opened.
    void ask_passphrase_with(AskPassphrase ask) { ask_passphrase_ = std::move(ask); }
    // How the settings are read again, with the flags of this process.
    void read_settings_with(std::function<Result<Config>()> read) { read_settings_ = std::move(read); }
    Result<Config> read_settings() const { return read_settings_(); }
    void close();  // what was opened is opened again when it is asked for

    Output& out() { return out_; }
    const Config& config() const { return config_; }
    Environment environment() const { return environment_; }
    Result<HomePaths> paths() const;

    Result<HomeRecord> record();         // exit code no_library
    Result<sync::Database*> database();  // locked, upgrade_needed
    Result<Secrets*> secrets();          // wrong_key; of this home, with or without a library
    Result<sync::Replica*> replica();
    Result<std::optional<CarrierRow>> carrier_row();
    Result<std::string> carrier_url();  // empty: none in use
    // After an edit: says what is to be done where no carrier makes people sync.
    Result<ExitCode> remark_unsealed();
    Result<Carrier*> carrier();       // not_found says how to choose one; denied: no credentials of it are kept
    Result<void> remember_carrier();  // what the carrier in use has learnt of its server
    // Of an S3 bucket, given now: from the environment, else asked for; absent: nothing was answered, which is fine if
    // some are `kept`. usage, or denied: there is no terminal.
    Result<std::optional<s3::S3Credentials>> given_credentials(const s3::S3Place& place, bool kept = false);
    // For any other: the settings and limits of this process. The carrier must not outlive the session.
    CarrierOptions carrier_options();

    // An error that ends the process with this code.
    tl::unexpected<Error> refuse(ExitCode code, Error error);
    tl::unexpected<Error> usage(std::string message) {
        return refuse(ExitCode::usage, Error{ErrorKind::invalid_input, std::move(message)});
    }
    ExitCode exit_code_of(const Error& error) const;

  private:
    struct Opened;
    Result<void> open_replica();
    Result<void> check_device(Secrets& secrets);          // are these keys this home's?
    Result<void> become(const crypto::DeviceKeys& keys);  // a copied installation goes on as a new device
    Result<void> put_record(const crypto::DeviceId& device);
    void say_waiting(const Error& error, int attempt, int64_t delay_ms);  // from any thread
    Output& out_;
    Config config_;
    Environment environment_;
    AskPassphrase ask_passphrase_;
    std::function<Result<Config>()> read_settings_;
    std::optional<ExitCode> refusal_;
    s3::RateLimit upload_limit_, download_limit_;
    std::atomic<int64_t> said_waiting_ms_ = 0;
    std::unique_ptr<Opened> opened_;
};

// Asks for the passphrase of this home: BAE_PASSPHRASE_FILE, else the terminal.
AskPassphrase passphrase_of(Environment environment);

}  // namespace bae::node
