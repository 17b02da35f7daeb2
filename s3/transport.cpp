#include "s3/transport.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <list>

#include "s3/endpoint.h"
#include "s3/foreign_text.h"
#include "s3/transport_failure.h"

namespace bae::s3 {
namespace {

constexpr size_t kSmallBody = 16 * 1024;     // waits for no limit: rows do not queue behind audio
constexpr long kBuffer = 256 * 1024;         // stays in a core's cache between the socket and its destination
constexpr long kLimitedBuffer = 16 * 1024;   // fine enough for a limit to be even
constexpr int64_t kLongestWait_ms = 60'000;  // of one poll
constexpr int64_t kLeastMoved = 1024;        // within a stall timeout
constexpr int kSlowPosts = 20;               // stall timeouts with less

void start_curl_once() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(started == CURLE_OK);
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

struct EasyCloser {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct HeaderListCloser {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;
using HeaderList = std::unique_ptr<curl_slist, HeaderListCloser>;

// One transfer under way.
struct Running {
    Running(Transfer& to_run, const TransportOptions& with, Easy handle)
        : transfer(to_run), options(with), easy(std::move(handle)) {}
    Transfer& transfer;
    const TransportOptions& options;
    Easy easy;
    HeaderList headers;
    size_t read = 0;          // bytes of the body handed to libcurl
    uint64_t granted = 0;     // bytes of the answer that the limit let pass and that did not come yet
    uint64_t held_back = 0;   // bytes of the answer that libcurl keeps until the limit lets them pass
    bool body_waits = false;  // for the limit
    int requests_sent = 0;    // the head went out so often
    bool has_head = false;    // of an answer, or its beginning
    int64_t since_ms = 0;     // enough had moved then,
    int64_t moved = 0;        // and so many bytes since
    int slow_times = 0;
    curl_off_t seen_out = 0;  // bytes of the body that had left this machine when that was last looked at
    char error[CURL_ERROR_SIZE] = {};

