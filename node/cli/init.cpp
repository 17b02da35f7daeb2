#include <fmt/format.h>

#include "crypto/base/crash_point.h"
#include "node/cli/commands.h"
#include "node/cli/founding.h"
#include "node/files.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

struct Person {
    crypto::Identity identity;
    std::optional<crypto::Hash256> next;
    std::optional<crypto::Root> root;  // if it was made now
};

// The one this home has, or a new one, whose root exists on paper only once it is printed.
Result<Person> person_of(Secrets& secrets) {
    if (auto identity = TRY(secrets.identity()))
        return Person{.identity = std::move(*identity), .next = TRY(secrets.next()), .root = std::nullopt};
    crypto::Root root = crypto::Root::generate(crypto::system_random());
    const crypto::Identity successor = crypto::Identity::from_seed(root.identity_seed(1));
    return Person{.identity = crypto::Identity::from_seed(root.identity_seed(0)),
                  .next = crypto::next_commitment(successor.public_key()),
                  .root = std::move(root)};
}

Result<crypto::RecoveryCode> code_of(const Person& person, const crypto::LibraryId& library,
                                     const std::string& carrier) {
    using Type = crypto::RecoveryCode::Type;
    const ByteView secret = person.root ? person.root->view() : person.identity.seed();
    return crypto::RecoveryCode{.type = person.root ? Type::root : Type::identity_seed,
                                .secret = TRY(crypto::SecretKey::from(secret)),
                                .library = library,
                                .carrier_url = carrier};
}

struct Code {
    std::string text;
    explicit Code(std::string code) : text(std::move(code)) {}
    ~Code() { crypto::wipe(std::as_writable_bytes(std::span(text))); }
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
};

bool print_json(Output& out, const JsonObject& object, const Code& code) {
    return out.secret_line(object.open_line("recovery_code"), code.text, "\"}");
}

bool print_root(Output& out, const Code& code) {
    out.line("");
    out.line(
        "This is your recovery code. Write it down and keep it off this machine: it brings the library back on "
        "another");
    out.line(
        "device, and it alone can replace your identity if a device is stolen. It is shown now and stored nowhere:");
    out.line("");
    return out.secret_line("", code.text);
}

// False: nobody has seen the code.
bool print_new_library(Output& out, const HomeRecord& record, const std::string& name, const HomePaths& home,
                       const Code& code, bool root) {
    if (out.json()) {
        return print_json(out,
                          JsonObject()
                              .text("library_id", record.library.text())
                              .text("device_id", record.device.text())
                              .text("identity", record.identity.text()),
                          code);
    }
    out.note(fmt::format("Created library {} in {}", record.library.text(), shown(home.root.native())));
    out.note(
        fmt::format("This device is {} ({}), you are {}", shown(name), record.device.text(), record.identity.text()));
    if (root) return print_root(out, code);
    out.line("");
    out.line(
        "Your identity was made before; the recovery code printed then stays the one that can replace it. This one "
        "brings");
    out.line("the library to another device:");
    out.line("");
    return out.secret_line("", code.text);
}

}  // namespace

Result<ExitCode> run(Session& session, const InitCommand& command) {
    const std::string name = device_name_or_host(command.name);
    Founding founding = TRY(Founding::begin(session, command.passphrase));
    Person person = TRY(person_of(founding.secrets()));
    TRY(founding.prepare(crypto::Identity::from_seed(TRY(crypto::SecretKey::from(person.identity.seed()))),
                         person.next));
    TRY(founding.found());
    CRASH_POINT("init: founded");
    TRY(founding.name_device(name));
    const HomeRecord record = founding.record();
    const Code code(TRY(code_of(person, record.library, "")).text());
    // Before the library exists: one whose code nobody has seen could never be got back.
    if (!print_new_library(session.out(), record, name, TRY(session.paths()), code, person.root.has_value()))
        return fail(ErrorKind::retry, "the recovery code could not be printed, so no library was made");
    const Result<void> made = founding.commit();
    if (!made)
        return tl::unexpected<Error>(context(made.error(), "no library was made, the recovery code above is void"));
    return ExitCode::done;
}

namespace {

// Names no library, because there is none yet: `restore` would refuse it.
bool print_identity_root(Output& out, const Code& code) {
    out.line("");
    out.line("This is the recovery code of your identity. Write it down and keep it off this machine: it alone can");
    out.line(
        "replace your identity if a device is stolen. It is shown now and stored nowhere. Once there is a library,");
    out.line("`bae identity export` prints the code that brings it to another device.");
    out.line("");
    return out.secret_line("", code.text);
}

Result<ExitCode> make_identity(Session& session) {
    TRY(make_directories(TRY(session.paths()).root));
    Secrets* secrets = TRY(session.secrets());
    const Person person = TRY(person_of(*secrets));
    Output& out = session.out();
    const std::string identity = person.identity.public_key().text();
    const JsonObject json = JsonObject().text("identity", identity);
    if (!out.json()) out.line(identity);
    if (!person.root) {
        if (out.json()) out.line(json);
        return ExitCode::done;
    }
    const Code code(TRY(code_of(person, {}, "")).text());
    if (!(out.json() ? print_json(out, json, code) : print_identity_root(out, code)))
        return fail(ErrorKind::retry, "the recovery code could not be printed, so no identity was made");
    TRY(secrets->put_identity(person.identity, person.next));
    return ExitCode::done;
}

Result<ExitCode> export_code(Session& session) {
    const HomeRecord record = TRY(session.record());
    auto identity = TRY(TRY(session.secrets())->identity());
    if (!identity)
        return session.refuse(
            ExitCode::wrong_key,
            Error{ErrorKind::denied,
                  "this device does not hold the identity: export from the one that made the library"});
    const Person person{.identity = std::move(*identity), .next = std::nullopt, .root = std::nullopt};
    const std::string url = TRY(session.carrier_url());
    const Code code(TRY(code_of(person, record.library, url)).text());
    if (url.empty()) TRY(TRY(session.replica())->seal());
    Output& out = session.out();
    if (!out.json()) {
        out.remark("Whoever has this code can read and write this library as you. On the other device: bae restore");
        if (url.empty()) out.remark("The library has no bucket yet; restore with --from a copy of its mirror folder.");
    }
    const bool printed =
        out.json() ? print_json(out, JsonObject().text("bucket", url), code) : out.secret_line("", code.text);
    if (!printed) return fail(ErrorKind::retry, "the recovery code could not be printed");
    return ExitCode::done;
}

}  // namespace

Result<ExitCode> run(Session& session, const IdentityCommand& command) {
    if (command.export_code) return export_code(session);
    const Result<HomeRecord> record = read_home(TRY(session.paths()));
    if (!record && record.error().kind == ErrorKind::not_found) return make_identity(session);
    if (!record) return tl::unexpected<Error>(record.error());
    Output& out = session.out();
    if (out.json())
        out.line(JsonObject()
                     .text("identity", record->identity.text())
                     .text("library_id", record->library.text())
                     .text("device_id", record->device.text()));
    else
        out.line(record->identity.text());
    return ExitCode::done;
}

}  // namespace bae::node
