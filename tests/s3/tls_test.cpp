// Certificates of a private authority, made by openssl(1) as the tests run, served by Python's HTTPS server.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "s3/s3_bucket.h"
#include "s3/scratch_directory.h"

namespace bae::s3 {
namespace {

namespace fs = std::filesystem;

// Every certificate is by `ca`, but for the one of a stranger.
constexpr std::string_view kMakeCertificates = R"(
set -e
cat >ca.conf <<CONF
[ca]
default_ca = own
[own]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
CONF
touch index.txt
echo 01 >serial
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -addext basicConstraints=critical,CA:TRUE -out "$1.pem"
}
issue() { # name, host, authority, from, until
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -addext "subjectAltName=$2" -out "$1.csr"
    openssl ca -batch -notext -config ca.conf -keyfile "$3.key" -cert "$3.pem" -startdate "$4" -enddate "$5" -in "$1.csr" -out "$1.pem"
}
authority ca
authority stranger
issue good DNS:localhost,IP:127.0.0.1 ca 20200101000000Z 20490101000000Z
issue other DNS:other.example ca 20200101000000Z 20490101000000Z
issue expired DNS:localhost ca 20200101000000Z 20200201000000Z
issue future DNS:localhost ca 20480101000000Z 20490101000000Z
issue unknown DNS:localhost stranger 20200101000000Z 20490101000000Z
)";

constexpr std::string_view kServe = R"(
import http.server, socket, socketserver, ssl, struct, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def do_PUT(self):
        self.rfile.read(100000)
        self.close_connection = True
    def log_message(self, *words): pass
class Deaf(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(100000)
        if sys.argv[2] == "plain":
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif sys.argv[2] == "alert":
            self.request.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal: handshake_failure
        else:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()
if sys.argv[2] in ("plain", "alert", "reset"):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Deaf)
    server.handle_error = lambda *_: None
    print(server.server_address[1], flush=True)
    server.serve_forever()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + ".pem", sys.argv[1] + ".key")
if sys.argv[2] == "old":
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
server.handle_error = lambda *_: None
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_port, flush=True)
server.serve_forever()
)";

class HttpsServer {
  public:
    HttpsServer(const fs::path& directory, const std::string& certificate, const std::string& version) {
        int ends[2] = {};
        CHECK(::pipe(ends) == 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::dup2(ends[1], STDOUT_FILENO);
            ::close(ends[0]);
            if (::chdir(directory.c_str()) == 0)
                ::execlp("python3", "python3", "-W", "ignore", "-c", kServe.data(), certificate.c_str(),
                         version.c_str(), nullptr);
            ::_exit(1);
        }
        ::close(ends[1]);
        for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) port_ = 10 * port_ + (c - '0');
        ::close(ends[0]);
    }
    ~HttpsServer() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    HttpsServer(const HttpsServer&) = delete;
    HttpsServer& operator=(const HttpsServer&) = delete;
    int port() const { return port_; }

  private:
    pid_t child_ = 0;
    int port_ = 0;
};

