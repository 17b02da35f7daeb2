#include "s3/transport.h"

namespace bae::s3 {

TransportPool::Lease TransportPool::take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {*this, std::make_unique<Transport>(options_)};
    auto transport = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(transport)};
}

TransportPool::Lease::~Lease() {
    transport_->drop_all();
    const std::lock_guard lock(pool_.mutex_);
    pool_.idle_.push_back(std::move(transport_));
}

}  // namespace bae::s3
