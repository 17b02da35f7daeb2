#include <fmt/format.h>

#include "node/cli/commands.h"
#include "node/credentials.h"
#include "node/files.h"
#include "node/output/escape.h"
#include "node/output/table.h"
#include "s3/access_policy.h"

namespace bae::node {
namespace {

using Level = s3::ProbeFinding::Level;

constexpr int kRacesOfUse = 2, kRacesOfProbe = 5;
constexpr uint64_t kPartBytes = 5 << 20, kLargeBytes = 6 << 20;

Result<ExitCode> show_bucket(Session& session) {
    const std::optional<CarrierRow> row = TRY(session.carrier_row());
    Output& out = session.out();
    if (out.json() && row)
        out.line(JsonObject().text("bucket", row->url).text("conditional_put", to_string(row->conditional_put)));
    else if (out.json())
        out.line(JsonObject().null("bucket"));
    else if (!row)
        out.remark("no bucket in use: choose one with `bae bucket use URL` (file:///path or s3://...)");
    else
        out.line(shown(row->url));
    return ExitCode::done;
}

Result<Place> place_of(Session& session, const std::string& url) {
    Result<Place> place = parse_place(url);
    if (!place && place.error().kind == ErrorKind::invalid_input) return session.usage(place.error().message);
    return place;
}

// Of a directory only the last folder of the path is made: where the one above is missing, a disk is not mounted.
Result<void> check_above(const Place& place) {
    if (!place.directory()) return {};
    const std::filesystem::path above = place.directory()->parent_path();
    if (file_exists(*place.directory()) || file_exists(above)) return {};
    return fail(ErrorKind::not_found, fmt::format("{} is not there: is the disk mounted? If this is the right place, "
                                                  "make that folder first",
                                                  shown(above.native())));
}

struct Offered {
    s3::S3Credentials credentials;
    bool fresh = false;  // given now
    bool first = false;  // none were kept before
};

// For `use`: given now, or those that are kept, which at a terminal an empty answer stands for.
Result<Offered> credentials_to_use(Session& session, const Place& place) {
    if (!place.s3()) return Offered{};
    auto kept = TRY(TRY(session.secrets())->bucket(*place.s3()));
    Result<std::optional<s3::S3Credentials>> answer = session.given_credentials(*place.s3(), kept.has_value());
    const bool nobody_to_ask = !answer && answer.error().kind == ErrorKind::denied;
    if (!answer && !(kept && nobody_to_ask)) return tl::unexpected<Error>(answer.error());
    auto fresh = answer ? std::move(*answer) : std::nullopt;
    if (fresh) return Offered{.credentials = std::move(*fresh), .fresh = true, .first = !kept};
    if (kept) return Offered{.credentials = std::move(*kept)};
    return session.usage("an S3 bucket needs an access key and a secret key; nothing was changed");
}

// For `probe`: those that are kept, else given now; nothing is kept.
Result<s3::S3Credentials> credentials_to_probe(Session& session, const Place& place) {
    if (!place.s3()) return s3::S3Credentials{};
    TRY(crypto::initialize());
    if (file_exists(TRY(session.paths()).secrets())) {
        if (auto kept = TRY(TRY(session.secrets())->bucket(*place.s3()))) return std::move(*kept);
    }
    auto fresh = TRY(session.given_credentials(*place.s3()));
    if (fresh) return std::move(*fresh);
    return session.usage("an S3 bucket needs an access key and a secret key");
}

Result<Carrier> open_place(Session& session, const Place& place, CarrierOptions options) {
    Result<Carrier> carrier = Carrier::open(place, std::move(options));
    if (!carrier && carrier.error().kind == ErrorKind::invalid_input) return session.usage(carrier.error().message);
    return carrier;
}

std::string_view level_text(Level level) {
    return level == Level::ok ? "ok" : level == Level::note ? "note" : "problem";
}

std::vector<JsonObject> json_of(const std::vector<s3::ProbeFinding>& findings) {
    std::vector<JsonObject> objects;
    for (const s3::ProbeFinding& finding : findings) {
        objects.push_back(JsonObject()
                              .text("what", finding.what)
                              .text("level", level_text(finding.level))
                              .text("found", finding.found)
                              .text("advice", finding.advice));
    }
    return objects;
}

JsonObject json_of(const Carrier& carrier, const s3::ProbeReport& report) {
    return JsonObject()
        .text("bucket", carrier.url())
        .boolean("usable", report.usable())
        .boolean("read_only", report.read_only)
        .text("conditional_put", to_string(report.conditional_put))
        .objects("findings", json_of(report.findings));
}

std::string line_of(const s3::ProbeFinding& finding) {
    std::string line = shown(finding.what + ": " + finding.found);
    return finding.advice.empty() ? line : fmt::format("{} ({})", line, shown(finding.advice));
}

Result<s3::ProbeReport> probe_to_use(Carrier& carrier, bool create) {
    Result<s3::ProbeReport> report = carrier.probe(kRacesOfUse, 0);
    if (!report && report.error().kind == ErrorKind::not_found && carrier.s3() && !create) {
        report.error().message +=
            " (`bae bucket use --create` makes it, if the credentials may; else make it at the provider)";
    }
    return report;
}

Result<void> refuse_unusable(const Carrier& carrier, const s3::ProbeReport& report) {
    if (report.usable()) return {};
    std::string reasons;
    for (const s3::ProbeFinding& finding : report.findings) {
        if (finding.level == Level::problem) reasons += (reasons.empty() ? "" : "; ") + line_of(finding);
    }
    return fail(ErrorKind::unsupported,
                fmt::format("{} cannot hold a library, so nothing was changed: {}", shown(carrier.url()), reasons));
}

void print_used(Output& out, const Carrier& carrier, const s3::ProbeReport& report, const Offered& offered) {
    if (out.json()) out.line(json_of(carrier, report).boolean("new_credentials", offered.fresh));
    for (const s3::ProbeFinding& finding : report.findings) {
        if (finding.level != Level::ok) out.note(line_of(finding));
    }
    if (offered.fresh)
        out.note(offered.first ? "the credentials are kept in the secret store"
                               : "the credentials kept in the secret store were replaced by these");
    out.note(fmt::format("this library syncs through {} from now on; `bae sync` {}", shown(carrier.url()),
                         report.read_only ? "receives from there: nothing can be sent" : "sends it there"));
}

Result<ExitCode> use_bucket(Session& session, const BucketCommand& command) {
    TRY(session.record());
    const Place place = TRY(place_of(session, *command.url));
    TRY(check_above(place));
    const Offered offered = TRY(credentials_to_use(session, place));
    CarrierOptions options = session.carrier_options();
    options.policy = s3::RootPolicy::create;
    options.credentials = duplicate(offered.credentials);
    Carrier carrier = TRY(open_place(session, place, std::move(options)));
    if (command.create && carrier.s3()) TRY(carrier.s3()->create_bucket());
    const s3::ProbeReport report = TRY(probe_to_use(carrier, command.create));
    TRY(refuse_unusable(carrier, report));
    TRY(TRY(session.replica())->adopt(carrier.bucket()));
    if (offered.fresh) TRY(TRY(session.secrets())->put_bucket(*place.s3(), offered.credentials));
    CarrierRow row = carrier.row();
    row.conditional_put = report.conditional_put;
    row.probed_ms = sync::system_clock().now_ms();
    TRY(TRY(session.database())->replicate([&](sync::sqlite::Connection& connection) {
        return use_carrier(connection, row);
    }));
    print_used(session.out(), carrier, report, offered);
    return ExitCode::done;
}

void print_report(Output& out, const Carrier& carrier, const s3::ProbeReport& report) {
    Table table({{"checked"}, {""}, {"found"}});
    for (const s3::ProbeFinding& finding : report.findings)
        table.add({finding.what, std::string(level_text(finding.level)), finding.found});
    out.print(table.text(out.width(), out.color()));
    out.line("");
    for (const s3::ProbeFinding& finding : report.findings) {
        if (!finding.advice.empty()) out.line(fmt::format("{}: {}", finding.what, shown(finding.advice)));
    }
    out.line(!report.usable()   ? "This place cannot hold a library."
             : report.read_only ? "From this place a library can be received; nothing can be sent to it."
                                : "This place can hold a library.");
    if (!carrier.place().s3()) return;
    out.line("");
    out.line("The least that credentials must be allowed, as a policy for AWS and those who speak its language:");
    out.print(s3::least_access_policy(*carrier.place().s3()));
}

Result<ExitCode> probe_bucket(Session& session, const BucketCommand& command) {
    std::string url = command.url.value_or("");
    if (url.empty()) url = TRY(session.carrier_url());
    if (url.empty()) return session.usage("no bucket is in use: name the one to probe");
    const Place place = TRY(place_of(session, url));
    CarrierOptions options = session.carrier_options();
    options.credentials = TRY(credentials_to_probe(session, place));
    if (command.thorough) options.part_bytes = kPartBytes;
    Carrier carrier = TRY(open_place(session, place, std::move(options)));
    const s3::ProbeReport report = TRY(carrier.probe(kRacesOfProbe, command.thorough ? kLargeBytes : 0));
    Output& out = session.out();
    if (!out.json()) {
        print_report(out, carrier, report);
    } else {
        JsonObject object = json_of(carrier, report);
        if (place.s3()) object.text("policy", s3::least_access_policy(*place.s3()));
        out.line(object);
    }
    return report.usable() ? ExitCode::done : ExitCode::failed;
}

}  // namespace

Result<ExitCode> run(Session& session, const BucketCommand& command) {
    switch (command.action) {
        case BucketCommand::Action::show:
            return show_bucket(session);
        case BucketCommand::Action::use:
            return use_bucket(session, command);
        case BucketCommand::Action::probe:
            return probe_bucket(session, command);
    }
    return show_bucket(session);
}

}  // namespace bae::node
