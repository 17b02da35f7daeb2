#include "node/cli/run.h"

int main(int argc, char** argv) { return bae::node::run_command_line(argc, argv); }
