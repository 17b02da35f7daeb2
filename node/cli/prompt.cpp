#include "node/cli/prompt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "node/files.h"
#include "node/interrupt.h"

namespace bae::node {
namespace {

constexpr size_t kMaxSecretBytes = 8192;

class Terminal {
  public:
    static Result<Terminal> open() {
        const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (descriptor < 0) return fail(ErrorKind::denied, "there is no terminal to ask on");
        return Terminal(descriptor);
    }
    ~Terminal() {
        if (descriptor_ < 0) return;
        if (hidden_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
        close(descriptor_);
    }
    Terminal(Terminal&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), hidden_(other.hidden_), before_(other.before_) {}
    Terminal& operator=(Terminal&&) = delete;

    void hide() {
        if (tcgetattr(descriptor_, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        hidden_ = tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
    }
    void say(std::string_view text) {
        while (!text.empty()) {
            const ssize_t put = write(descriptor_, text.data(), text.size());
            if (put <= 0) return;
            text.remove_prefix(static_cast<size_t>(put));
        }
    }
    int descriptor() const { return descriptor_; }

  private:
    explicit Terminal(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
    bool hidden_ = false;
    termios before_{};
};

// Up to the end of the line; byte by byte, because what follows belongs to somebody else.
Result<crypto::SecretBytes> read_line(int descriptor) {
    crypto::SecretBytes buffer(kMaxSecretBytes);
    size_t size = 0;
    while (size < kMaxSecretBytes) {
        const ssize_t got = read(descriptor, buffer.span().data() + size, 1);
        if (got < 0 && errno == EINTR && !interrupted()) continue;
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        if (got < 0) return tl::unexpected<Error>(errno_error(errno, "reading the answer"));
        if (got == 0 || buffer.view()[size] == std::byte{'\n'}) break;
        ++size;
    }
    while (size > 0 && buffer.view()[size - 1] == std::byte{'\r'}) --size;
    return crypto::SecretBytes::copy_of(buffer.view().first(size));
}

Result<crypto::SecretBytes> ask(std::string_view question, bool hidden) {
    TRY(crypto::initialize());
    Terminal terminal = TRY(Terminal::open());
    if (hidden) terminal.hide();
    terminal.say(fmt::format("{} ", question));
    Result<crypto::SecretBytes> answer = read_line(terminal.descriptor());
    if (hidden) terminal.say("\n");
    return answer;
}

}  // namespace

Result<crypto::SecretBytes> ask_secret(std::string_view question) { return ask(question, true); }

Result<crypto::SecretBytes> ask_new_secret(std::string_view question) {
    while (true) {
        crypto::SecretBytes first = TRY(ask(question, true));
        if (first.empty()) continue;
        const crypto::SecretBytes second = TRY(ask("again:", true));
        if (equal(first.view(), second.view())) return first;
    }
}

Result<crypto::SecretBytes> ask_line(std::string_view question) { return ask(question, false); }

Result<bool> ask_yes(std::string_view question) {
    const crypto::SecretBytes answer = TRY(ask(fmt::format("{} [y/N]", question), false));
    return !answer.empty() && (answer.view()[0] == std::byte{'y'} || answer.view()[0] == std::byte{'Y'});
}

namespace {

crypto::SecretBytes last_line(ByteView text) {
    std::string_view rest = as_text(text);
    while (!rest.empty() && std::string_view(" \t\r\n").find(rest.back()) != rest.npos) rest.remove_suffix(1);
    const size_t end = rest.rfind('\n');
    if (end != rest.npos) rest.remove_prefix(end + 1);
    return crypto::SecretBytes::copy_of(as_bytes(rest));
}

Result<crypto::SecretBytes> last_line_of_input() {
    if (isatty(STDIN_FILENO)) return read_line(STDIN_FILENO);
    crypto::SecretBytes buffer(kMaxSecretBytes);
    size_t size = 0;
    while (size < kMaxSecretBytes) {
        const ssize_t got = read(STDIN_FILENO, buffer.span().data() + size, kMaxSecretBytes - size);
        if (got < 0 && errno == EINTR && !interrupted()) continue;
        if (interrupted()) return fail(ErrorKind::cancelled, "interrupted");
        if (got < 0) return tl::unexpected<Error>(errno_error(errno, "reading standard input"));
        if (got == 0) break;
        size += static_cast<size_t>(got);
    }
    return last_line(buffer.view().first(size));
}

Result<crypto::SecretBytes> ask_argument(std::string_view what) {
    Result<crypto::SecretBytes> answer = ask_secret(fmt::format("{}:", what));
    if (answer || answer.error().kind != ErrorKind::denied) return answer;
    return fail(
        ErrorKind::denied,
        fmt::format("there is no terminal to ask for the {} on: give it as '-' (standard input) or '@FILE'", what));
}

}  // namespace

Result<crypto::SecretBytes> secret_argument(const std::optional<std::string>& argument, std::string_view what,
                                            Output& out) {
    TRY(crypto::initialize());
    if (!argument) return ask_argument(what);
    if (*argument == "-") return last_line_of_input();
    if (argument->starts_with("@")) {
        const File file = TRY(File::open_to_read(argument->substr(1)));
        crypto::SecretBytes buffer(kMaxSecretBytes);
        const size_t size = TRY(file.read(0, buffer.span()));
        return last_line(buffer.view().first(size));
    }
    out.warn(
        fmt::format("a {0} on the command line can be read by other users of this machine while bae runs; give it as "
                    "'-' or '@FILE'",
                    what));
    return crypto::SecretBytes::copy_of(as_bytes(*argument));
}

}  // namespace bae::node
