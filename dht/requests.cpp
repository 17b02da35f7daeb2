#include "dht/requests.h"

#include <algorithm>

namespace bae::dht {

namespace {

constexpr size_t kNameBytes = 128;  // of a listing, about

bool fits_want(const Question& question, const Object& object) {
    const uint64_t there = object.size > question.offset ? object.size - question.offset : 0;
    return object.bytes.size() == std::min<uint64_t>(there, question.length);
}

bool fits_list(const Question& question, const Names& names) {
    return names.names.size() <= question.length && std::ranges::all_of(names.names, [&](const Name& name) {
               return name.path.starts_with(question.prefix) && name.path > question.after;
           });
}

}  // namespace

Question Question::of(const MessageBody& request) {
    Question out;
    out.type = type_of(request);
    if (const auto* want = std::get_if<Want>(&request)) {
        out.offset = want->offset;
        out.length = want->length;
    } else if (const auto* list = std::get_if<List>(&request)) {
        out.length = list->limit;
        out.prefix = list->prefix;
        out.after = list->after;
    }
    return out;
}

bool Question::fits(const MessageBody& answer) const {
    if (std::holds_alternative<Refused>(answer)) return true;
    if (const auto* object = std::get_if<Object>(&answer))
        return type == MessageType::want && fits_want(*this, *object);
    if (const auto* names = std::get_if<Names>(&answer)) return type == MessageType::list && fits_list(*this, *names);
    return type == MessageType::pair && std::holds_alternative<Pair>(answer);
}

size_t Question::answer_bytes() const {
    if (type == MessageType::want) return length;
    return type == MessageType::list ? length * kNameBytes : kMaxPairBytes;
}

RequestId OwnRequests::add(Question question, int64_t now_ms) {
    CHECK(!full());
    open_.emplace(++last_, Open{std::move(question), now_ms, false});
    return last_;
}

const Question* OwnRequests::find(RequestId id) const {
    const auto found = open_.find(id);
    return found != open_.end() ? &found->second.question : nullptr;
}

bool OwnRequests::take(RequestId id) {
    const auto found = open_.extract(id);
    CHECK(!found.empty());
    return !found.mapped().late;
}

int64_t OwnRequests::timeout_of(const Open& open, int64_t last_progress_ms) {
    return std::min(std::max(open.asked_ms, last_progress_ms) + kAnswerTimeout_ms, open.asked_ms + kAnswerLimit_ms);
}

std::vector<RequestId> OwnRequests::time_out(int64_t now_ms, int64_t last_progress_ms) {
    std::vector<RequestId> out;
    for (auto& [id, open] : open_) {
        if (open.late || now_ms < timeout_of(open, last_progress_ms)) continue;
        open.late = true;
        out.push_back(id);
    }
    return out;
}

std::optional<int64_t> OwnRequests::next_timeout_ms(int64_t last_progress_ms) const {
    std::optional<int64_t> out;
    for (const auto& [id, open] : open_)
        if (!open.late) out = std::min(out.value_or(INT64_MAX), timeout_of(open, last_progress_ms));
    return out;
}

std::vector<RequestId> OwnRequests::waiting() const {
    std::vector<RequestId> out;
    for (const auto& [id, open] : open_)
        if (!open.late) out.push_back(id);
    return out;
}

TheirRequests::Added TheirRequests::add(RequestId id, const MessageBody& request, ByteView message) {
    if (open_.contains(id)) return Added::id_in_use;
    if (open_.size() >= kMaxOpenRequests) return Added::too_many;
    open_.emplace(id, Open{Question::of(request), false});
    waiting_.push_back({id, to_bytes(message)});
    return Added::yes;
}

std::optional<Bytes> TheirRequests::next(size_t room) {
    if (waiting_.empty()) return std::nullopt;
    Open& open = open_.at(waiting_.front().id);
    if (promised_ > 0 && promised_ + open.question.answer_bytes() > room) return std::nullopt;
    if (promised_ == 0 && room == 0) return std::nullopt;
    open.working = true;
    promised_ += open.question.answer_bytes();
    Bytes out = std::move(waiting_.front().message);
    waiting_.pop_front();
    return out;
}

const Question* TheirRequests::working_on(RequestId id) const {
    const auto found = open_.find(id);
    return found != open_.end() && found->second.working ? &found->second.question : nullptr;
}

void TheirRequests::answered(RequestId id) {
    const auto found = open_.extract(id);
    CHECK(!found.empty() && found.mapped().working);
    promised_ -= found.mapped().question.answer_bytes();
}

}  // namespace bae::dht
