#include "s3/fault_bucket.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <random>

namespace bae::s3 {
namespace {

constexpr size_t kKeptVersions = 8;

// What one call meets. All of it is drawn for every call, whatever its kind and the rates, so that a seed means the
// same sequence when a test changes either.
struct Draw {
    double refuse, denied, lose_answer, cut, old_body, truncated_body, flipped_body, missing, old_list, truncated_list;
    uint64_t where;  // which version, byte, bit or object
    double delay;
};

Error transient(std::string_view path, std::string_view what) {
    return {ErrorKind::retry, std::string(path) + ": " + std::string(what)};
}

// The first half of an upload; then the connection is gone.
class CutBody : public Body {
  public:
    CutBody(Body& inner, std::string_view path) : inner_(inner), path_(path) {}
    uint64_t size() const override { return inner_.size(); }
    bool content_addressed() const override { return inner_.content_addressed(); }
    Result<void> read(uint64_t offset, ByteSpan out) override {
        const uint64_t half = size() / 2;
        if (offset + out.size() <= half) return inner_.read(offset, out);
        if (offset < half) TRY(inner_.read(offset, out.first(half - offset)));
        return tl::unexpected(transient(path_, "connection cut in the middle of the upload"));
    }

  private:
    Body& inner_;
    std::string_view path_;
};

class Faulty : public FaultBucket {
  public:
    Faulty(Bucket& inner, uint64_t seed, FaultRates rates, std::function<void(int64_t)> on_delay)
        : inner_(inner), on_delay_(std::move(on_delay)), random_(seed), rates_(rates) {}

    Result<Bytes> get(std::string_view path, uint64_t max_bytes) override {
        return read_body(
            path, [&] { return inner_.get(path, max_bytes); }, true,
            [&](const Bytes& old) { return old.size() <= max_bytes ? std::optional(old) : std::nullopt; });
    }

    Result<Bytes> get_range(std::string_view path, uint64_t offset, uint64_t length) override {
        return read_body(
            path, [&] { return inner_.get_range(path, offset, length); }, false,
            [&](const Bytes& old) -> std::optional<Bytes> {
                if (offset > old.size()) return std::nullopt;
                const uint64_t size = std::min<uint64_t>(length, old.size() - offset);
                return to_bytes(ByteView(old).subspan(offset, size));
            });
    }

    Result<PutOutcome> put_if_absent(std::string_view path, Body& body) override {
        return write<PutOutcome>(path, body, [&](Body& sent) { return inner_.put_if_absent(path, sent); });
    }

    Result<void> put(std::string_view path, Body& body) override {
        return write<void>(path, body, [&](Body& sent) -> Result<void> {
            auto old = inner_.get(path, UINT64_MAX);
            TRY(inner_.put(path, sent));
            if (old) keep(old_bodies_, std::string(path), std::move(*old));
            return {};
        });
    }

    Result<ListPage> list(std::string_view prefix, std::string_view after, size_t limit) override {
        const Draw draw = TRY(begin_read(prefix));
        const ListPage now = TRY(inner_.list(prefix, after, limit));
        const std::string asked = std::string(prefix) + '\n' + std::string(after) + '\n' + std::to_string(limit);
        const auto old = earlier_page(asked, now, draw.where);
        if (hit(draw.old_list, &FaultRates::old_list, old.has_value())) return *old;
        ListPage page = now;
        if (hit(draw.truncated_list, &FaultRates::truncated_list, !page.objects.empty())) {
            page.objects.resize(draw.where % page.objects.size());
            page.truncated = false;
        }
        return page;
    }

    Result<void> remove(std::string_view path) override {
        const Draw draw = TRY(begin(path));
        if (hit(draw.lose_answer, &FaultRates::lose_answer)) {
            TRY(inner_.remove(path));
            return tl::unexpected(transient(path, "removed, but the answer was lost"));
        }
        if (hit(draw.cut, &FaultRates::cut)) return tl::unexpected(transient(path, "connection cut"));
        return inner_.remove(path);
    }

    Result<ObjectInfo> stat(std::string_view path) override {
        const Draw draw = TRY(begin_read(path));
        if (hit(draw.missing, &FaultRates::missing))
            return fail(ErrorKind::not_found, std::string(path) + " is missing");
        return inner_.stat(path);
    }

    std::optional<int64_t> clock_ms() const override { return inner_.clock_ms(); }
    std::string describe() const override { return inner_.describe(); }

