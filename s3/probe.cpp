#include "s3/probe.h"

#include <algorithm>
#include <cstdlib>

namespace bae::s3 {
namespace {

using Level = ProbeFinding::Level;

constexpr size_t kRandomBytes = 8;  // in the name
constexpr size_t kBodyBytes = 3000;
constexpr size_t kRacers = 6;
constexpr int kAsked = 3;
constexpr int64_t kSecond_ms = 1000, kMinute_ms = 60 * kSecond_ms;
constexpr int64_t kLongestProbe_ms = 60 * kMinute_ms;
constexpr int64_t kClockNote_ms = kMinute_ms, kClockRefused_ms = 15 * kMinute_ms;

std::string duration_text(int64_t ms) {
    const auto rounded = [ms](int64_t unit_ms) { return std::to_string((ms + unit_ms / 2) / unit_ms); };
    if (ms < 2 * kMinute_ms) return rounded(kSecond_ms) + " s";
    return ms < 120 * kMinute_ms ? rounded(kMinute_ms) + " min" : rounded(60 * kMinute_ms) + " h";
}

// A path that some probe has made.
bool is_probes(std::string_view path) {
    if (!path.starts_with(kProbePrefix)) return false;
    path.remove_prefix(kProbePrefix.size());
    const std::string_view random = path.substr(0, 2 * kRandomBytes);
    path.remove_prefix(random.size());
    return random.size() == 2 * kRandomBytes && hex_decode(random) && path.size() > 1 && path.front() == '-' &&
           path.find('/') == path.npos;
}

// Its path is its own, so that no other bytes ever go there: it may be sent in parts.
class LargeBody : public MemoryBody {
  public:
    using MemoryBody::MemoryBody;
    bool content_addressed() const override { return true; }
};

// One run. A step that the storage answers wrongly, or refuses, is a finding; what passes by itself (retry, cancelled)
// ends the run with that error.
class Probe {
  public:
    Probe(Bucket& bucket, const ProbeOptions& options)
        : bucket_(bucket), s3_(dynamic_cast<S3Bucket*>(&bucket)), options_(options) {
        Bytes random(kRandomBytes);
        options_.random.fill(random);
        base_ = std::string(kProbePrefix) + hex_encode(random);
    }

    Result<ProbeReport> run() {
        Result<void> ran = steps();
        const bool removed = remove_all();
        if (ran && !report_.read_only) remove_leftovers();
        if (ran) return std::move(report_);
        if (!removed) ran.error().message += "; objects of the probe stay there, " + stay();
        return tl::unexpected<Error>(ran.error());
    }

  private:
    Result<void> steps() {
        const Result<ListPage> first = bucket_.list(base_, "", 1);
        if (!first && first.error().kind != ErrorKind::denied) return tl::unexpected<Error>(first.error());
        const Bytes body = random_body(kBodyBytes);
        const std::string path = made("a");
        const Result<void> written = bucket_.put(path, body);
        if (!written && written.error().kind == ErrorKind::denied) {
            made_.clear();
            if (!first) return tl::unexpected<Error>(first.error());
            return read_only(written.error());
        }
        if (!passed("write", written)) return passing_;
        add(Level::ok, "write", "objects can be written");
        TRY(read_back(path, body));
        if (!passed("list", first, "allow s3:ListBucket: a sync begins with a listing")) return passing_;
        TRY(listed(path, body.size()));
        TRY(missing());
        TRY(overwrite(path));
        TRY(create());
        TRY(large());
        clock();
        return versioning();
    }

    // What is there may be read all the same, if reading is allowed.
    Result<void> read_only(const Error& error) {
        report_.read_only = true;
        add(Level::note, "write", error.message,
            error.cause == Cause::no_space
                ? "changes can be received from here, but none are sent until there is room"
                : "changes can be received from here, but none are sent until the credentials may write "
                  "(s3:PutObject, s3:DeleteObject)");
        add(Level::ok, "list", "objects can be listed");
        TRY(missing());
        clock();
        return versioning();
    }

