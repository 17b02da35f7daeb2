#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "node/cli/commands.h"
#include "node/cli/founding.h"
#include "node/cli/prompt.h"
#include "node/cli/rows.h"
#include "node/credentials.h"
#include "node/files.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

using Type = crypto::RecoveryCode::Type;

Result<crypto::RecoveryCode> code_of(Session& session, const RestoreCommand& command) {
    const crypto::SecretBytes text = TRY(secret_argument(command.code, "recovery code", session.out()));
    Result<crypto::RecoveryCode> code = crypto::RecoveryCode::parse(as_text(text.view()));
    if (!code) return session.refuse(ExitCode::wrong_key, code.error());
    if (code->library == crypto::LibraryId()) {
        return session.refuse(ExitCode::wrong_key,
                              Error{ErrorKind::invalid_input,
                                    "this recovery code was made before there was a library; use the one that `bae "
                                    "identity export` prints on a device that has it"});
    }
    return code;
}

struct Person {
    crypto::Identity identity;
    std::optional<crypto::Hash256> next;
};

Result<Person> person_of(const crypto::RecoveryCode& code) {
    if (code.type == Type::identity_seed)
        return Person{.identity = crypto::Identity::from_seed(code.secret.duplicate()), .next = std::nullopt};
    const crypto::Root root = TRY(crypto::Root::from(code.secret.view()));
    const crypto::Identity successor = crypto::Identity::from_seed(root.identity_seed(1));
    return Person{.identity = crypto::Identity::from_seed(root.identity_seed(0)),
                  .next = crypto::next_commitment(successor.public_key())};
}

struct Source {
    Carrier carrier;
    s3::S3Credentials credentials;  // of an S3 bucket
};

Result<Source> open_source(Session& session, const Place& place, s3::S3Credentials credentials) {
    CarrierOptions options = session.carrier_options();
    options.credentials = duplicate(credentials);
    return Source{.carrier = TRY(Carrier::open(place, std::move(options))), .credentials = std::move(credentials)};
}

Result<s3::S3Credentials> credentials_of(Session& session, const Place& place) {
    if (!place.s3()) return s3::S3Credentials{};
    auto given = TRY(session.given_credentials(*place.s3()));
    if (given) return std::move(*given);
    return session.usage(
        fmt::format("{} needs an access key and a secret key; nothing was changed", shown(place.url())));
}

