#include "node/blobs/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "node/blobs/artwork.h"
#include "node/blobs/audit_read.h"
#include "node/blobs/availability.h"
#include "node/blobs/ledger.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace fs = std::filesystem;
namespace {

constexpr size_t kPage = 1000;
constexpr size_t kBatch = 256;

// A transfer that says that nobody has the bytes; another one, such as of damage, is not disproved by a listing. (+: by
// owner, because all of a library may be waiting.)
constexpr const char* kDoubted =
    "EXISTS (SELECT 1 FROM transfers t WHERE t.owner_id = b.owner_id AND +t.direction = 'down' AND +t.state = "
    "'waiting' "
    "AND (t.reason = 'missing' OR t.reason LIKE 'uploading on %'))";

std::string carried_sql(BlobKind kind) {
    if (kind == BlobKind::image)
        return fmt::format(
            "SELECT {}, {} FROM carried_blobs b JOIN library_images f ON f.id = b.owner_id AND f.file_hash = "
            "b.file_hash LEFT JOIN releases r ON r.id = f.owner_id WHERE b.carrier = ?1 AND coalesce(f.key_epoch, "
            "r.key_epoch) = b.key_epoch",
            image_columns(), kDoubted);
    return fmt::format(
        "SELECT {}, {} FROM carried_blobs b JOIN release_files f ON f.id = b.owner_id AND f.file_hash = b.file_hash "
        "JOIN releases r ON r.id = f.release_id AND r.key_epoch = b.key_epoch WHERE b.carrier = ?1",
        file_columns(), kDoubted);
}

// One blob as it is now, with where a file of these bytes should lie.
std::string row_sql(BlobKind kind) {
    if (kind == BlobKind::image)
        return fmt::format("SELECT {} FROM library_images f LEFT JOIN releases r ON r.id = f.owner_id WHERE f.id = ?1",
                           image_columns());
    return fmt::format(
        "SELECT {}, (SELECT path FROM local_files l WHERE l.file_id = f.id AND l.state = 'present' AND l.file_hash = "
        "f.file_hash LIMIT 1) FROM release_files f JOIN releases r ON r.id = f.release_id WHERE f.id = ?1",
        file_columns());
}

bool has_size(const fs::path& path, uint64_t size) {
    std::error_code failed;
    return !path.empty() && fs::file_size(path, failed) == size && !failed;
}

struct Expected {
    enum class State { gone, cut, damaged, kept, good };  // kept: damaged, and the carrier lets nobody remove it
    crypto::BlobId id;
    uint64_t sealed_bytes = 0;
    std::string row_id;
    bool doubted = false;
    State state = State::gone;
    bool lost() const { return state != State::kept && state != State::good; }
};

std::string problem_of(const Blob& blob, const Expected& expected, bool here) {
    const std::string what = blob.kind == BlobKind::file
                                 ? fmt::format("{} of release {}", shown(blob.name), shown(blob.owner_id))
                                 : fmt::format("the picture {}", shown(blob.name));
    return fmt::format("{} is {} {}", what, expected.state == Expected::State::gone ? "gone from" : "damaged in",
                       here ? "the bucket; to be sent again by `bae sync`"
                            : "the bucket and missing here (`bae verify --bucket`, then `bae sync`, on a device that "
                              "has it sends it again)");
}

// The blobs of one kind, by id.
class KindAudit {
  public:
    KindAudit(const BlobRound& round, BlobKind kind, BlobAudit& audit)
        : round_(round), kind_(kind), ledger_(round.database, round.carrier_url), audit_(audit) {}

    Result<void> run(AuditDepth depth) {
        TRY(load());
        if (expected_.empty()) return {};
        TRY(list());
        Result<void> done;
        if (depth == AuditDepth::data) done = read();
        TRY(settle());
        audit_.blobs += expected_.size();
        return done;
    }

  private:
    // Before the listing: what another process sends meanwhile is not taken for lost.
    Result<void> load() {
        const auto reader = TRY(round_.database.read());
        TRY(reader->each(
            carried_sql(kind_),
            [&](const sync::sqlite::Statement& row) {
                const Result<Blob> blob = read_blob(row, 0, kind_);
                if (!blob) return;
                const Result<crypto::BlobKey> key = key_of(round_.replica, *blob);
                if (!key) return;
                expected_.push_back({.id = key->id(),
                                     .sealed_bytes = key->sealed_size(),
                                     .row_id = blob->row_id,
                                     .doubted = row.integer(7) != 0});
            },
            round_.carrier_url));
        std::ranges::sort(expected_, {}, &Expected::id);
        return {};
    }

    Result<void> list() {
        const std::string prefix = kind_ == BlobKind::file ? "storage/" : "images/";
        std::string after;
        for (uint64_t listed = 0;;) {
            if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
            const s3::ListPage page = TRY(round_.bucket->list(prefix, after, kPage));
            for (const s3::ObjectInfo& object : page.objects) note(object);
            round_.out.progress("listing", listed += page.objects.size(), 0);
            if (!page.truncated) return {};
            if (page.objects.empty() || page.objects.back().path <= after)
                return fail(ErrorKind::corrupt, "the storage's listing does not advance");
            after = page.objects.back().path;
        }
    }