class Tls : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        directory_ = std::make_unique<ScratchDirectory>();
        std::ofstream(directory_->path() / "make.sh") << kMakeCertificates;
        const std::string command = "cd '" + directory_->path().string() + "' && sh make.sh >log 2>&1";
        made_ = ::system(command.c_str()) == 0;
    }
    static void TearDownTestSuite() { directory_.reset(); }

    void SetUp() override {
        std::ifstream log(directory_->path() / "log");
        ASSERT_TRUE(made_) << std::string(std::istreambuf_iterator<char>(log), {});
    }

    template <class Call>
    auto ask(const std::string& certificate, const std::string& host, const std::string& ca, const std::string& version,
             Call call) -> decltype(call(std::declval<Bucket&>())) {
        const HttpsServer server(directory_->path(), certificate, version);
        if (server.port() == 0) return fail(ErrorKind::internal, "python3 did not start");
        host_ = host + ":" + std::to_string(server.port());
        S3Options options;
        options.place = TRY(parse_s3_url("s3://bucket?region=here&endpoint=https://" + host_));
        options.credentials.access_key = "key";
        options.credentials.secret_key = crypto::SecretBytes::copy_of(as_bytes("secret"));
        options.retry = {.attempts = 2, .first_delay_ms = 0, .max_delay_ms = 0};
        options.on_retry = [this](const Error&, int, int64_t) { retries_++; };
        if (!ca.empty()) options.ca_file = (directory_->path() / ca).string();
        const auto bucket = TRY(open_s3_bucket(std::move(options), crypto::system_random()));
        return call(*bucket);
    }

    Result<Bytes> get_from(const std::string& certificate, const std::string& host = "localhost",
                           const std::string& ca = "ca.pem", const std::string& version = "new") {
        return ask(certificate, host, ca, version, [](Bucket& bucket) { return bucket.get("a", 10); });
    }

    void expect_denied(const Result<Bytes>& got, const std::string& words) const {
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, ErrorKind::denied) << got.error().message;
        EXPECT_NE(got.error().message.find("the certificate of " + host_ + words), std::string::npos)
            << got.error().message;
        EXPECT_EQ(retries_, 0);
    }

    static std::unique_ptr<ScratchDirectory> directory_;
    static bool made_;
    std::string host_;
    int retries_ = 0;
};
std::unique_ptr<ScratchDirectory> Tls::directory_;
bool Tls::made_ = false;

TEST_F(Tls, ACertificateOfTheNamedAuthorityIsAccepted) {
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        const auto got = get_from("good", host);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(as_text(*got), "hello");
    }
}

TEST_F(Tls, AnUnknownAuthorityIsRefusedAndTheSettingNamed) {
    expect_denied(get_from("unknown"), " is by an authority this machine does not know");
    expect_denied(get_from("good", "localhost", ""), " is by an authority this machine does not know");
    expect_denied(get_from("good", "localhost", "stranger.pem"), " is by an authority this machine does not know");
    EXPECT_NE(get_from("unknown").error().message.find("bucket.ca_file"), std::string::npos);
}

TEST_F(Tls, AnotherNameIsRefused) {
    expect_denied(get_from("other"), " is for another name");
    expect_denied(get_from("other", "127.0.0.1"), " is for another name");
}

TEST_F(Tls, WhatHasExpiredIsRefused) { expect_denied(get_from("expired"), " has expired"); }

TEST_F(Tls, WhatIsNotYetValidIsRefused) { expect_denied(get_from("future"), " is not valid yet"); }

TEST_F(Tls, AConnectionClosedDuringAnUploadIsTransient) {
    const Bytes large(8 << 20, std::byte{1});
    const auto put = ask("good", "localhost", "ca.pem", "new", [&](Bucket& bucket) { return bucket.put("a", large); });
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::retry) << put.error().message;
    EXPECT_EQ(retries_, 1);
}

TEST_F(Tls, AFileOfAuthoritiesThatCannotBeReadIsNamed) {
    for (const std::string file : {"absent.pem", "log"}) {
        const auto got = get_from("good", "localhost", file);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, ErrorKind::denied);
        EXPECT_NE(got.error().message.find("bucket.ca_file"), std::string::npos) << got.error().message;
    }
}

TEST_F(Tls, WhoSpeaksNoTlsOfOursIsNotAskedAgain) {
    for (const std::string version : {"old", "plain", "alert"}) {
        const auto got = get_from("good", "localhost", "ca.pem", version);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, ErrorKind::denied) << version << ": " << got.error().message;
        EXPECT_NE(got.error().message.find("no TLS 1.2 or newer with " + host_), std::string::npos)
            << got.error().message;
        EXPECT_NE(got.error().message.find("http:// is allowed for loopback only"), std::string::npos)
            << got.error().message;
        EXPECT_EQ(retries_, 0) << version;
    }
}

TEST_F(Tls, AConnectionThatBreaksOffInItsHandshakeIsTransient) {
    const auto got = get_from("good", "localhost", "ca.pem", "reset");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::retry) << got.error().message;
    EXPECT_EQ(retries_, 1);
}

}  // namespace
}  // namespace bae::s3
