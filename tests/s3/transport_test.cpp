#include "s3/transport.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <semaphore>

#include "s3/scripted_server.h"

static constexpr std::string_view kSlowName = "slow.invalid";
static constexpr int64_t kSlowName_ms = 4000;
static std::atomic<bool> slow_name_is_asked_for = false;
static std::counting_semaphore<> slow_name_may_fail(0);

// Instead of the C library's: name servers that do not answer keep it waiting.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
    static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if (name == nullptr || name != kSlowName) return real(name, service, hints, out);
    slow_name_is_asked_for = true;
    static_cast<void>(slow_name_may_fail.try_acquire_for(std::chrono::milliseconds(kSlowName_ms)));
    return EAI_AGAIN;
}

namespace bae::s3 {
namespace {

using Then = ScriptedAnswer::Then;

class TransportTest : public testing::Test {
  protected:
    void serve(ScriptedServer::Handler handler) { server = std::make_unique<ScriptedServer>(std::move(handler)); }
    void serve(ScriptedAnswer answer) {
        serve([answer](const ScriptedRequest&) { return answer; });
    }

    Transfer asking(const std::string& method = "GET", ByteView body = {}) const {
        Transfer out;
        out.method = method;
        out.url = server->url() + "/x";
        out.headers = {{"host", server->host()}, {"x-one", "1"}, {"x-empty", ""}};
        if (method == "PUT") out.headers.emplace_back("content-type", "application/octet-stream");
        out.body = body;
        out.max_body = 1 << 20;
        return out;
    }

    void run(Transfer& transfer) {
        if (!transport) transport = std::make_unique<Transport>(options);
        transport->start(transfer);
        while (transport->wait(100).empty()) {
        }
    }

    std::string got(Transfer transfer) {
        run(transfer);
        if (transfer.failure) return std::string(to_string(transfer.failure->kind)) + ": " + transfer.failure->message;
        return std::to_string(transfer.answer.status) + " " + std::string(as_text(transfer.answer.body));
    }

