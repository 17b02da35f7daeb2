#pragma once
// One function per command. An error is a command that failed; Session::exit_code_of says with which code. A command
// that did part of its work has said what is missing and returns ExitCode::partly.
#include "node/cli/arguments.h"
#include "node/cli/session.h"

namespace bae::node {

Result<ExitCode> run(Session& session, const InitCommand& command);
Result<ExitCode> run(Session& session, const ImportCommand& command);
Result<ExitCode> run(Session& session, const ListCommand& command);
Result<ExitCode> run(Session& session, const ShowCommand& command);
Result<ExitCode> run(Session& session, const GetCommand& command);
Result<ExitCode> run(Session& session, const EditCommand& command);
Result<ExitCode> run(Session& session, const RemoveCommand& command);
Result<ExitCode> run(Session& session, const TagCommand& command);
Result<ExitCode> run(Session& session, const BucketCommand& command);
Result<ExitCode> run(Session& session, const SyncCommand& command);
Result<ExitCode> run(Session& session, const StatusCommand& command);
Result<ExitCode> run(Session& session, const ConflictsCommand& command);
Result<ExitCode> run(Session& session, const IdentityCommand& command);
Result<ExitCode> run(Session& session, const RestoreCommand& command);
Result<ExitCode> run(Session& session, const NodeCommand& command);
Result<ExitCode> run(Session& session, const DigestCommand& command);
Result<ExitCode> run(Session& session, const DumpCommand& command);
Result<ExitCode> run(Session& session, const VerifyCommand& command);
Result<ExitCode> run(Session& session, const InspectCommand& command);

}  // namespace bae::node
