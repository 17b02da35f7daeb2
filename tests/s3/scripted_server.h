#pragma once
// An HTTP server on loopback that answers what a test tells it to, however odd. One thread per connection.
#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/base/bytes.h"
#include "s3/s3_bucket.h"

namespace bae::s3 {

struct ScriptedRequest {
    std::string method, target;                  // "/bucket/key?query"
    std::string path, query;                     // its two halves, not decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    int connection = 0;  // counted from 1
    std::string header(const std::string& name) const;
    std::string parameter(const std::string& name) const;  // not decoded
    bool has_parameter(const std::string& name) const;
};

struct ScriptedAnswer {
    std::string bytes;  // as they go out
    enum class Then { keep, close, stall, repeat, drip } then = Then::keep;
    std::string again;  // repeat: sent until the client goes away; drip: a byte of it every 10 ms, then as `keep`

    // Well-formed; Content-Length is added.
    static ScriptedAnswer of(int status, std::string body = {},
                             std::vector<std::pair<std::string, std::string>> headers = {});
    static ScriptedAnswer error(int status, const std::string& code, const std::string& more = {},
                                std::vector<std::pair<std::string, std::string>> headers = {});
    static ScriptedAnswer raw(std::string bytes, Then then = Then::close) { return {std::move(bytes), then, {}}; }
    static ScriptedAnswer none() { return {{}, Then::close, {}}; }  // the connection is closed instead
    static ScriptedAnswer silence() { return {{}, Then::stall, {}}; }
};

class ScriptedServer {
  public:
    using Handler = std::function<ScriptedAnswer(const ScriptedRequest&)>;
    explicit ScriptedServer(Handler handler);  // called by one thread at a time
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    int port() const { return port_; }
    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string url() const { return "http://" + host(); }
    std::vector<ScriptedRequest> requests() const;    // so far
    void change(const std::function<void()>& what) {  // what the handler reads, while it is not called
        const std::lock_guard lock(mutex_);
        what();
    }
    size_t request_count() const { return requests().size(); }
    int connections() const { return connections_; }

  private:
    void accept_all();
    void serve(int socket, int number);
    bool answer(int socket, const ScriptedAnswer& answer);

    const Handler handler_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::vector<ScriptedRequest> requests_;
    std::vector<int> sockets_;
    bool ending_ = false;
    std::list<std::thread> threads_;
    std::thread accepting_;
};

// "s3://bucket?endpoint=<server>&region=here", a key and its secret; retries without pauses.
S3Options options_for(const ScriptedServer& server, const std::string& prefix = {});

}  // namespace bae::s3
