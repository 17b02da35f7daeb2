#include "node/blobs/carrier_health.h"

namespace bae::node {

void CarrierHealth::succeeded() {
    const std::lock_guard lock(mutex_);
    failures_ = unreached_ = 0;
}

void CarrierHealth::failed(const Error& error) {
    const std::lock_guard lock(mutex_);
    ++failures_;
    unreached_ = error.kind == ErrorKind::retry ? unreached_ + 1 : 0;
    const bool at_once = error.kind == ErrorKind::cancelled || error.cause == Cause::no_space;
    if (!verdict_ && (at_once || unreached_ >= kUnreachableAfter || failures_ >= kUselessAfter)) verdict_ = error;
}

std::optional<Error> CarrierHealth::verdict() const {
    const std::lock_guard lock(mutex_);
    return verdict_;
}

}  // namespace bae::node
