#pragma once
// The S3 servers that the fixture s3_servers started, and the fault proxy, for tests in C++.
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bae::servers {

struct Server {
    std::string missing;  // why there is none; empty: there is
    std::string endpoint, region, bucket, access_key, secret_key;
};

// "radosgw" or "swift", from the file that $BAE_S3_SERVERS names. All tests share its one bucket.
Server shared_server(std::string_view kind);

// tools/fault-proxy as a process, from its making to its end (of the thread that made it at the latest).
class FaultProxy {
  public:
    FaultProxy(const Server& server, std::vector<std::string> options);
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;
    const std::string& url() const { return url_; }

    // JSON as `tools/fault-proxy --help` has it.
    void set_faults(const std::string& rates) { ask("POST /faults", rates); }  // all of them anew
    void next(const std::string& order) { ask("POST /next", order); }
    uint64_t requests(std::string_view kind);  // so far

  private:
    std::string ask(const std::string& request, const std::string& body);  // the body of the answer

    std::string url_;
    uint16_t control_port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace bae::servers
