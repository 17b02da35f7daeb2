#pragma once
// What the indices of a Work (workers.h) stand for: added on the calling thread while workers are at earlier ones, and
// dropped when done, so that a long queue is never in memory as a whole. Safe for several threads.
#include <memory>
#include <mutex>
#include <vector>

#include "crypto/base/result.h"

namespace bae::node {

template <class Task>
class Tasks {
  public:
    void add(Task task) {
        auto added = std::make_unique<Task>(std::move(task));
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(added));
    }
    // Stays where it is until it is dropped.
    Task& at(size_t index) {
        const std::lock_guard lock(mutex_);
        CHECK(index < tasks_.size() && tasks_[index]);
        return *tasks_[index];
    }
    void drop(size_t index) {
        const std::lock_guard lock(mutex_);
        tasks_[index].reset();
    }

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Task>> tasks_;
};

}  // namespace bae::node
