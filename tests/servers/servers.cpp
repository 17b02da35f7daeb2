#include "servers/servers.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/base/result.h"

namespace bae::servers {

Server shared_server(std::string_view kind) {
    const char* file = std::getenv("BAE_S3_SERVERS");
    std::ifstream in(file == nullptr ? "" : file);
    if (!in) return {.missing = "no S3 servers: run this through ctest ($BAE_S3_SERVERS names no file)"};
    const auto all = nlohmann::json::parse(in);
    const auto found = all.find(std::string(kind));
    if (found == all.end()) return {.missing = std::string(kind) + " is not among the servers"};
    if (found->contains("missing")) return {.missing = found->at("missing")};
    return {"",
            found->at("endpoint"),
            found->at("region"),
            found->at("bucket"),
            found->at("access_key"),
            found->at("secret_key")};
}

static pid_t spawn(std::vector<std::string> arguments, int output) {
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t pid = -1;
    const int code = ::posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    CHECK(code == 0);
    return pid;
}

static std::string line_of(std::FILE* lines) {
    char line[200] = "";
    CHECK(std::fgets(line, sizeof line, lines) != nullptr);
    return {line, std::string_view(line).find('\n')};
}

FaultProxy::FaultProxy(const Server& server, std::vector<std::string> options) {
    std::vector<std::string> arguments = {
        BAE_SOURCE_DIR "/tools/fault-proxy",        "--with-parent", "--to", server.endpoint, "--credentials",
        server.access_key + ':' + server.secret_key};
    arguments.insert(arguments.end(), options.begin(), options.end());
    int ends[2];
    CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = spawn(std::move(arguments), ends[1]);
    ::close(ends[1]);
    std::FILE* lines = ::fdopen(ends[0], "r");
    url_ = line_of(lines);
    control_url_ = line_of(lines).substr(std::string_view("control ").size());
    std::fclose(lines);
    CHECK(url_.starts_with("http://"));
}

FaultProxy::~FaultProxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace bae::servers