    Result<void> read_back(const std::string& path, ByteView body) {
        const auto whole = [&] { return bucket_.get(path, kBodyBytes); };
        const auto middle = [&] { return bucket_.get_range(path, 1000, 500); };
        const auto end = [&] { return bucket_.get_range(path, kBodyBytes - 100, 500); };
        expect("read", whole, body, "what was written is there at once");
        if (expect("range", middle, body.subspan(1000, 500), ""))
            expect("range", end, body.last(100), "parts of an object can be read");
        return passing_;
    }

    // One bad answer condemns no storage. True: nothing is wrong; what is found is said, if `good` is given.
    bool expect(const std::string& what, const std::function<Result<Bytes>()>& read, ByteView bytes,
                const std::string& good) {
        for (int asked = 1; asked <= kAsked; asked++) {
            const Result<Bytes> got = read();
            if (got ? !equal(*got, bytes) : got.error().kind == ErrorKind::corrupt) continue;
            if (!passed(what, got, "allow s3:GetObject")) return false;
            if (asked > 1)
                add(Level::note, what, "other bytes than were written came at first",
                    "what arrives is verified, and asked for again");
            else if (!good.empty())
                add(Level::ok, what, good);
            return asked == 1;
        }
        add(Level::problem, what, "other bytes come back than were written");
        return false;
    }

    // Servers do not tell those who may not list the bucket whether an object is there.
    Result<void> missing() {
        const Result<Bytes> got = bucket_.get(base_ + "-none", kBodyBytes);
        if (!got && got.error().kind == ErrorKind::not_found) {
            add(Level::ok, "missing", "what is not there is said not to be");
        } else if (!got && got.error().kind == ErrorKind::denied) {
            add(Level::problem, "missing", "an object that is not there is said to be forbidden",
                "allow s3:GetObject, and s3:ListBucket without a condition on the prefix");
        } else if (passed("missing", got)) {
            add(Level::problem, "missing", "an object that is not there has content");
        }
        return passing_;
    }

    Result<void> listed(const std::string& path, uint64_t size) {
        const Result<ListPage> page = bucket_.list(base_, "", 1000);
        if (!passed("list", page)) return passing_;
        const auto& objects = page->objects;
        const auto found =
            std::find_if(objects.begin(), objects.end(), [&](const ObjectInfo& info) { return info.path == path; });
        if (found == objects.end()) {
            add(Level::note, "list", "what was just written is not in the listing yet",
                "other devices see changes later, when the storage lists them");
        } else if (found->size != size) {
            add(Level::problem, "list", "the listing shows another size than was written");
        } else {
            add(Level::ok, "list", "what was written is in the listing at once");
            version_ = found->version;
        }
        return {};
    }

    // Heads are overwritten; that their version in the listing changes is how other devices notice.
    Result<void> overwrite(const std::string& path) {
        const Bytes other = random_body(kBodyBytes);
        if (!passed("overwrite", bucket_.put(path, other))) return passing_;
        const Result<Bytes> got = bucket_.get(path, kBodyBytes);
        if (!passed("overwrite", got)) return passing_;
        const Result<ListPage> page = bucket_.list(base_, "", 1000);
        if (!passed("overwrite", page)) return passing_;
        const bool same = std::any_of(page->objects.begin(), page->objects.end(), [&](const ObjectInfo& info) {
            return info.path == path && info.version == version_;
        });
        if (!equal(*got, other) || (same && !version_.empty()))
            add(Level::note, "overwrite", "after an object was replaced the old one is shown for a while",
                "other devices see changes later");
        else
            add(Level::ok, "overwrite", "a replaced object shows at once");
        return {};
    }

    Result<PutOutcome> create_at(const std::string& path, ByteView bytes) {
        return s3_ ? s3_->put_conditionally(path, bytes) : bucket_.put_if_absent(path, bytes);
    }

