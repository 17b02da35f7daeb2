#include "s3/s3_list.h"

#include <algorithm>

#include "s3/s3_object.h"

namespace bae::s3 {
namespace {

constexpr int kPagesWithoutKeys = 1000;
constexpr int kPagesWithoutOurs = 10'000;
constexpr size_t kWholePage = 1000;
constexpr size_t kMaxAfter = 513;  // one more than a path has: what follows decides nothing

// A text of printable ASCII that sorts among our paths as `after` does: servers refuse other bytes.
std::string sendable(std::string_view after) {
    after = after.substr(0, kMaxAfter);
    const auto odd = std::find_if(after.begin(), after.end(), [](char c) { return c <= ' ' || c > '~'; });
    std::string out(after.begin(), odd);
    // '!' is before, '~' behind every byte of a path. Bytes above 127 are negative where char is signed.
    if (odd != after.end()) out += static_cast<unsigned char>(*odd) <= ' ' ? '!' : '~';
    return out;
}

class Listing {
  public:
    Listing(S3Requests& requests, std::string_view prefix, std::string_view after, size_t limit)
        : requests_(requests), prefix_(prefix), after_(after), limit_(limit) {}

    Result<ListPage> read() {
        int without_keys = 0, without_ours = 0;
        while (without_keys < kPagesWithoutKeys) {
            const ListAnswer answer = TRY(page());
            const size_t before = objects_.size();
            TRY(take(answer));
            if (!answer.truncated || objects_.size() > limit_) return result(false);
            if (objects_.size() == limit_) return result(true);
            without_keys = answer.keys.empty() ? without_keys + 1 : 0;
            TRY(advance(answer));
            without_ours = objects_.size() == before ? without_ours + 1 : 0;
            if (without_ours > 0) ask_ = kWholePage;  // foreign keys
            if (without_ours == kPagesWithoutOurs) return too_foreign();
        }
        return does_not_end();
    }

  private:
    Result<ListAnswer> page() {
        S3Request request{.kind = S3Request::Kind::list, .max_body = kMaxXmlBytes};
        request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", std::to_string(ask_)}};
        const std::string keys = requests_.key_of(prefix_);
        if (!keys.empty()) request.query.emplace_back("prefix", keys);
        if (!after_.empty()) request.query.emplace_back("start-after", requests_.key_of(sendable(after_)));
        if (!token_.empty()) request.query.emplace_back("continuation-token", token_);
        const S3Reply reply = TRY(requests_.send(std::move(request)));
        if (!reply.is_done()) return refusal(requests_, reply, "");
        return TRY_CONTEXT(parse_list(reply.answer.body), "listing of " + url_of(requests_.options().place));
    }

    Result<void> take(const ListAnswer& answer) {
        const std::string above = requests_.key_of("");
        for (const ListedKey& listed : answer.keys) {
            last_key_ = std::max(last_key_, listed.key);
            if (!listed.key.starts_with(above)) continue;
            std::string path = listed.key.substr(above.size());
            if (!path.starts_with(prefix_) || path <= after_ || !check_path(path)) continue;
            // Other answers (HEAD) tell whole seconds.
            const int64_t modified_ms = listed.modified_ms / 1000 * 1000;
            objects_.push_back({std::move(path), listed.size, listed.etag, modified_ms});
        }
        std::sort(objects_.begin(), objects_.end(),
                  [](const ObjectInfo& a, const ObjectInfo& b) { return a.path < b.path; });
        const auto twice =
            std::adjacent_find(objects_.begin(), objects_.end(),
                               [](const ObjectInfo& a, const ObjectInfo& b) { return a.path == b.path; });
        if (twice != objects_.end()) return does_not_end();
        return {};
    }

    Result<void> advance(const ListAnswer& answer) {
        if (answer.next_token.empty() || answer.next_token == token_) return does_not_end();
        if (!answer.keys.empty() && last_key_ <= passed_key_) return does_not_end();
        token_ = answer.next_token;
        passed_key_ = last_key_;
        return {};
    }

    tl::unexpected<Error> does_not_end() const {
        return fail(ErrorKind::corrupt, "listing of " + url_of(requests_.options().place) + ": it repeats itself");
    }

    tl::unexpected<Error> too_foreign() const {
        return fail(ErrorKind::corrupt, "listing of " + url_of(requests_.options().place) + ": " +
                                            std::to_string(kPagesWithoutOurs) +
                                            " pages without an object of ours: give this bucket's address a prefix of "
                                            "its own");
    }

    ListPage result(bool truncated) {
        ListPage out{std::move(objects_), truncated};
        if (out.objects.size() > limit_) {
            out.objects.resize(limit_);
            out.truncated = true;
        }
        return out;
    }

    S3Requests& requests_;
    const std::string_view prefix_, after_;
    const size_t limit_;
    size_t ask_ = limit_;
    std::string token_;
    std::string last_key_, passed_key_;
    std::vector<ObjectInfo> objects_;
};

}  // namespace

Result<ListPage> list_objects(S3Requests& requests, std::string_view prefix, std::string_view after, size_t limit) {
    return Listing(requests, prefix, after, limit).read();
}

}  // namespace bae::s3
