#pragma once
// Tells a carrier that is in trouble from files that are: an error of one file is that file's alone until several files
// in a row fare no better. Then going on would only repeat it. Safe for several threads.
#include <mutex>
#include <optional>

#include "crypto/base/result.h"

namespace bae::node {

class CarrierHealth {
  public:
    static constexpr int kUnreachableAfter = 3;  // files in a row that ended with `retry`, each after its retries
    static constexpr int kUselessAfter = 16;     // files in a row that ended with any error of the carrier

    void succeeded();
    // Of one file, as the carrier said it. cancelled, and no space left, are at once about all of them.
    void failed(const Error& error);
    // Not empty: no further file is to be begun, and this is why.
    std::optional<Error> verdict() const;

  private:
    mutable std::mutex mutex_;
    int failures_ = 0, unreached_ = 0;  // in a row
    std::optional<Error> verdict_;
};

}  // namespace bae::node
