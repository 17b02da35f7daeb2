#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "node/cli/commands.h"
#include "node/cli/founding.h"
#include "node/cli/prompt.h"
#include "node/cli/rows.h"
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

Result<Carrier> carrier_of(Session& session, const RestoreCommand& command, const crypto::RecoveryCode& code) {
    const std::string url = command.from.value_or(code.carrier_url);
    if (url.empty()) {
        return session.usage(
            "this recovery code names no place to get the library from: give one with --from (a bucket directory, or a "
            "copy of the mirror folder of another device)");
    }
    return Carrier::open(url, s3::RootPolicy::must_exist, session.config());
}

// The mirror in the home of another device: it writes there, nobody else may.
bool is_mirror_of_a_home(const Carrier& from) {
    const Result<std::filesystem::path> root = directory_of(from.url());
    return root && root->filename() == "mirror" && file_exists(root->parent_path() / "library.id");
}

// Where to sync through from now on: the place in the code if the library is there, else where it was restored from,
// unless that is another device's own store. Empty: nowhere yet.
std::string next_carrier(Session& session, Founding& founding, Carrier& from, const crypto::RecoveryCode& code) {
    if (!code.carrier_url.empty()) {
        Result<Carrier> named = Carrier::open(code.carrier_url, s3::RootPolicy::must_exist, session.config());
        if (named && (named->url() == from.url() || founding.is_at(*named))) return named->url();
    }
    return is_mirror_of_a_home(from) ? "" : from.url();
}

Result<std::string> choose_carrier(Session& session, Founding& founding, Carrier& from,
                                   const crypto::RecoveryCode& code) {
    const std::string url = next_carrier(session, founding, from, code);
    if (url != from.url()) TRY(founding.receive(from, session.out()));
    if (!url.empty()) TRY(founding.use_carrier(url));
    return url;
}

void print_next(Output& out, const std::string& from, const std::string& url) {
    if (url.empty())
        out.warn(
            "this was the mirror in the home of another device, into which nobody else may write: the library is here, "
            "but syncs through no place yet; choose one with `bae bucket use file:///path`, here and there");
    else if (url != from)
        out.note(fmt::format("It syncs through {}, the place in the code.", shown(url)));
    else
        out.note("`bae sync` brings the library here.");
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
    Carrier carrier = TRY(carrier_of(session, command, code));
    Founding founding = TRY(Founding::begin(session, command.passphrase));
    const auto present = TRY(founding.secrets().identity());
    if (present && present->public_key() != person.identity.public_key()) {
        return session.refuse(
            ExitCode::wrong_key,
            Error{ErrorKind::conflict, "this home has the identity of somebody else; use another --home"});
    }
    TRY(founding.prepare(std::move(person.identity), person.next));
    const Result<sync::Replica::RestoreInfo> info = founding.restore(code.library, carrier);
    if (!info && is_wrong_code(info.error())) return session.refuse(ExitCode::wrong_key, info.error());
    if (!info) return tl::unexpected<Error>(info.error());
    CRASH_POINT("restore: opened");
    TRY(founding.name_device(name));
    const std::string next = TRY(choose_carrier(session, founding, carrier, code));
    CRASH_POINT("restore: prepared");
    const HomeRecord record = founding.record();
    TRY(founding.commit());
    print_restored(session.out(), record, name, *info);
    print_next(session.out(), carrier.url(), next);
    return ExitCode::done;
}

}  // namespace bae::node