    Result<void> create() {
        std::string path;
        Result<PutOutcome> outcome = PutOutcome::exists;
        for (int asked = 1; asked <= kAsked && outcome && *outcome == PutOutcome::exists; asked++) {
            path = made("b" + std::to_string(asked));  // nobody has been there
            outcome = create_at(path, random_body(100));
        }
        if (outcome && *outcome == PutOutcome::exists) {
            add(Level::problem, "conditional_put", "of objects that are not there the server says they are");
            return {};
        }
        if (outcome) outcome = create_at(path, random_body(100));
        if (!outcome && outcome.error().kind == ErrorKind::unsupported) {
            add(Level::note, "conditional_put", "the server refuses \"only if absent\" (If-None-Match)", without());
            report_.conditional_put = ConditionalPut::refused;
            return {};
        }
        if (!passed("conditional_put", outcome)) return passing_;
        if (*outcome == PutOutcome::created) {
            add(Level::note, "conditional_put", "the server ignores \"only if absent\" (If-None-Match)", without());
            report_.conditional_put = ConditionalPut::ignored;
            return {};
        }
        add(Level::ok, "conditional_put", "an object that is there is not replaced",
            "a copied home is noticed at its first push, before it overwrites anything");
        report_.conditional_put = ConditionalPut::honoured;
        return race();
    }

    static std::string without() {
        return "bae looks before it writes instead, one request more per object; of two copies of one home one may "
               "overwrite what the other wrote, which all devices notice by comparing heads";
    }

    Result<void> race() {
        if (!options_.run_parallel || options_.race_rounds <= 0) return {};
        int several = 0, none = 0;
        for (int round = 0; round < options_.race_rounds; round++) {
            const size_t winners = TRY(race_once(made("race-" + std::to_string(round))));
            several += winners > 1 ? 1 : 0;
            none += winners == 0 ? 1 : 0;
        }
        const std::string rounds = std::to_string(options_.race_rounds);
        if (several > 0)
            add(Level::note, "race",
                "several of " + std::to_string(kRacers) + " racing creators won, in " + std::to_string(several) +
                    " of " + rounds + " rounds",
                "the condition is not atomic: " + without());
        else if (none > 0)
            add(Level::note, "race", "no racing creator won, in " + std::to_string(none) + " of " + rounds + " rounds",
                "what failed is tried again");
        else
            add(Level::ok, "race",
                "of " + std::to_string(kRacers) + " racing creators one won, in all of " + rounds + " rounds");
        return {};
    }

    Result<size_t> race_once(const std::string& path) {
        std::vector<Result<PutOutcome>> outcomes(kRacers, fail(ErrorKind::retry, ""));
        std::vector<Bytes> bodies;
        std::vector<std::function<void()>> tasks;
        for (size_t i = 0; i < kRacers; i++) bodies.push_back(random_body(100));
        for (size_t i = 0; i < kRacers; i++) tasks.push_back([&, i] { outcomes[i] = create_at(path, bodies[i]); });
        options_.run_parallel(std::move(tasks));
        size_t winners = 0;
        for (const Result<PutOutcome>& outcome : outcomes) {
            if (!outcome && outcome.error().kind == ErrorKind::cancelled) return tl::unexpected<Error>(outcome.error());
            winners += outcome && *outcome == PutOutcome::created ? 1 : 0;
        }
        return winners;
    }

    Result<void> large() {
        if (options_.large_bytes == 0) return {};
        const Bytes body = random_body(options_.large_bytes);
        const std::string path = made("large");
        LargeBody sent(body);
        if (passed("large", bucket_.put_if_absent(path, sent)))
            expect(
                "large", [&] { return bucket_.get(path, body.size()); }, body, "a large object arrives whole");
        return passing_;
    }

    void clock() {
        std::optional<int64_t> offset = s3_ ? s3_->clock_offset_ms() : std::nullopt;
        if (!s3_ && bucket_.clock_ms()) offset = *bucket_.clock_ms() - options_.now_ms();
        if (!offset) return;
        const int64_t off = std::abs(*offset);
        const std::string found = off < 2 * kSecond_ms ? "ours and the storage's agree"
                                                       : "ours is " + duration_text(off) + " " +
                                                             (*offset > 0 ? "behind" : "ahead of") + " the storage's";
        if (off < kClockNote_ms)
            add(Level::ok, "clock", found);
        else if (off < kClockRefused_ms)
            add(Level::note, "clock", found, "set this device's clock");
        else
            add(Level::note, "clock", found,
                "servers refuse requests dated more than 15 minutes off, so they are dated by the server's clock; set "
                "this device's, or its changes win or lose against others' wrongly");
    }