    void count_from(int64_t now_ms) {
        since_ms = now_ms;
        moved = 0;
    }
};

Running& running(void* user) { return *static_cast<Running*>(user); }

size_t on_head_line(char* line, size_t size, size_t count, void* user) {
    Running& self = running(user);
    self.moved += static_cast<int64_t>(size * count);
    if (!std::exchange(self.has_head, true)) self.count_from(steady_ms());  // a small answer has its own time
    return self.transfer.take_head_line({line, size * count}) ? size * count : 0;
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
    Running& self = running(user);
    const size_t length = size * count;
    const int64_t now_ms = steady_ms();
    RateLimit* const limit = self.options.download_limit;
    const bool waits = self.transfer.length.value_or(UINT64_MAX) > kSmallBody;
    if (limit != nullptr && !waits) limit->take(length, now_ms);
    if (limit != nullptr && waits) {
        self.held_back = 0;
        if (self.granted < length) self.granted += limit->take(length - self.granted, now_ms);
        if (self.granted < length) {
            self.held_back = length;
            return CURL_WRITEFUNC_PAUSE;
        }
        self.granted -= length;
    }
    self.moved += static_cast<int64_t>(length);
    return self.transfer.take_body(as_bytes({data, length})) ? length : 0;
}

size_t on_read(char* out, size_t size, size_t count, void* user) {
    Running& self = running(user);
    const ByteView body = self.transfer.body;
    size_t length = std::min(size * count, body.size() - self.read);
    RateLimit* const limit = self.options.upload_limit;
    if (limit != nullptr && length > 0) {
        length = static_cast<size_t>(limit->take(length, steady_ms()));
        self.body_waits = length == 0;
        if (length == 0) return CURL_READFUNC_PAUSE;
    }
    std::copy_n(reinterpret_cast<const char*>(body.data()) + self.read, length, out);
    self.read += length;
    return length;
}

// A dead connection is noticed when the request is on its way: libcurl then sends it again over another.
int on_seek(void* user, curl_off_t offset, int) {
    running(user).read = static_cast<size_t>(offset);
    return CURL_SEEKFUNC_OK;
}

int on_request(void* user, char*, char*, int, int) {
    Running& self = running(user);
    self.requests_sent++;
    self.has_head = false;
    self.seen_out = 0;
    self.count_from(steady_ms());
    return CURL_PREREQFUNC_OK;
}

std::string origin_of(const std::string& url) { return url.substr(0, url.find('/', url.find("://") + 3)); }
std::string host_of_url(const std::string& url) { return shown(origin_of(url).substr(url.find("://") + 3)); }

void set_limits(CURL* easy, const TransportOptions& options) {
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
    set(easy, CURLOPT_BUFFERSIZE, options.download_limit ? kLimitedBuffer : kBuffer);
    set(easy, CURLOPT_UPLOAD_BUFFERSIZE, options.upload_limit ? kLimitedBuffer : kBuffer);
}

void set_security(CURL* easy, const TransportOptions& options, const std::string& url) {
    const bool loopback = is_loopback(authority_of(origin_of(url)));
    CHECK(url.starts_with("https://") || loopback);  // signatures and objects in the clear
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);  // the signature covers the host
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (loopback) set(easy, CURLOPT_PROXY, "");
    if (options.ca_file.empty()) return;
    set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void set_callbacks(Running& self) {
    CURL* const easy = self.easy.get();
    set(easy, CURLOPT_PRIVATE, &self);
    set(easy, CURLOPT_ERRORBUFFER, self.error);
    set(easy, CURLOPT_HEADERFUNCTION, on_head_line);
    set(easy, CURLOPT_HEADERDATA, &self);
    set(easy, CURLOPT_WRITEFUNCTION, on_body);
    set(easy, CURLOPT_WRITEDATA, &self);
    set(easy, CURLOPT_PREREQFUNCTION, on_request);
    set(easy, CURLOPT_PREREQDATA, &self);
}

void set_body(Running& self) {
    CURL* const easy = self.easy.get();
    const auto size = static_cast<curl_off_t>(self.transfer.body.size());
    if (self.transfer.body.size() <= kSmallBody) {
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
        set(easy, CURLOPT_POSTFIELDS, size == 0 ? "" : reinterpret_cast<const char*>(self.transfer.body.data()));
        if (self.options.upload_limit) self.options.upload_limit->take(self.transfer.body.size(), steady_ms());
    } else {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_INFILESIZE_LARGE, size);
        set(easy, CURLOPT_READFUNCTION, on_read);
        set(easy, CURLOPT_READDATA, &self);
        set(easy, CURLOPT_SEEKFUNCTION, on_seek);
        set(easy, CURLOPT_SEEKDATA, &self);
    }
}

HeaderList header_list(const Headers& headers) {
    // "Expect: 100-continue" costs a round trip and saves nothing: gateways evaluate conditions after the body.
    HeaderList list(curl_slist_append(nullptr, "Expect:"));
    for (const auto& [name, value] : headers) {
        if (value.empty()) continue;
        std::string line = name;
        line.append(": ").append(value);
        curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
        CHECK(longer != nullptr);
        static_cast<void>(list.release());
        list.reset(longer);
    }
    return list;
}

void set_request(Running& self) {
    CURL* const easy = self.easy.get();
    const Transfer& transfer = self.transfer;
    self.headers = header_list(transfer.headers);
    set(easy, CURLOPT_URL, transfer.url.c_str());
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_HTTPHEADER, self.headers.get());
    set(easy, CURLOPT_USERAGENT, "bae");
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // whoever gives up does not wait for a name that is still asked for
    set(easy, CURLOPT_FRESH_CONNECT, transfer.fresh ? 1L : 0L);
    set(easy, CURLOPT_TCP_NODELAY, 1L);
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (transfer.method == "HEAD") set(easy, CURLOPT_NOBODY, 1L);
    if (transfer.method == "PUT" || transfer.method == "POST") set_body(self);
    if (transfer.method != "HEAD") set(easy, CURLOPT_CUSTOMREQUEST, transfer.method.c_str());
}

Error failure_of(const Running& self, CURLcode code) {
    FailedTransfer failed{.code = code, .host = host_of_url(self.transfer.url), .ca_file = self.options.ca_file};
    failed.words = self.error[0] != '\0' ? self.error : curl_easy_strerror(code);
    curl_easy_getinfo(self.easy.get(), CURLINFO_SSL_VERIFYRESULT, &failed.verified);
    return failure_of(failed);
}

}  // namespace

int64_t steady_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

struct Transport::State {
    explicit State(const TransportOptions& with) : options(with), multi((start_curl_once(), curl_multi_init())) {
        CHECK(multi != nullptr);
    }
    ~State() {
        drop_all();
        spare.clear();
        curl_multi_cleanup(multi);
    }