    TransportOptions options;
    std::unique_ptr<ScriptedServer> server;  // ends after the transport: what stalls in it is let go
    std::unique_ptr<Transport> transport;
};

TEST_F(TransportTest, SendsWhatItIsGivenAndReturnsTheAnswer) {
    serve(ScriptedAnswer::of(200, "hello", {{"X-Odd-CASE", " spaced "}}));
    Transfer transfer = asking();
    run(transfer);
    ASSERT_FALSE(transfer.failure) << transfer.failure->message;
    EXPECT_EQ(transfer.answer.status, 200);
    EXPECT_EQ(as_text(transfer.answer.body), "hello");
    EXPECT_EQ(header(transfer.answer, "x-odd-case"), "spaced");
    EXPECT_EQ(transfer.length, 5U);
    EXPECT_EQ(transfer.received, 5U);
    const ScriptedRequest request = server->requests().at(0);
    EXPECT_EQ(request.method + request.target, "GET/x");
    EXPECT_EQ(request.header("host"), server->host());
    EXPECT_EQ(request.header("x-one"), "1");
    EXPECT_FALSE(request.headers.contains("x-empty"));
    EXPECT_FALSE(request.headers.contains("accept-encoding"));
}

TEST_F(TransportTest, BodiesOfAllSizesArriveAndNothingIsAskedBefore) {
    serve(ScriptedAnswer::of(200));
    for (const size_t size : {size_t{0}, size_t{1}, size_t{16 * 1024}, size_t{16 * 1024 + 1}, size_t{3 << 20}}) {
        Bytes body(size);
        for (size_t i = 0; i < size; i++) body[i] = static_cast<std::byte>(i * 7 + i / 251);
        Transfer transfer = asking("PUT", body);
        run(transfer);
        EXPECT_FALSE(transfer.failure);
        EXPECT_EQ(transfer.sent, size);
        const ScriptedRequest request = server->requests().back();
        EXPECT_EQ(request.method, "PUT");
        EXPECT_TRUE(equal(as_bytes(request.body), body)) << size;
        EXPECT_EQ(request.header("content-length"), std::to_string(size));
        EXPECT_FALSE(request.headers.contains("expect"));
        EXPECT_FALSE(request.headers.contains("transfer-encoding"));
        EXPECT_EQ(request.header("content-type"), "application/octet-stream");
    }
}

TEST_F(TransportTest, KeepsTheConnectionForTheNextRequest) {
    serve(ScriptedAnswer::of(200, "x"));
    for (int i = 0; i < 5; i++) EXPECT_EQ(got(asking()), "200 x");
    EXPECT_EQ(got(asking("PUT", as_bytes("body"))), "200 x");
    EXPECT_EQ(got(asking("HEAD")), "200 ");
    EXPECT_EQ(server->connections(), 1);
}

TEST_F(TransportTest, TransfersRunSideBySide) {
    serve([&](const ScriptedRequest& request) { return ScriptedAnswer::of(200, std::to_string(request.connection)); });
    transport = std::make_unique<Transport>(options);
    std::vector<Transfer> transfers(4, asking());
    for (Transfer& transfer : transfers) transport->start(transfer);
    size_t ended = 0;
    while (ended < transfers.size()) ended += transport->wait(100).size();
    std::vector<std::string> connections;
    for (const Transfer& transfer : transfers) connections.emplace_back(as_text(transfer.answer.body));
    std::sort(connections.begin(), connections.end());
    EXPECT_EQ(connections, (std::vector<std::string>{"1", "2", "3", "4"}));
}

TEST_F(TransportTest, AConnectionThatDiedMeanwhileIsReplacedAndThatIsTold) {
    std::atomic<int> served = 0;
    serve(
        [&](const ScriptedRequest&) { return ++served == 2 ? ScriptedAnswer::none() : ScriptedAnswer::of(200, "x"); });
    EXPECT_EQ(got(asking()), "200 x");
    const Bytes body(100'000, std::byte{7});
    for (const ByteView sent : {ByteView(body), ByteView(body).first(10)}) {
        served = 1;
        Transfer transfer = asking("PUT", sent);
        run(transfer);
        ASSERT_FALSE(transfer.failure) << transfer.failure->message;
        EXPECT_TRUE(transfer.repeated);
        EXPECT_EQ(server->requests().back().body.size(), sent.size());
    }
    Transfer fresh = asking();
    run(fresh);
    EXPECT_FALSE(fresh.repeated);
}

TEST_F(TransportTest, ARedirectIsAnAnswerAndNotFollowed) {
    serve(ScriptedAnswer::of(307, "there", {{"Location", "/other"}}));
    EXPECT_EQ(got(asking()), "307 there");
    EXPECT_EQ(server->request_count(), 1U);
}

TEST_F(TransportTest, AnAnswerAfterAContinueIsTheAnswer) {
    serve(
        ScriptedAnswer::raw("HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    Transfer transfer = asking();
    run(transfer);
    EXPECT_EQ(as_text(transfer.answer.body), "ok");
    EXPECT_FALSE(header(transfer.answer, "x-old"));
}

TEST_F(TransportTest, AChunkedAnswerIsPutTogether) {
    serve(ScriptedAnswer::raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: 1\r\n\r\n"));
    EXPECT_EQ(got(asking()), "200 abcdefg");
}

TEST_F(TransportTest, BodiesThatAreCutOffAreTransient) {
    for (const std::string answer : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                     "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n", ""}) {
        serve(ScriptedAnswer::raw(answer));
        EXPECT_EQ(got(asking()).substr(0, 6), "retry:") << answer;
        transport.reset();
    }
}

TEST_F(TransportTest, ABodyWithoutAnyLengthIsNotBelievedToBeWhole) {
    serve(ScriptedAnswer::raw("HTTP/1.0 200 OK\r\n\r\nabc"));
    EXPECT_EQ(got(asking()), "corrupt: the answer does not say how long it is");
    serve(ScriptedAnswer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc"));
    EXPECT_EQ(got(asking()), "corrupt: the answer does not say how long it is");
}

TEST_F(TransportTest, WhatComesAfterTheAnnouncedBodyIsNotPartOfIt) {
    serve(ScriptedAnswer::raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(got(asking()), "200 abc");
    serve(ScriptedAnswer::of(200, "next"));
    EXPECT_EQ(got(asking()), "200 next");
}

TEST_F(TransportTest, TooManyBytesAreRefusedBeforeTheyAreReadOrAsTheyCome) {
    const std::string endless(1 << 16, 'x');
    serve(ScriptedAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000\r\n\r\n", Then::repeat, endless});
    Transfer announced = asking();
    run(announced);
    ASSERT_TRUE(announced.failure);
    EXPECT_EQ(announced.failure->kind, ErrorKind::corrupt);
    EXPECT_EQ(announced.received, 0U);
    serve(ScriptedAnswer{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Then::repeat,
                         "10000\r\n" + endless + "\r\n"});
    Transfer chunked = asking();
    run(chunked);
    ASSERT_TRUE(chunked.failure);
    EXPECT_EQ(chunked.failure->kind, ErrorKind::corrupt);
    EXPECT_LE(chunked.answer.body.size(), chunked.max_body);
}

TEST_F(TransportTest, HeadsThatDoNotEndAreRefused) {
    for (const std::string& again :
         {std::string("X-More: 1\r\n"), std::string(1000, 'x'), std::string("\r\nHTTP/1.1 100 Continue\r\n")}) {
        serve(ScriptedAnswer{"HTTP/1.1 200 OK\r\n", Then::repeat, again});
        const std::string told = got(asking());
        EXPECT_TRUE(told.starts_with("corrupt:") || told.starts_with("retry:")) << told.substr(0, 200);
        transport.reset();
    }
}

TEST_F(TransportTest, AnErrorBodyIsCutAndStaysAnAnswer) {
    serve(ScriptedAnswer{"HTTP/1.1 500 Oops\r\nContent-Length: 9000000000000\r\n\r\n", Then::repeat,
                         std::string(1 << 16, 'e')});
    Transfer transfer = asking();
    run(transfer);
    EXPECT_FALSE(transfer.failure);
    EXPECT_EQ(transfer.answer.status, 500);
    EXPECT_EQ(transfer.answer.body.size(), kMaxErrorBodyBytes);
}

TEST_F(TransportTest, WhatIsNoHttpIsCorrupt) {
    serve(ScriptedAnswer::raw("SSH-2.0-OpenSSH_9.2\r\n"));
    EXPECT_EQ(got(asking()).substr(0, 8), "corrupt:");
}

TEST_F(TransportTest, TheBodyGoesWhereThePlaceSays) {
    serve(ScriptedAnswer::of(206, "0123456789"));
    Bytes out(12, std::byte{'-'});
    Transfer transfer = asking();
    transfer.place = [&](const Transfer& head) -> Result<ByteSpan> {
        EXPECT_EQ(head.length, 10U);
        return ByteSpan(out).subspan(1, 10);
    };
    run(transfer);
    EXPECT_FALSE(transfer.failure);
    EXPECT_EQ(as_text(out), "-0123456789-");
    EXPECT_TRUE(transfer.answer.body.empty());

    transfer = asking();
    transfer.place = [&](const Transfer&) -> Result<ByteSpan> { return ByteSpan(out).first(9); };
    run(transfer);
    ASSERT_TRUE(transfer.failure);
    EXPECT_EQ(transfer.failure->kind, ErrorKind::corrupt);

    transfer = asking();
    transfer.place = [&](const Transfer&) -> Result<ByteSpan> { return fail(ErrorKind::unsupported, "no room"); };
    run(transfer);
    EXPECT_EQ(transfer.failure, (Error{ErrorKind::unsupported, "no room"}));
}

TEST_F(TransportTest, NothingForTooLongIsTransient) {
    options.stall_timeout_ms = 50;
    for (const std::string begun : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
        serve(ScriptedAnswer{begun, Then::stall, {}});
        Transfer transfer = asking();
        run(transfer);
        ASSERT_TRUE(transfer.failure);
        EXPECT_EQ(transfer.failure->kind, ErrorKind::retry);
        EXPECT_NE(transfer.failure->message.find(server->host()), std::string::npos);
        transport.reset();
    }
}

TEST_F(TransportTest, SingleBytesNowAndThenAreAStall) {
    options.stall_timeout_ms = 200;
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    serve(ScriptedAnswer{head, Then::drip, std::string(500, 'x')});
    Transfer transfer = asking();
    run(transfer);
    ASSERT_TRUE(transfer.failure);
    EXPECT_EQ(transfer.failure->kind, ErrorKind::retry);
    EXPECT_NE(transfer.failure->message.find("less than 1 KiB"), std::string::npos) << transfer.failure->message;
}

TEST_F(TransportTest, SingleBytesThatTellOfWorkOnAPostAreNone) {
    options.stall_timeout_ms = 200;
    const std::string spaces(60, ' ');
    serve(ScriptedAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n", Then::drip, spaces});
    EXPECT_EQ(got(asking("POST", as_bytes("x"))), "200 " + spaces);
    transport.reset();
    options.stall_timeout_ms = 20;  // but not for ever
    serve(ScriptedAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", Then::drip, std::string(3000, ' ')});
    EXPECT_EQ(got(asking("POST", as_bytes("x"))).substr(0, 5), "retry");
}

TEST_F(TransportTest, ANewRequestIsNotHeldUpByAStalledOne) {
    serve([](const ScriptedRequest& request) {
        return request.method == "GET" ? ScriptedAnswer::silence() : ScriptedAnswer::of(200);
    });
    transport = std::make_unique<Transport>(options);
    Transfer stalled = asking(), other = asking("PUT", as_bytes("x"));
    transport->start(stalled);
    transport->start(other);
    std::vector<Transfer*> ended;
    while (ended.empty()) ended = transport->wait(100);
    EXPECT_EQ(ended, std::vector<Transfer*>{&other});
    transport->drop_all();
}

TEST_F(TransportTest, LimitsHoldBackBothDirections) {
    RateLimit upload(200'000), download(200'000);
    options.upload_limit = &upload;
    options.download_limit = &download;
    const std::string large(120'000, 'z');
    serve(ScriptedAnswer::of(200, large));
    const int64_t before_ms = steady_ms();
    Transfer transfer = asking("PUT", as_bytes(large));
    run(transfer);
    ASSERT_FALSE(transfer.failure) << transfer.failure->message;
    EXPECT_EQ(as_text(transfer.answer.body), large);
    EXPECT_EQ(server->requests().back().body, large);
    // 120,000 bytes each way of which 50,000 are saved up at the beginning.
    EXPECT_GE(steady_ms() - before_ms, 600);
}

TEST_F(TransportTest, TransfersTakeTurnsAtALimit) {
    const std::string large(60'000, 'z');
    for (const bool upward : {true, false}) {
        RateLimit limit(200'000);
        (upward ? options.upload_limit : options.download_limit) = &limit;
        serve(ScriptedAnswer::of(200, upward ? "" : large));
        transport = std::make_unique<Transport>(options);
        std::vector<Transfer> transfers(3, asking(upward ? "PUT" : "GET", upward ? as_bytes(large) : ByteView()));
        limit.take(50'000, steady_ms());  // what is saved up
        const int64_t before_ms = steady_ms();
        for (Transfer& transfer : transfers) transport->start(transfer);
        std::vector<int64_t> took_ms;
        while (took_ms.size() < transfers.size())
            for (const Transfer* const ended : transport->wait(100)) {
                EXPECT_FALSE(ended->failure);
                took_ms.push_back(steady_ms() - before_ms);
            }
        EXPECT_GT(took_ms.front(), took_ms.back() * 6 / 10) << "the first waited for no other";
        transport.reset();
        options = {};
    }
}

TEST_F(TransportTest, WaitingForALimitIsNoStall) {
    RateLimit download(20'000);  // the first piece of 16 KiB waits for more than half a second
    options.download_limit = &download;
    options.stall_timeout_ms = 300;
    const std::string large(17'000, 'z');
    serve(ScriptedAnswer::of(200, large));
    EXPECT_EQ(got(asking()), "200 " + large);
}

TEST_F(TransportTest, SmallBodiesDoNotWaitForALimit) {
    RateLimit slow(1);
    options.upload_limit = &slow;
    options.download_limit = &slow;
    const std::string small(10'000, 'y');
    serve(ScriptedAnswer::of(200, small));
    for (int i = 0; i < 3; i++) EXPECT_EQ(got(asking("PUT", as_bytes(small))), "200 " + small);
}

TEST_F(TransportTest, AServerThatStopsReadingIsTransient) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // connects, and nobody accepts
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    options.stall_timeout_ms = 50;
    transport = std::make_unique<Transport>(options);
    const Bytes large(32 << 20, std::byte{1});  // more than the kernel takes
    Transfer transfer;
    transfer.method = "PUT";
    transfer.url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
    transfer.body = large;
    run(transfer);
    ::close(listener);
    ASSERT_TRUE(transfer.failure);
    EXPECT_EQ(transfer.failure->kind, ErrorKind::retry);
    EXPECT_NE(transfer.failure->message.find("less than 1 KiB"), std::string::npos) << transfer.failure->message;
    EXPECT_LT(transfer.sent, large.size());
}

TEST_F(TransportTest, ARefusedConnectionNamesTheHostAndWhatToDo) {
    serve(ScriptedAnswer::of(200));
    Transfer transfer = asking();
    const std::string host = server->host();
    server.reset();
    run(transfer);
    ASSERT_TRUE(transfer.failure);
    EXPECT_EQ(transfer.failure->kind, ErrorKind::retry);
    EXPECT_NE(transfer.failure->message.find("no connection to " + host + ": is the server running"), std::string::npos)
        << transfer.failure->message;
}

TEST_F(TransportTest, ANameThatIsNotFoundIsTransientAndMayBeAskedAgain) {
    serve(ScriptedAnswer::of(200, "x"));
    for (int i = 0; i < 3; i++) {
        Transfer transfer = asking();
        transfer.url = "https://nosuch.invalid/x";
        run(transfer);
        ASSERT_TRUE(transfer.failure);
        EXPECT_EQ(transfer.failure->kind, ErrorKind::retry);
        EXPECT_NE(transfer.failure->message.find(".invalid cannot be found"), std::string::npos)
            << transfer.failure->message;
    }
    EXPECT_EQ(got(asking()), "200 x");
}

TEST_F(TransportTest, LoopbackIsNotReachedThroughAProxy) {
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    ::setenv("all_proxy", "http://127.0.0.1:1", 1);
    serve(ScriptedAnswer::of(200, "x"));
    EXPECT_EQ(got(asking()), "200 x");
    ::unsetenv("http_proxy");
    ::unsetenv("all_proxy");
}

TEST_F(TransportTest, NothingGoesInTheClearToAnotherMachine) {
    Transfer transfer;
    transfer.method = "GET";
    transfer.url = "http://192.0.2.1/x";
    EXPECT_DEATH(Transport(options).start(transfer), "loopback");
}

TEST_F(TransportTest, GivingUpDoesNotWaitForAName) {
    serve(ScriptedAnswer::of(200));
    transport = std::make_unique<Transport>(options);
    Transfer transfer = asking();
    transfer.url = "https://" + std::string(kSlowName) + "/x";
    slow_name_is_asked_for = false;
    transport->start(transfer);
    while (!slow_name_is_asked_for) EXPECT_TRUE(transport->wait(10).empty());
    const int64_t before_ms = steady_ms();
    transport.reset();
    EXPECT_LT(steady_ms() - before_ms, kSlowName_ms / 2);
    slow_name_may_fail.release();
}

TEST(TransportPoolTest, TheTransportUsedLastIsTakenFirst) {
    ScriptedServer server(
        [](const ScriptedRequest& request) { return ScriptedAnswer::of(200, std::to_string(request.connection)); });
    TransportPool pool({});
    const auto connection = [&](TransportPool::Lease& lease) {
        Transfer transfer;
        transfer.method = "GET";
        transfer.url = server.url() + "/";
        transfer.max_body = 10;
        lease->start(transfer);
        while (lease->wait(100).empty()) {
        }
        return std::string(as_text(transfer.answer.body));
    };
    {
        auto first = pool.take();
        auto second = pool.take();
        EXPECT_EQ(connection(first), "1");
        EXPECT_EQ(connection(second), "2");
    }  // given back in reverse
    for (int i = 0; i < 3; i++) {
        auto again = pool.take();
        EXPECT_EQ(connection(again), "1");
    }
}

TEST(TransportPoolTest, ATransferThatIsGivenUpDoesNotReachTheNextUser) {
    ScriptedServer server([](const ScriptedRequest& request) {
        return request.path == "/stall" ? ScriptedAnswer::silence() : ScriptedAnswer::of(200, "next");
    });
    TransportPool pool({});
    {
        auto lease = pool.take();
        Transfer stalled;
        stalled.method = "GET";
        stalled.url = server.url() + "/stall";
        lease->start(stalled);
        lease->wait(1);
    }
    auto lease = pool.take();
    Transfer transfer;
    transfer.method = "GET";
    transfer.url = server.url() + "/";
    transfer.max_body = 10;
    lease->start(transfer);
    while (lease->wait(100).empty()) {
    }
    EXPECT_EQ(as_text(transfer.answer.body), "next");
}

}  // namespace
}  // namespace bae::s3
