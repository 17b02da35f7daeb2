#pragma once
// HTTP/1.1 over libcurl, which no other file knows: transfers side by side on the calling thread, over connections that
// are kept for the next. It signs nothing, follows nothing and repeats nothing.
//
// Server certificates are verified against `ca_file` or the system's authorities, TLS 1.2 at least. Proxies are
// the environment's (https_proxy, no_proxy), but loopback is never reached through one. Names are resolved on a thread
// of libcurl's.
#include <memory>
#include <mutex>
#include <vector>

#include "s3/rate_limit.h"
#include "s3/transfer.h"

namespace bae::s3 {

struct TransportOptions {
    std::string ca_file;  // PEM; empty: the system's
    int64_t connect_timeout_ms = 15'000;
    // Less than 1 KiB moves in both directions together, and nothing ends; waiting for a limit does not count. The
    // answer to a POST may come byte by byte for 20 such times: servers tell so that they are at work.
    int64_t stall_timeout_ms = 30'000;
    RateLimit* upload_limit = nullptr;
    RateLimit* download_limit = nullptr;
};

int64_t steady_ms();  // a clock that only goes forward

// Belongs to one thread at a time.
class Transport {
  public:
    explicit Transport(const TransportOptions& options);
    ~Transport();  // transfers under way are dropped
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // `transfer` must stay where it is, and what its body views as well, until wait() hands it back or drop_all().
    void start(Transfer& transfer);
    // Those that have ended, after at most `timeout_ms`; perhaps none.
    std::vector<Transfer*> wait(int64_t timeout_ms);
    void drop_all();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Idle transports with their open connections. The one used last is handed out first, so that few stay warm rather
// than many grow cold. Safe for several threads.
class TransportPool {
  public:
    explicit TransportPool(TransportOptions options) : options_(std::move(options)) {}

    class Lease {
      public:
        Lease(TransportPool& pool, std::unique_ptr<Transport> transport)
            : pool_(pool), transport_(std::move(transport)) {}
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Transport* operator->() { return transport_.get(); }

      private:
        TransportPool& pool_;
        std::unique_ptr<Transport> transport_;
    };
    Lease take();

  private:
    const TransportOptions options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Transport>> idle_;
};

}  // namespace bae::s3
