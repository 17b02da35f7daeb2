#pragma once
// Errors as values. A function that can fail returns Result<T>; the kind says what the caller does next, the message
// names the thing and the remedy and grows on the way up (see `context`).
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace bae {

enum class ErrorKind {
    retry,           // transient (network, lock, storage busy): the same call may succeed later
    not_found,       // the thing does not exist
    conflict,        // something else stands where this should go
    denied,          // credentials or permissions: ask the person
    corrupt,         // bytes are not what they claim to be
    bad_signature,   // well-formed, but not signed by who should have
    invalid_input,   // the caller's or the person's input: change it
    unsupported,     // this storage, file or format cannot do that
    upgrade_needed,  // made by a newer version of this program
    cancelled,       // the person or the program asked to stop
    internal,        // a broken promise of this program or machine
};
std::string_view to_string(ErrorKind kind);

// What is behind an error where the program goes by it: nothing is ever read out of a message.
enum class Cause {
    other,
    locked,    // another process holds it
    no_space,  // disk or quota is full
};

struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string message;
    Cause cause = Cause::other;
    bool operator==(const Error&) const = default;
};

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}

// The same error with `what` in front: "cannot read head of 12ab..: <message>".
inline Error context(Error error, std::string_view what) {
    error.message = std::string(what) + ": " + error.message;
    return error;
}

// errno as an Error: ENOENT not_found, EACCES/EPERM/EROFS denied, ENOSPC/EAGAIN/EIO... as documented in result.cpp.
Error errno_error(int errno_value, std::string_view what);

namespace detail {
template <class T>
T take(Result<T>&& result) {
    return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace bae

// Names of their own, so that one TRY may stand inside another.
#define BAE_JOIN2(a, b) a##b
#define BAE_JOIN(a, b) BAE_JOIN2(a, b)
#define BAE_TRY(expression, result, on_error)                       \
    __extension__({                                                 \
        auto result = (expression);                                 \
        if (!result) return tl::unexpected<::bae::Error>(on_error); \
        ::bae::detail::take(std::move(result));                     \
    })
#define BAE_TRY_AS(expression, result) BAE_TRY(expression, result, std::move(result.error()))
#define BAE_TRY_CONTEXT_AS(expression, what, result) \
    BAE_TRY(expression, result, ::bae::context(std::move(result.error()), what))

// `auto value = TRY(call());` returns the error to the caller of the enclosing function, or yields the value.
#define TRY(expression) BAE_TRY_AS(expression, BAE_JOIN(try_result_, __COUNTER__))
// The same with words in front of the error's message.
#define TRY_CONTEXT(expression, what) BAE_TRY_CONTEXT_AS(expression, what, BAE_JOIN(try_result_, __COUNTER__))

// A broken invariant of this program aborts it; never used on input.
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) ::bae::check_failed(#condition, __FILE__, __LINE__); \
    } while (false)

namespace bae {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}
