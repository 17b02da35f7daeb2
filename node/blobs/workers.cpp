#include "node/blobs/workers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace bae::node {
namespace {

constexpr auto kTickEvery = std::chrono::milliseconds(100);

class Crew {
  public:
    explicit Crew(const Work& work) : work_(work), count_(work.count), complete_(!work.more) {}

    void run() {
        supply();
        if (count_ == 0) return;
        const size_t wanted = static_cast<size_t>(std::max(work_.threads, 1));
        const size_t threads = complete_ ? std::min(wanted, count_) : wanted;
        running_ = threads;
        std::vector<std::thread> crew;
        for (size_t i = 0; i < threads; ++i) crew.emplace_back([this] { work(); });
        watch();
        for (std::thread& thread : crew) thread.join();
    }

  private:
    bool stopped() const { return work_.stop && work_.stop(); }
    bool runs_low() const { return !complete_ && count_ - next_ <= static_cast<size_t>(std::max(work_.threads, 1)); }

    // On the calling thread, unlocked: nobody else changes count_ and complete_.
    void supply() {
        while (runs_low_now()) {
            const size_t added = stopped() ? 0 : work_.more();
            const std::lock_guard lock(mutex_);
            count_ += added;
            complete_ = added == 0;
            supplied_.notify_all();
        }
    }
    bool runs_low_now() {
        const std::lock_guard lock(mutex_);
        return runs_low();
    }

    // False: there is no more to begin.
    bool take(size_t& index) {
        std::unique_lock lock(mutex_);
        supplied_.wait(lock, [this] { return next_ < count_ || complete_; });
        if (next_ == count_ || stopped()) return false;
        index = next_++;
        if (runs_low()) news_.notify_one();
        return true;
    }

    void work() {
        for (size_t index = 0; take(index);) {
            work_.run(index);
            const std::lock_guard lock(mutex_);
            finished_.push_back(index);
            news_.notify_one();
        }
        const std::lock_guard lock(mutex_);
        --running_;
        news_.notify_one();
    }

    void watch() {
        std::unique_lock lock(mutex_);
        while (running_ > 0 || !finished_.empty()) {
            news_.wait_for(lock, kTickEvery, [this] { return !finished_.empty() || running_ == 0 || runs_low(); });
            const std::vector<size_t> finished = std::exchange(finished_, {});
            lock.unlock();
            supply();
            for (const size_t index : finished) {
                if (work_.done) work_.done(index);
            }
            if (work_.tick) work_.tick();
            lock.lock();
        }
    }

    const Work& work_;
    std::mutex mutex_;
    std::condition_variable news_, supplied_;
    size_t next_ = 0, count_;
    bool complete_;  // count_ is final
    size_t running_ = 0;
    std::vector<size_t> finished_;
};

}  // namespace

void run_work(const Work& work) { Crew(work).run(); }

}  // namespace bae::node
