#include "s3/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace bae::s3 {
namespace {

std::string lower_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

bool send_all_of(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

bool receive_more(int socket, std::string& buffer) {
    char piece[65536];
    const ssize_t got = ::recv(socket, piece, sizeof piece, 0);
    if (got <= 0) return false;
    buffer.append(piece, static_cast<size_t>(got));
    return true;
}

ScriptedRequest parse_head(std::string_view head) {
    ScriptedRequest out;
    const std::string_view first = head.substr(0, head.find("\r\n"));
    out.method = first.substr(0, first.find(' '));
    const std::string_view rest = first.substr(out.method.size() + 1);
    out.target = rest.substr(0, rest.find(' '));
    const size_t question = std::min(out.target.find('?'), out.target.size());
    out.path = out.target.substr(0, question);
    out.query = out.target.substr(std::min(question + 1, out.target.size()));
    for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
        const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
        const size_t colon = line.find(": ");
        if (colon != std::string_view::npos)
            out.headers[lower_case(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
    }
    return out;
}

// The next request; `buffer` keeps what came after it.
std::optional<ScriptedRequest> receive_request(int socket, std::string& buffer) {
    size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
        if (!receive_more(socket, buffer)) return std::nullopt;
    ScriptedRequest out = parse_head(std::string_view(buffer).substr(0, end));
    buffer.erase(0, end + 4);
    const std::string length = out.header("content-length");
    const size_t size = length.empty() ? 0 : std::stoull(length);
    while (buffer.size() < size)
        if (!receive_more(socket, buffer)) return std::nullopt;
    out.body = buffer.substr(0, size);
    buffer.erase(0, size);
    return out;
}

}  // namespace

std::string ScriptedRequest::header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
}

std::string ScriptedRequest::parameter(const std::string& name) const {
    const std::string all = "&" + query + "&";
    const size_t at = all.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 2;
    return all.substr(begin, all.find('&', begin) - begin);
}

bool ScriptedRequest::has_parameter(const std::string& name) const {
    return ("&" + query).find("&" + name + "=") != std::string::npos;
}

ScriptedAnswer ScriptedAnswer::of(int status, std::string body,
                                  std::vector<std::pair<std::string, std::string>> headers) {
    std::string bytes = "HTTP/1.1 " + std::to_string(status) + " Some Words\r\n";
    bool has_length = false;
    for (const auto& [name, value] : headers) {
        bytes += name + ": " + value + "\r\n";
        has_length = has_length || name == "Content-Length";
    }
    if (!has_length) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return {bytes + "\r\n" + body, Then::keep, {}};
}

ScriptedAnswer ScriptedAnswer::error(int status, const std::string& code, const std::string& more,
                                     std::vector<std::pair<std::string, std::string>> headers) {
    return of(status,
              "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>words</Message>" + more + "</Error>",
              std::move(headers));
}

ScriptedServer::ScriptedServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 64) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    ::close(listener_);
    for (std::thread& thread : threads_) thread.join();
    for (const int socket : sockets_) ::close(socket);
}

void ScriptedServer::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock(mutex_);
        if (socket < 0 || ending_) {
            if (socket >= 0) ::close(socket);
            return;
        }
        sockets_.push_back(socket);
        const int number = ++connections_;
        threads_.emplace_back([this, socket, number] { serve(socket, number); });
    }
}

void ScriptedServer::serve(int socket, int number) {
    std::string buffer;
    while (auto request = receive_request(socket, buffer)) {
        request->connection = number;
        ScriptedAnswer reply;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(*request);
            reply = handler_(*request);
        }
        if (!answer(socket, reply)) break;
    }
    ::shutdown(socket, SHUT_RDWR);
}

bool ScriptedServer::answer(int socket, const ScriptedAnswer& answer) {
    if (!send_all_of(socket, answer.bytes)) return false;
    switch (answer.then) {
        case ScriptedAnswer::Then::keep:
            return true;
        case ScriptedAnswer::Then::close:
            return false;
        case ScriptedAnswer::Then::repeat:
            while (send_all_of(socket, answer.again)) {
            }
            return false;
        case ScriptedAnswer::Then::drip:
            for (const char& byte : answer.again) {
                pollfd client{socket, POLLIN, 0};
                if (::poll(&client, 1, 10) != 0 || !send_all_of(socket, {&byte, 1})) return false;
            }
            return true;
        case ScriptedAnswer::Then::stall: {
            std::string ignored;
            while (receive_more(socket, ignored)) {  // until either side goes away
            }
            return false;
        }
    }
    return false;
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

S3Options options_for(const ScriptedServer& server, const std::string& prefix) {
    S3Options out;
    out.place = *parse_s3_url("s3://bucket" + (prefix.empty() ? "" : "/" + prefix) + "?endpoint=" + server.url() +
                              "&region=here");
    out.credentials.access_key = "key";
    out.credentials.secret_key = crypto::SecretBytes::copy_of(as_bytes("secret"));
    out.retry = {.attempts = 4, .first_delay_ms = 0, .max_delay_ms = 0};
    return out;
}

}  // namespace bae::s3