    Result<void> versioning() {
        if (!s3_) return {};
        const Result<Versioning> kept = s3_->versioning();
        if (!kept && kept.error().kind == ErrorKind::denied) {
            add(Level::ok, "versioning", "these credentials may not ask for it (s3:GetBucketVersioning)");
        } else if (!kept && kept.error().kind == ErrorKind::unsupported) {
            add(Level::ok, "versioning", "the server does not know it");
        } else if (!passed("versioning", kept)) {
            return passing_;
        } else if (*kept == Versioning::enabled) {
            add(Level::note, "versioning", "enabled: whatever is replaced or deleted stays, and is paid for",
                report_.conditional_put == ConditionalPut::ignored
                    ? "suspend it, and \"only if absent\" may be honoured; or set a lifecycle rule that removes "
                      "noncurrent versions after 30 days"
                    : "set a lifecycle rule that removes noncurrent versions after 30 days");
        } else {
            add(Level::ok, "versioning", *kept == Versioning::never ? "off" : "suspended");
        }
        return {};
    }

    // Best effort; also after an error. False: something stays.
    bool remove_all() {
        if (made_.empty()) return true;
        std::optional<Error> failed;
        for (const std::string& path : made_) {
            const Result<void> removed = bucket_.remove(path);
            if (!removed) failed = removed.error();
        }
        if (failed) {
            add(Level::note, "remove", failed->message,
                "objects of this probe stay, " + stay() + "; allow s3:DeleteObject, or nothing can be tidied up");
            return false;
        }
        const Result<ListPage> left = bucket_.list(base_, "", 1);
        if (!left) return true;  // said elsewhere
        if (left->objects.empty())
            add(Level::ok, "remove", "what is removed is gone");
        else
            add(Level::note, "remove", "what was removed is still listed");
        return true;
    }

    std::string stay() const { return base_ + "...: a probe in an hour removes them"; }

    // Of probes that were interrupted. Best effort: of a place that holds many the next probe removes more.
    void remove_leftovers() {
        const Result<ListPage> page = bucket_.list(kProbePrefix, "", 1000);
        if (!page) return;
        const int64_t now_ms = bucket_.clock_ms().value_or(options_.now_ms());
        int removed = 0;
        for (const ObjectInfo& info : page->objects) {
            const bool is_old = info.modified_ms != 0 && now_ms - info.modified_ms > kLongestProbe_ms;
            if (is_old && is_probes(info.path) && bucket_.remove(info.path)) removed++;
        }
        if (removed > 0)
            add(Level::ok, "leftovers", "objects that earlier probes left are removed: " + std::to_string(removed));
    }

    void add(Level level, std::string what, std::string found, std::string advice = {}) {
        report_.findings.push_back({level, std::move(what), std::move(found), std::move(advice)});
    }

    // False: it is a finding, or `passing_` is the error that ends the run.
    template <class T>
    bool passed(const std::string& what, const Result<T>& result, std::string advice = {}) {
        if (result) return true;
        const Error& error = result.error();
        if (error.kind == ErrorKind::retry || error.kind == ErrorKind::cancelled)
            passing_ = tl::unexpected<Error>(error);
        else
            add(Level::problem, what, error.message, std::move(advice));
        return false;
    }

    std::string made(const std::string& name) {
        made_.push_back(base_ + "-" + name);
        return made_.back();
    }
    Bytes random_body(size_t size) {
        Bytes body(size);
        options_.random.fill(body);
        return body;
    }

    Bucket& bucket_;
    S3Bucket* const s3_;
    const ProbeOptions& options_;
    std::string base_;
    std::vector<std::string> made_;
    std::string version_;
    ProbeReport report_;
    Result<void> passing_;
};

}  // namespace

bool ProbeReport::usable() const {
    return std::none_of(findings.begin(), findings.end(),
                        [](const ProbeFinding& finding) { return finding.level == Level::problem; });
}

Result<ProbeReport> probe(Bucket& bucket, const ProbeOptions& options) { return Probe(bucket, options).run(); }

}  // namespace bae::s3
