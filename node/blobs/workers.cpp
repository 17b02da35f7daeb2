#include "node/blobs/workers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace bae::node {
namespace {

class Crew {
  public:
    explicit Crew(const Work& work) : work_(work) {}

    void run() {
        const size_t threads = std::min(static_cast<size_t>(std::max(work_.threads, 1)), work_.count);
        running_ = threads;
        std::vector<std::thread> crew;
        for (size_t i = 0; i < threads; ++i) crew.emplace_back([this] { work(); });
        watch();
        for (std::thread& thread : crew) thread.join();
    }

  private:
    void work() {
        while (true) {
            size_t index = 0;
            {
                const std::lock_guard lock(mutex_);
                if (next_ == work_.count || (work_.stop && work_.stop())) break;
                index = next_++;
            }
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
            news_.wait_for(lock, std::chrono::milliseconds(100),
                           [this] { return !finished_.empty() || running_ == 0; });
            const std::vector<size_t> finished = std::exchange(finished_, {});
            lock.unlock();
            for (const size_t index : finished) {
                if (work_.done) work_.done(index);
            }
            if (work_.tick) work_.tick();
            lock.lock();
        }
    }

    const Work& work_;
    std::mutex mutex_;
    std::condition_variable news_;
    size_t next_ = 0, running_ = 0;
    std::vector<size_t> finished_;
};

}  // namespace

void run_work(const Work& work) {
    if (work.count > 0) Crew(work).run();
}

}  // namespace bae::node
