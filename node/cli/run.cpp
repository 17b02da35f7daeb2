#include "node/cli/run.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "node/cli/commands.h"
#include "node/files.h"
#include "node/interrupt.h"
#include "node/output/escape.h"

namespace bae::node {
namespace {

int say(Output& out, const Error& error, ExitCode code) {
    out.end_progress();
    out.error(code == ExitCode::interrupted ? "interrupted; what was done so far is kept" : shown(error.message));
    return static_cast<int>(code);
}

// SQLite says "disk I/O error" where it cannot make its shared memory file; the person needs to know why.
Error with_cause(const Session& session, Error error) {
    constexpr uint64_t kFull = 1 << 20;
    const Result<HomePaths> home = session.paths();
    if (error.kind != ErrorKind::retry || error.cause != Cause::other || !home) return error;
    const std::optional<uint64_t> free = free_bytes(home->root);
    if (free && *free < kFull)
        error.message +=
            fmt::format(" (the disk that holds {} is full: free some space and try again)", home->root.native());
    return error;
}

Result<Config> settings_of(const Invocation& invocation) {
    const Result<std::filesystem::path> file = config_path(process_environment);
    return load_config(file ? *file : std::filesystem::path(), process_environment, invocation.settings);
}

int run_invocation(const Invocation& invocation) {
    Output out(invocation.json ? Output::Format::json : Output::Format::people, invocation.quiet);
    const Result<Config> config = settings_of(invocation);
    if (!config) return say(out, config.error(), ExitCode::usage);
    Session session(out, *config, process_environment);
    session.read_settings_with([&] { return settings_of(invocation); });
    const Result<ExitCode> result =
        std::visit([&](const auto& command) { return run(session, command); }, invocation.command);
    if (!result) return say(out, with_cause(session, result.error()), session.exit_code_of(result.error()));
    if (!out.flush())
        return say(out, Error{ErrorKind::retry, "standard output does not take the result"}, ExitCode::failed);
    return static_cast<int>(*result);
}

// Memory holds keys: no core file, and no other process of this user may read it.
void keep_memory_private() {
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__  // whose leak check reads the memory of the process from outside
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
    keep_memory_private();
    watch_for_interrupts();
    const auto parsed = parse_arguments(argc, argv);
    if (const Ended* ended = std::get_if<Ended>(&parsed)) return ended->exit_code;
    return run_invocation(std::get<Invocation>(parsed));
}

}  // namespace bae::node