    void set_rates(const FaultRates& rates) override {
        const std::lock_guard lock(mutex_);
        rates_ = rates;
    }
    void fail_next(Error error, int count) override {
        const std::lock_guard lock(mutex_);
        next_error_ = std::move(error);
        next_failures_ = count;
    }
    uint64_t calls() const override {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    uint64_t faults() const override {
        const std::lock_guard lock(mutex_);
        return faults_;
    }

  private:
    template <class Kept>
    using History = std::map<std::string, std::vector<Kept>>;

    // Counts the call, draws its fate, delays it, and refuses it if that is the fate.
    Result<Draw> begin(std::string_view path) {
        int64_t delay_ms = 0;
        const auto [drawn, ordered] = start(delay_ms);
        if (delay_ms > 0 && on_delay_) on_delay_(delay_ms);
        if (ordered) return tl::unexpected(*ordered);
        if (hit(drawn.refuse, &FaultRates::refuse)) return tl::unexpected(transient(path, "refused by the storage"));
        if (hit(drawn.denied, &FaultRates::denied))
            return fail(ErrorKind::denied, std::string(path) + ": access denied");
        return drawn;
    }

    Result<Draw> begin_read(std::string_view path) {
        const Draw drawn = TRY(begin(path));
        if (hit(drawn.cut, &FaultRates::cut))
            return tl::unexpected(transient(path, "connection cut in the middle of the answer"));
        return drawn;
    }

    std::pair<Draw, std::optional<Error>> start(int64_t& delay_ms) {
        const std::lock_guard lock(mutex_);
        calls_++;
        const Draw drawn = draw();
        delay_ms = static_cast<int64_t>(drawn.delay * static_cast<double>(rates_.max_delay_ms + 1));
        if (next_failures_ <= 0) return {drawn, std::nullopt};
        next_failures_--;
        faults_++;
        return {drawn, next_error_};
    }

    Draw draw() {
        Draw d{};
        for (double Draw::*rate :
             {&Draw::refuse, &Draw::denied, &Draw::lose_answer, &Draw::cut, &Draw::old_body, &Draw::truncated_body,
              &Draw::flipped_body, &Draw::missing, &Draw::old_list, &Draw::truncated_list, &Draw::delay})
            d.*rate = unit();
        d.where = random_();
        return d;
    }

    // [0, 1), the same on every platform, unlike std::uniform_real_distribution.
    double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

    // Whether a fault strikes; `possible`: there is something to spoil.
    bool hit(double drawn, double FaultRates::*rate, bool possible = true) {
        const std::lock_guard lock(mutex_);
        if (!possible || drawn >= rates_.*rate) return false;
        faults_++;
        return true;
    }

    template <class Read, class FromOld>
    Result<Bytes> read_body(std::string_view path, Read read, bool may_truncate, FromOld from_old) {
        const Draw draw = TRY(begin_read(path));
        if (const auto old = earlier_body(path, draw.where)) {
            const auto part = from_old(*old);
            if (hit(draw.old_body, &FaultRates::old_body, part.has_value())) return *part;
        }
        Bytes bytes = TRY(read());
        if (hit(draw.missing, &FaultRates::missing))
            return fail(ErrorKind::not_found, std::string(path) + " is missing");
        const size_t size = bytes.size();
        if (may_truncate && hit(draw.truncated_body, &FaultRates::truncated_body, size > 0)) {
            bytes.resize(draw.where % size);
        } else if (hit(draw.flipped_body, &FaultRates::flipped_body, size > 0)) {
            const uint64_t bit = draw.where % (8 * size);
            bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        }
        return bytes;
    }

    template <class T, class Apply>
    Result<T> write(std::string_view path, Body& body, Apply apply) {
        const Draw draw = TRY(begin(path));
        if (hit(draw.lose_answer, &FaultRates::lose_answer)) {
            TRY(apply(body));
            return tl::unexpected(transient(path, "stored, but the answer was lost"));
        }
        if (hit(draw.cut, &FaultRates::cut)) {
            CutBody half(body, path);
            TRY(apply(half));
            return tl::unexpected(transient(path, "connection cut"));
        }
        return apply(body);
    }

    template <class Kept>
    void keep(History<Kept>& history, const std::string& name, Kept kept) {
        const std::lock_guard lock(mutex_);
        auto& versions = history[name];
        versions.push_back(std::move(kept));
        if (versions.size() > kKeptVersions) versions.erase(versions.begin());
    }

    std::optional<Bytes> earlier_body(std::string_view path, uint64_t which) const {
        const std::lock_guard lock(mutex_);
        const auto at = old_bodies_.find(std::string(path));
        if (at == old_bodies_.end()) return std::nullopt;
        return at->second[which % at->second.size()];
    }

    // An answer to the same question that is no longer true, if there was one; remembers today's.
    std::optional<ListPage> earlier_page(const std::string& asked, const ListPage& now, uint64_t which) {
        const std::lock_guard lock(mutex_);
        auto& pages = old_pages_[asked];
        const auto is_now = [&](const ListPage& page) {
            return page.objects == now.objects && page.truncated == now.truncated;
        };
        pages.erase(std::remove_if(pages.begin(), pages.end(), is_now), pages.end());
        auto old = pages.empty() ? std::nullopt : std::optional(pages[which % pages.size()]);
        pages.push_back(now);
        if (pages.size() > kKeptVersions) pages.erase(pages.begin());
        return old;
    }

    Bucket& inner_;
    const std::function<void(int64_t)> on_delay_;
    mutable std::mutex mutex_;
    std::mt19937_64 random_;
    FaultRates rates_;
    Error next_error_;
    int next_failures_ = 0;
    uint64_t calls_ = 0;
    uint64_t faults_ = 0;
    History<Bytes> old_bodies_;
    History<ListPage> old_pages_;
};

}  // namespace

std::unique_ptr<FaultBucket> make_fault_bucket(Bucket& inner, uint64_t seed, FaultRates rates,
                                               std::function<void(int64_t)> on_delay) {
    return std::make_unique<Faulty>(inner, seed, rates, std::move(on_delay));
}

}  // namespace bae::s3