    void start(Transfer& transfer);
    void drop_all();
    void perform();
    void collect(std::vector<Transfer*>& ended);
    void finish(Running& self, CURLcode code, std::vector<Transfer*>& ended);
    void let_pass(int64_t now_ms);
    void end_stalled(int64_t now_ms, std::vector<Transfer*>& ended);
    int64_t poll_time(int64_t timeout_ms) const;

    const TransportOptions options;
    CURLM* multi;
    std::list<Running> under_way;
    std::vector<Easy> spare;  // of transfers that succeeded
};

void Transport::State::start(Transfer& transfer) {
    Easy easy;
    if (spare.empty()) {
        easy.reset(curl_easy_init());
        CHECK(easy != nullptr);
    } else {
        easy = std::move(spare.back());
        spare.pop_back();
        curl_easy_reset(easy.get());  // keeps connections, names and TLS sessions
    }
    Running& self = under_way.emplace_back(transfer, options, std::move(easy));
    set_limits(self.easy.get(), options);
    set_security(self.easy.get(), options, transfer.url);
    set_callbacks(self);
    set_request(self);
    CHECK(curl_multi_add_handle(multi, self.easy.get()) == CURLM_OK);
}

void Transport::State::drop_all() {
    for (Running& self : under_way) curl_multi_remove_handle(multi, self.easy.get());
    under_way.clear();
}

void Transport::State::perform() {
    int still_running = 0;
    CHECK(curl_multi_perform(multi, &still_running) == CURLM_OK);
}

void Transport::State::collect(std::vector<Transfer*>& ended) {
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* user = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        finish(running(user), message->data.result, ended);
    }
}