// A server that refuses the credentials, or a place without a library, is another matter than a code that does not fit.
Result<void> reach(Carrier& carrier) {
    if (!carrier.s3()) return {};
    TRY(carrier.s3()->list("library.bae", "", 1));
    const Result<s3::ObjectInfo> founding = carrier.s3()->stat("library.bae");
    if (founding) return {};
    if (founding.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(founding.error());
    return fail(ErrorKind::not_found,
                fmt::format("there is no library in {}: correct the address (the prefix, too), or name with --from a "
                            "place that holds it, such as a copy of the mirror folder of another device",
                            shown(carrier.url())));
}

Result<Source> source_of(Session& session, const RestoreCommand& command, const crypto::RecoveryCode& code) {
    const std::string url = command.from.value_or(code.carrier_url);
    if (url.empty()) {
        return session.usage(
            "this recovery code names no place to get the library from: give one with --from (a bucket, or a copy of "
            "the mirror folder of another device)");
    }
    const auto checked = [&](auto result) {
        if (!result && command.from && result.error().kind == ErrorKind::invalid_input)
            session.refuse(ExitCode::usage, result.error());
        return result;
    };
    const Place place = TRY(checked(parse_place(url)));
    s3::S3Credentials credentials = TRY(credentials_of(session, place));
    Source source = TRY(checked(open_source(session, place, std::move(credentials))));
    TRY(reach(source.carrier));
    return source;
}

// The mirror in the home of another device: it writes there, nobody else may.
bool is_mirror_of_a_home(const Carrier& from) {
    const std::filesystem::path* root = from.place().directory();
    return root && root->filename() == "mirror" && file_exists(root->parent_path() / "library.id");
}

// The place in the code, if the library is there. Nobody is asked for its credentials: --from may have been given
// because it cannot be reached.
std::optional<Source> named_source(Session& session, Founding& founding, const Place& place) {
    s3::S3Credentials credentials;
    if (place.s3()) {
        auto given = credentials_from_environment(session.environment());
        if (!given || !*given) return std::nullopt;
        credentials = std::move(**given);
    }
    Result<Source> source = open_source(session, place, std::move(credentials));
    if (!source || !founding.is_at(source->carrier)) return std::nullopt;
    return std::move(*source);
}

// A server is probed, because not every one honours conditions; whatever comes of it, the library is here.
Result<void> use_source(Session& session, Founding& founding, Source& source) {
    Carrier& carrier = source.carrier;
    CarrierRow row = carrier.row();
    if (carrier.s3()) {
        const Result<s3::ProbeReport> report = carrier.probe(1, 0);
        if (report) {
            row.conditional_put = report->conditional_put;
            row.probed_ms = sync::system_clock().now_ms();
        }
        if (!report || !report->usable())
            session.out().warn(fmt::format("not all is well with {}: see `bae bucket probe`", shown(carrier.url())));
    }
    return founding.use_carrier(carrier.place(), row, &source.credentials);
}

// Where to sync through from now on: the place in the code if the library is there, else where it was restored from,
// unless that is another device's own store. Empty: nowhere yet.
Result<std::string> choose_carrier(Session& session, Founding& founding, Source& from,
                                   const crypto::RecoveryCode& code) {
    const Result<Place> named = parse_place(code.carrier_url);
    const bool same = named && *named == from.carrier.place();
    if (named && !same) {
        if (std::optional<Source> other = named_source(session, founding, *named)) {
            TRY(founding.receive(from.carrier, session.out()));
            TRY(use_source(session, founding, *other));
            return other->carrier.url();
        }
    }
    if (!same && is_mirror_of_a_home(from.carrier)) {
        TRY(founding.receive(from.carrier, session.out()));
        return std::string();
    }
    TRY(use_source(session, founding, from));
    return from.carrier.url();
}

// `named` is the place in the code, `from` where the library came from, `url` where it syncs through from now on.
void print_next(Output& out, const std::string& named, const std::string& from, const std::string& url) {
    if (url.empty() && named.empty())
        out.warn(
            "this was the mirror in the home of another device, into which nobody else may write: the library is here, "
            "but syncs through no place yet; choose one with `bae bucket use URL`, here and there");
    else if (url.empty())
        out.warn(
            "this was the mirror in the home of another device, into which nobody else may write: the library is here, "
            "but syncs through no place yet");
    else if (url != from)
        out.note(fmt::format("It syncs through {}, the place in the code.", shown(url)));
    else
        out.note(fmt::format("`bae sync` brings the library here, from {}.", shown(url)));
    if (!named.empty() && url != named)
        out.warn(
            fmt::format("the place in the code, {}, was not reached, or no credentials of it were given: "
                        "`bae bucket use \"{}\"` goes on there, where other devices may be",
                        shown(named), shown(named)));
}

// As `bae bucket` shows it; empty if the code names none.
std::string named_url(const crypto::RecoveryCode& code) {
    const Result<Place> place = parse_place(code.carrier_url);
    return place ? place->url() : std::string();
}

void print_restored(Output& out, const HomeRecord& record, const std::string& name,
                    const sync::Replica::RestoreInfo& info) {
    if (out.json()) {
        out.line(JsonObject()
                     .text("library_id", record.library.text())
                     .text("device_id", record.device.text())
                     .text("identity", record.identity.text())
                     .integer("newest_head_ms", info.newest_head_ms)
                     .count("devices", info.devices));
        return;
    }
    out.note(fmt::format("This is now device {} ({}) of library {}", shown(name), record.device.text(),
                         record.library.text()));
    if (info.newest_head_ms > 0) {
        out.note(
            fmt::format("What lies there was last written on {} by one of {} {}. If you know of newer changes, what "
                        "you were given is old.",
                        date_text(info.newest_head_ms), info.devices, info.devices == 1 ? "device" : "devices"));
    }
}

// What the carrier holds cannot be opened with this code.
bool is_wrong_code(const Error& error) {
    return error.kind == ErrorKind::denied || error.kind == ErrorKind::bad_signature ||
           error.kind == ErrorKind::conflict;
}

}  // namespace

Result<ExitCode> run(Session& session, const RestoreCommand& command) {
    const std::string name = device_name_or_host(command.name);
    const crypto::RecoveryCode code = TRY(code_of(session, command));
    Person person = TRY(person_of(code));
    Source source = TRY(source_of(session, command, code));
    Founding founding = TRY(Founding::begin(session, command.passphrase));
    const auto present = TRY(founding.secrets().identity());
    if (present && present->public_key() != person.identity.public_key()) {
        return session.refuse(
            ExitCode::wrong_key,
            Error{ErrorKind::conflict, "this home has the identity of somebody else; use another --home"});
    }
    TRY(founding.prepare(std::move(person.identity), person.next));
    const Result<sync::Replica::RestoreInfo> info = founding.restore(code.library, source.carrier);
    if (!info && is_wrong_code(info.error())) return session.refuse(ExitCode::wrong_key, info.error());
    if (!info) return tl::unexpected<Error>(info.error());
    CRASH_POINT("restore: opened");
    TRY(founding.name_device(name));
    const std::string next = TRY(choose_carrier(session, founding, source, code));
    CRASH_POINT("restore: prepared");
    const HomeRecord record = founding.record();
    TRY(founding.commit());
    print_restored(session.out(), record, name, *info);
    print_next(session.out(), named_url(code), source.carrier.url(), next);
    return ExitCode::done;
}

}  // namespace bae::node
