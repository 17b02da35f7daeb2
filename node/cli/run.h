#pragma once
// The whole program: parses the arguments, runs the command, says what went wrong, returns the exit code.

namespace bae::node {

int run_command_line(int argc, const char* const* argv);

}  // namespace bae::node