void Transport::State::finish(Running& self, CURLcode code, std::vector<Transfer*>& ended) {
    Transfer& transfer = self.transfer;
    curl_off_t sent = 0;
    curl_easy_getinfo(self.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
    transfer.sent = static_cast<uint64_t>(sent);
    transfer.repeated = self.requests_sent > 1;
    const bool we_ended_it = code == CURLE_WRITE_ERROR && transfer.answer.status != 0;
    if (code == CURLE_OK)
        transfer.take_end();
    else if (!transfer.failure && !we_ended_it)
        transfer.failure = failure_of(self, code);
    ended.push_back(&transfer);
    curl_multi_remove_handle(multi, self.easy.get());
    // After a failure a handle may keep its buffers, and then refuses their sizes when it is set up again.
    if (code == CURLE_OK) spare.push_back(std::move(self.easy));
    under_way.remove_if([&](const Running& one) { return &one == &self; });
}

// Goes on with what waited for a limit. They take turns: servers end a connection on which nothing moves.
void Transport::State::let_pass(int64_t now_ms) {
    std::list<Running> served;
    bool one_may_send = options.upload_limit != nullptr && options.upload_limit->wait_ms(now_ms) == 0;
    for (auto at = under_way.begin(); at != under_way.end();) {
        const auto here = at++;
        Running& self = *here;
        if (!self.body_waits && self.held_back == 0) continue;
        self.count_from(now_ms);
        const bool sends = self.body_waits && std::exchange(one_may_send, false);
        const uint64_t had = self.granted;
        if (self.held_back > self.granted)
            self.granted += options.download_limit->take(self.held_back - self.granted, now_ms);
        const bool receives = self.granted != had;
        const bool goes_on = sends || (self.held_back > 0 && self.granted >= self.held_back);
        if (sends || receives) served.splice(served.end(), under_way, here);
        if (goes_on) curl_easy_pause(self.easy.get(), CURLPAUSE_CONT);
    }
    under_way.splice(under_way.end(), served);
}

// What libcurl has sent may still lie in the kernel, for minutes on a slow link: that share shrinks as it goes out.
static void count_sent(Running& self) {
    curl_off_t sent = 0;
    curl_socket_t socket = CURL_SOCKET_BAD;
    int unsent = 0;
    curl_easy_getinfo(self.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(self.easy.get(), CURLINFO_ACTIVESOCKET, &socket);
    if (socket != CURL_SOCKET_BAD && ioctl(socket, SIOCOUTQ, &unsent) != 0) unsent = 0;
    const curl_off_t out = std::max<curl_off_t>(self.seen_out, sent - unsent);
    self.moved += out - std::exchange(self.seen_out, out);
}

// Servers that join the parts of an upload send a space now and then.
static bool tells_of_work(Running& self) {
    return self.transfer.method == "POST" && self.moved > 0 && self.slow_times++ < kSlowPosts;
}

void Transport::State::end_stalled(int64_t now_ms, std::vector<Transfer*>& ended) {
    for (auto at = under_way.begin(); at != under_way.end();) {
        Running& self = *at++;
        if (self.requests_sent == 0) continue;  // libcurl ends a connection that takes too long
        count_sent(self);
        if (self.moved >= kLeastMoved) self.count_from(now_ms);
        if (now_ms - self.since_ms < options.stall_timeout_ms) continue;
        if (tells_of_work(self)) {
            self.count_from(now_ms);
            continue;
        }
        self.transfer.failure =
            Error{ErrorKind::retry, "less than 1 KiB moved to or from " + host_of_url(self.transfer.url) + " within " +
                                        std::to_string(options.stall_timeout_ms) + " ms"};
        finish(self, CURLE_OPERATION_TIMEDOUT, ended);
    }
}

int64_t Transport::State::poll_time(int64_t timeout_ms) const {
    const int64_t now_ms = steady_ms();
    int64_t wait_ms = std::clamp<int64_t>(timeout_ms, 0, kLongestWait_ms);
    for (const Running& self : under_way) {
        wait_ms = std::min(wait_ms, std::max<int64_t>(1, options.stall_timeout_ms / 4));
        if (self.body_waits) wait_ms = std::min(wait_ms, std::max<int64_t>(1, options.upload_limit->wait_ms(now_ms)));
        if (self.held_back > 0)
            wait_ms = std::min(wait_ms, std::max<int64_t>(1, options.download_limit->wait_ms(now_ms)));
    }
    return wait_ms;
}

Transport::Transport(const TransportOptions& options) : state_(std::make_unique<State>(options)) {}
Transport::~Transport() = default;
void Transport::start(Transfer& transfer) { state_->start(transfer); }
void Transport::drop_all() { state_->drop_all(); }

std::vector<Transfer*> Transport::wait(int64_t timeout_ms) {
    std::vector<Transfer*> ended;
    state_->perform();
    state_->collect(ended);
    if (!ended.empty()) return ended;
    curl_multi_poll(state_->multi, nullptr, 0, static_cast<int>(state_->poll_time(timeout_ms)), nullptr);
    state_->let_pass(steady_ms());
    state_->perform();
    state_->collect(ended);
    state_->end_stalled(steady_ms(), ended);
    return ended;
}

}  // namespace bae::s3
