#pragma once
// What a client knows of its server, and what it has learnt since: region and host, clock, how much it can take.
// Private to s3; safe for several threads.
#include <mutex>
#include <optional>

#include "s3/fault_bucket.h"
#include "s3/s3_answer.h"
#include "s3/s3_bucket.h"

namespace bae::s3 {

class S3Server {
  public:
    S3Server(const S3Place& place, ConditionalPut conditional_put, int parallel);

    // Where a request goes and what it is signed for.
    struct Target {
        S3Host host;
        std::string region;
        bool operator==(const Target&) const = default;
    };
    Target target() const;
    std::string region() const;  // empty: not known
    // An answer sent `tried` elsewhere. denied: there is nowhere to go that is known to be the same server.
    Result<void> redirected(const Target& tried, const Verdict& verdict);

    void saw_date(int64_t server_ms, int64_t now_ms);
    std::optional<int64_t> clock_ms() const;   // as of the newest answer
    std::optional<int64_t> offset_ms() const;  // the server's clock less ours, then
    void correct_clock();                      // from now on signatures follow the server's clock
    int64_t signing_ms(int64_t now_ms) const;

    // Halves with every request to slow down, grows by one after a while without.
    int width() const;
    void saw_answer(bool slow_down);

    ConditionalPut conditional_put() const;
    void set_conditional_put(ConditionalPut what);

    CallCounts counts() const;
    void count(const CallCounts& more);

  private:
    bool is_same_server(std::string_view endpoint) const;
    S3Place moved_to(std::string_view endpoint) const;
    Result<void> follow(S3Place place, const Verdict& verdict);

    const std::string given_endpoint_;
    const int widest_;
    mutable std::mutex mutex_;
    S3Place place_;  // as learnt
    std::optional<int64_t> date_ms_, offset_ms_;
    int64_t correction_ms_ = 0;
    int width_;
    int good_answers_ = 0;
    ConditionalPut conditional_put_;
    CallCounts counts_;
};

}  // namespace bae::s3