    void note(const s3::ObjectInfo& object) {
        const Result<crypto::BlobId> id =
            crypto::BlobId::parse(std::string_view(object.path).substr(object.path.rfind('/') + 1));
        if (!id || blob_path(kind_, *id) != object.path) return;
        for (Expected& one : with(*id))
            one.state = one.sealed_bytes == object.size ? Expected::State::good : Expected::State::cut;
    }

    // Two files of one release may have the same bytes.
    std::span<Expected> with(const crypto::BlobId& id) {
        const auto first = std::ranges::lower_bound(expected_, id, {}, &Expected::id);
        return {first, std::ranges::upper_bound(first, expected_.end(), id, {}, &Expected::id)};
    }

    struct Row {
        Blob blob;
        bool here = false;
    };
    Result<std::optional<Row>> find(sync::sqlite::Connection& connection, const std::string& id) const {
        std::optional<Row> found;
        TRY(connection.each(
            row_sql(kind_),
            [&](const sync::sqlite::Statement& row) {
                Result<Blob> blob = read_blob(row, 0, kind_);
                if (!blob) return;
                const fs::path path =
                    kind_ == BlobKind::file ? fs::path(row.string(7)) : artwork_path(round_.home, *blob);
                const bool here = has_size(path, blob->size);
                found = Row{.blob = std::move(*blob), .here = here};
            },
            id));
        return found;
    }

    Result<void> read() {
        std::vector<AuditedBlob> blobs;
        {
            const auto reader = TRY(round_.database.read());
            for (const Expected& one : expected_) {
                const bool again = !blobs.empty() && blobs.back().id == one.id;
                if (one.state != Expected::State::good || again) continue;
                if (const auto row = TRY(find(*reader, one.row_id)); row && row->here)
                    blobs.push_back({.id = one.id, .blob = row->blob});
            }
        }
        const Result<void> done = read_blobs(round_, blobs);
        for (const AuditedBlob& read : blobs) {
            if (!read.problem.empty()) audit_.problems.push_back(read.problem);
            if (!read.damaged) continue;
            for (Expected& one : with(read.id))
                one.state = read.problem.empty() ? Expected::State::damaged : Expected::State::kept;
        }
        return done;
    }

    Result<void> settle() {
        std::vector<const Expected*> changed;
        for (const Expected& one : expected_) {
            if (one.lost() || one.doubted) changed.push_back(&one);
        }
        for (size_t at = 0; at < changed.size(); at += kBatch) {
            const auto batch = std::span(changed).subspan(at, std::min(kBatch, changed.size() - at));
            TRY(round_.database.replicate([&](sync::sqlite::Connection& connection) -> Result<void> {
                for (const Expected* one : batch) TRY(settle(connection, *one));
                return {};
            }));
        }
        return {};
    }

    Result<void> settle(sync::sqlite::Connection& connection, const Expected& one) {
        if (!one.lost()) return BlobLedger::forget_absence(connection, one.row_id);
        const std::optional<Row> row = TRY(find(connection, one.row_id));
        if (!row) return {};
        audit_.problems.push_back(problem_of(row->blob, one, row->here));
        ++(row->here ? audit_.to_send : audit_.missing);
        if (row->here || kind_ == BlobKind::image) return ledger_.send_again(connection, kind_, one.row_id);
        return ledger_.record(connection, {.blob = row->blob,
                                           .blob_id = one.id.text(),
                                           .state = BlobOutcome::State::waiting,
                                           .up = false,
                                           .reason = TRY(absence_of(connection, round_.device, row->blob.author))});
    }

    const BlobRound& round_;
    const BlobKind kind_;
    BlobLedger ledger_;
    BlobAudit& audit_;
    std::vector<Expected> expected_;
};

}  // namespace

Result<bool> audit_is_due(sync::sqlite::Connection& connection, const std::string& carrier_url, int64_t now_ms) {
    const auto last = TRY(connection.integer("SELECT audited_ms FROM carriers WHERE url = ?", carrier_url));
    return last && (now_ms < *last || now_ms - *last >= kAuditEveryMs);  // a clock that was ahead must not end it
}

Result<BlobAudit> audit_blobs(const BlobRound& round, AuditDepth depth) {
    BlobAudit audit;
    for (const BlobKind kind : {BlobKind::image, BlobKind::file}) {
        const Result<void> done = KindAudit(round, kind, audit).run(depth);
        round.out.end_progress();
        TRY(Result<void>(done));
    }
    TRY(round.database.replicate([&](sync::sqlite::Connection& connection) {
        return connection.run("UPDATE carriers SET audited_ms = ?2 WHERE url = ?1", round.carrier_url,
                              sync::system_clock().now_ms());
    }));
    return audit;
}

}  // namespace bae::node
