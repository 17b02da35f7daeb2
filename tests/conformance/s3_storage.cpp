// Real S3 servers, bare and behind the fault proxy.
#include "conformance/s3_storage.h"

#include <random>

#include "conformance/storage.h"

namespace bae::s3::conformance {

std::string random_prefix() {
    std::string name = "conformance/";
    std::random_device random;
    for (int i = 0; i < 16; i++) name += "0123456789abcdef"[random() % 16];
    return name;
}

S3Options options_for(const servers::Server& server, const std::string& prefix, const std::string& endpoint) {
    S3Options options;
    options.place.bucket = server.bucket;
    options.place.prefix = prefix;
    options.place.endpoint = endpoint.empty() ? server.endpoint : endpoint;
    options.place.region = server.region;
    options.credentials.access_key = server.access_key;
    options.credentials.secret_key = crypto::SecretBytes::copy_of(as_bytes(server.secret_key));
    options.retry = {.attempts = 40, .first_delay_ms = 1, .max_delay_ms = 20, .give_up_after_ms = 60'000};
    options.part_bytes = 5 << 20;  // what the suite calls large goes in parts
    return options;
}

namespace {

// A prefix of its own in the bucket that all tests share.
class S3Storage : public Storage {
  public:
    explicit S3Storage(const char* server) : S3Storage(servers::shared_server(server), {}) {}
    std::unique_ptr<Bucket> open() override {
        auto opened = open_s3_bucket(options_for(server_, prefix_, endpoint_), crypto::system_random());
        CHECK(opened.has_value());
        return std::move(*opened);
    }

  protected:
    S3Storage(servers::Server server, std::string endpoint)
        : server_(std::move(server)), endpoint_(std::move(endpoint)) {}

  private:
    servers::Server server_;
    std::string endpoint_;
    std::string prefix_ = random_prefix();
};

// Every third request or so meets a fault that a client can do something about.
class FaultyS3Storage : public S3Storage {
  public:
    explicit FaultyS3Storage(const char* server) : FaultyS3Storage(servers::shared_server(server)) {}

  private:
    explicit FaultyS3Storage(const servers::Server& server)
        : FaultyS3Storage(server, std::make_unique<servers::FaultProxy>(server, faults())) {}
    FaultyS3Storage(const servers::Server& server, std::unique_ptr<servers::FaultProxy> proxy)
        : S3Storage(server, proxy->url()), proxy_(std::move(proxy)) {}

    static std::vector<std::string> faults() {
        const char* given = std::getenv("BAE_SEED");
        std::vector<std::string> options = {"--refuse",      "0.05", "--cut",    "0.05",
                                            "--lose-answer", "0.1",  "--status", "500:0.03,503:0.05,429:0.02,409:0.05"};
        if (given != nullptr) options.insert(options.end(), {"--seed", given});
        return options;
    }

    std::unique_ptr<servers::FaultProxy> proxy_;
};

template <class Kind>
StorageKind kind_over(const char* server, std::string name) {
    StorageKind kind{.name = std::move(name), .shared = true};
    kind.atomic = std::string_view(server) != "swift";  // it refuses conditions
    kind.slow = std::string_view(server) == "swift";
    kind.make = [server] { return std::make_unique<Kind>(server); };
    kind.missing = [server] { return servers::shared_server(server).missing; };
    return kind;
}

}  // namespace

std::vector<StorageKind> s3_kinds() {
    std::vector<StorageKind> kinds;
    for (const char* server : {"radosgw", "swift"}) {
        kinds.push_back(kind_over<S3Storage>(server, server));
        kinds.push_back(kind_over<FaultyS3Storage>(server, server + std::string("_through_faults")));
        kinds.back().repeats = true;
    }
    return kinds;
}

}  // namespace bae::s3::conformance
