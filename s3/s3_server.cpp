#include "s3/s3_server.h"

#include <algorithm>

#include "s3/endpoint.h"
#include "s3/foreign_text.h"

namespace bae::s3 {

static constexpr std::string_view kFirstRegion = "us-east-1";  // most servers of others go by this name
static constexpr int kAnswersToGrow = 16;

S3Server::S3Server(const S3Place& place, ConditionalPut conditional_put, int parallel)
    : given_endpoint_(place.endpoint),
      widest_(parallel),
      place_(place),
      width_(parallel),
      conditional_put_(conditional_put) {}

S3Server::Target S3Server::target() const {
    const std::lock_guard lock(mutex_);
    return {host_of(place_), place_.region.empty() ? std::string(kFirstRegion) : place_.region};
}

std::string S3Server::region() const {
    const std::lock_guard lock(mutex_);
    return place_.region;
}

Result<void> S3Server::redirected(const Target& tried, const Verdict& verdict) {
    if (target() != tried) return {};  // another call has learnt it meanwhile
    const std::lock_guard lock(mutex_);
    if (!verdict.region.empty() && verdict.region != tried.region) {
        S3Place place = place_;
        place.region = verdict.region;
        return follow(std::move(place), verdict);
    }
    if (verdict.endpoint.empty()) return fail(ErrorKind::denied, verdict.error.message);
    if (!is_same_server(verdict.endpoint))
        return fail(ErrorKind::denied, "the server sends us to another, " + shown(verdict.endpoint) +
                                           ": if that is right, name it as the bucket's endpoint");
    return follow(moved_to(verdict.endpoint), verdict);
}

// A region may be one and yet make no host name of AWS.
Result<void> S3Server::follow(S3Place place, const Verdict& verdict) {
    if (!is_authority(host_of(place).host)) return fail(ErrorKind::denied, verdict.error.message);
    place_ = std::move(place);
    return {};
}

// Signed requests and sealed objects go to no host but the one that was named, or one below it.
bool S3Server::is_same_server(std::string_view endpoint) const {
    if (!is_authority(endpoint)) return false;
    if (given_endpoint_.empty()) {
        const std::string_view host = endpoint.substr(0, endpoint.find(':'));
        return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    }
    const size_t host_at = given_endpoint_.find("://") + 3;
    const std::string given = given_endpoint_.substr(host_at);
    const std::string scheme = given_endpoint_.substr(0, host_at);
    if (scheme == "http://" && !is_loopback(authority_of(scheme + std::string(endpoint)))) return false;
    return endpoint == given || endpoint.ends_with("." + given);
}

S3Place S3Server::moved_to(std::string_view endpoint) const {
    S3Place place = place_;
    const std::string below = place.bucket + ".";
    if (endpoint.starts_with(below)) {
        endpoint.remove_prefix(below.size());
        place.style = S3Place::Style::virtual_host;
    }
    const std::string scheme = given_endpoint_.starts_with("http://") ? "http://" : "https://";
    place.endpoint = scheme + std::string(endpoint);
    return place;
}

void S3Server::saw_date(int64_t server_ms, int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    date_ms_ = server_ms;
    offset_ms_ = server_ms - now_ms;
}

std::optional<int64_t> S3Server::clock_ms() const {
    const std::lock_guard lock(mutex_);
    return date_ms_;
}

std::optional<int64_t> S3Server::offset_ms() const {
    const std::lock_guard lock(mutex_);
    return offset_ms_;
}

void S3Server::correct_clock() {
    const std::lock_guard lock(mutex_);
    correction_ms_ = offset_ms_.value_or(0);
}

int64_t S3Server::signing_ms(int64_t now_ms) const {
    const std::lock_guard lock(mutex_);
    return std::max<int64_t>(0, now_ms + correction_ms_);
}

int S3Server::width() const {
    const std::lock_guard lock(mutex_);
    return width_;
}

void S3Server::saw_answer(bool slow_down) {
    const std::lock_guard lock(mutex_);
    if (slow_down) {
        width_ = std::max(1, width_ / 2);
        good_answers_ = 0;
    } else if (width_ < widest_ && ++good_answers_ == kAnswersToGrow) {
        width_++;
        good_answers_ = 0;
    }
}

ConditionalPut S3Server::conditional_put() const {
    const std::lock_guard lock(mutex_);
    return conditional_put_;
}

void S3Server::set_conditional_put(ConditionalPut what) {
    const std::lock_guard lock(mutex_);
    conditional_put_ = what;
}

CallCounts S3Server::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

void S3Server::count(const CallCounts& more) {
    const std::lock_guard lock(mutex_);
    counts_.get += more.get;
    counts_.put += more.put;
    counts_.list += more.list;
    counts_.remove += more.remove;
    counts_.stat += more.stat;
    counts_.bytes_sent += more.bytes_sent;
    counts_.bytes_received += more.bytes_received;
}

}  // namespace bae::s3
