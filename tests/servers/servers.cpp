#include "servers/servers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
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
    const std::string control = line_of(lines);  // "control http://127.0.0.1:PORT"
    control_port_ = static_cast<uint16_t>(std::stoi(control.substr(control.rfind(':') + 1)));
    std::fclose(lines);
    CHECK(url_.starts_with("http://"));
}

std::string FaultProxy::ask(const std::string& request, const std::string& body) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(control_port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string text =
        request + " HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    CHECK(::send(socket, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    CHECK(::shutdown(socket, SHUT_WR) == 0);  // the answer is all there is then
    std::string answer;
    char piece[4096];
    for (ssize_t got; (got = ::recv(socket, piece, sizeof piece, 0)) > 0;)
        answer.append(piece, static_cast<size_t>(got));
    ::close(socket);
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

uint64_t FaultProxy::requests(std::string_view kind) {
    return nlohmann::json::parse(ask("GET /counts", "")).at("requests").value(std::string(kind), uint64_t{0});
}

FaultProxy::~FaultProxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace bae::servers
