#pragma once
// Private to this folder. Questions and their answers, both ways: what this end has asked and what it was asked.
#include <deque>
#include <map>
#include <optional>

#include "dht/messages.h"

namespace bae::dht {

constexpr size_t kMaxOpenRequests = 64;  // each way; whoever has more open breaks the protocol

// What an answer has to fit to.
struct Question {
    MessageType type = MessageType::want;
    uint64_t offset = 0;
    uint32_t length = 0;  // of a want; the limit of a list
    std::string prefix;
    std::string after;
    static Question of(const MessageBody& request);
    // An object's bytes are exactly those wanted that exist; names are within the prefix and after the name, and not
    // more than asked for; `refused` fits to everything.
    bool fits(const MessageBody& answer) const;
    size_t answer_bytes() const;  // about how much the answer may need in memory
};

// What this end asked. A request that ran out of time keeps its place until its answer comes after all, because the
// other end still works on it.
class OwnRequests {
  public:
    bool full() const { return open_.size() >= kMaxOpenRequests; }
    RequestId add(Question question, int64_t now_ms);
    const Question* find(RequestId id) const;  // null: never asked, or answered already
    bool take(RequestId id);                   // of one that find() knows; false if its time was over
    // Ids that ran out of time, once each: nothing has come for kAnswerTimeout, or it took longer than kAnswerLimit.
    std::vector<RequestId> time_out(int64_t now_ms, int64_t last_progress_ms);
    std::optional<int64_t> next_timeout_ms(int64_t last_progress_ms) const;
    std::vector<RequestId> waiting() const;  // without those that ran out of time

    static constexpr int64_t kAnswerTimeout_ms = 30'000;
    static constexpr int64_t kAnswerLimit_ms = 300'000;

  private:
    struct Open {
        Question question;
        int64_t asked_ms = 0;
        bool late = false;
    };
    static int64_t timeout_of(const Open& open, int64_t last_progress_ms);
    std::map<RequestId, Open> open_;
    RequestId last_ = 0;
};

// What this end was asked. Requests wait here, as they came, while the answers under way are as many bytes as this end
// is willing to hold.
class TheirRequests {
  public:
    enum class Added { yes, too_many, id_in_use };
    Added add(RequestId id, const MessageBody& request, ByteView message);
    // The next one to work on, if its answer fits into `room` bytes beside those of the requests being worked on (one
    // is always let through where there are none).
    std::optional<Bytes> next(size_t room);
    const Question* working_on(RequestId id) const;
    void answered(RequestId id);
    size_t open() const { return open_.size(); }

  private:
    struct Open {
        Question question;
        bool working = false;
    };
    struct Waiting {
        RequestId id;
        Bytes message;
    };
    std::map<RequestId, Open> open_;
    std::deque<Waiting> waiting_;
    size_t promised_ = 0;  // bytes of answers being worked on
};

}  // namespace bae::dht
