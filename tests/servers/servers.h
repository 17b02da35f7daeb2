#pragma once
// The S3 servers that the fixture s3_servers started, and the fault proxy, for tests in C++.
#include <sys/types.h>

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
    const std::string& control_url() const { return control_url_; }

  private:
    pid_t pid_ = -1;
    std::string url_, control_url_;
};

}  // namespace bae::servers
