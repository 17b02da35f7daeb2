#include "dht/messages.h"

#include <limits>

#include "crypto/base/pack.h"

namespace bae::dht {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

constexpr size_t kNamesHeadBytes = 16;  // type, id, the array's count, the flag: at most

void pack(Packer& out, const HelloMessage& hello) {
    out.array(static_cast<uint32_t>(hello.versions.size()));
    for (const uint16_t version : hello.versions) out.uint(version);
    out.array(static_cast<uint32_t>(hello.purposes.size()));
    for (const uint8_t purpose : hello.purposes) out.uint(purpose);
}
void pack(Packer& out, const Heads& heads) {
    out.array(static_cast<uint32_t>(heads.heads.size()));
    for (const HeadObject& head : heads.heads) {
        out.array(2);
        out.text(head.path);
        out.bin(head.bytes);
    }
}
void pack(Packer& out, const Want& want) {
    out.text(want.path);
    out.uint(want.offset);
    out.uint(want.length);
}
void pack(Packer& out, const Object& object) {
    out.uint(object.size);
    out.bin(object.bytes);
}
void pack(Packer& out, const List& list) {
    out.text(list.prefix);
    out.text(list.after);
    out.uint(list.limit);
}
void pack(Packer& out, const Names& names) {
    out.array(static_cast<uint32_t>(names.names.size()));
    for (const Name& name : names.names) {
        out.array(2);
        out.text(name.path);
        out.uint(name.size);
    }
    out.boolean(names.more);
}
void pack(Packer&, const News&) {}
void pack(Packer& out, const Pair& pair) {
    out.uint(static_cast<uint64_t>(pair.step));
    out.bin(pair.sealed);
}
void pack(Packer& out, const Bye& bye) { out.uint(bye.reason); }
void pack(Packer& out, const Refused& refused) { out.uint(refused.reason); }
void pack(Packer&, const Unknown&) { CHECK(false); }

uint32_t field_count(MessageType type) {
    switch (type) {
        case MessageType::news:
            return 0;
        case MessageType::heads:
        case MessageType::bye:
        case MessageType::refused:
            return 1;
        case MessageType::want:
        case MessageType::list:
            return 3;
        default:
            return 2;
    }
}

// --- decoding -------------------------------------------------------------------------------------------------------

Result<std::string_view> unpack_path(Unpacker& in) {
    const std::string_view path = TRY(in.text(kMaxPathBytes));
    if (path.empty()) return fail(ErrorKind::corrupt, "an empty path");
    return path;
}

template <class Number>
Result<std::vector<Number>> unpack_ascending(Unpacker& in, uint32_t max_count) {
    std::vector<Number> out(TRY(in.array(max_count)));
    for (size_t i = 0; i < out.size(); i++) {
        out[i] = static_cast<Number>(TRY(in.uint(std::numeric_limits<Number>::max())));
        if (i > 0 && out[i] <= out[i - 1]) return fail(ErrorKind::corrupt, "numbers out of order");
    }
    return out;
}

Result<MessageBody> unpack_hello(Unpacker& in) {
    HelloMessage out;
    out.versions = TRY(unpack_ascending<uint16_t>(in, kMaxVersions));
    if (out.versions.empty()) return fail(ErrorKind::corrupt, "no version");
    out.purposes = TRY(unpack_ascending<uint8_t>(in, kMaxPurposes));
    return MessageBody(std::move(out));
}

Result<MessageBody> unpack_heads(Unpacker& in) {
    Heads out;
    out.heads.resize(TRY(in.array(kMaxHeads)));
    if (out.heads.empty()) return fail(ErrorKind::corrupt, "no head");
    for (HeadObject& head : out.heads) {
        TRY(in.array_exact(2));
        head.path = TRY(unpack_path(in));
        head.bytes = TRY(in.bin(kMaxHeadBytes));
        if (head.bytes.empty()) return fail(ErrorKind::corrupt, "an empty head");
    }
    return MessageBody(std::move(out));
}

Result<MessageBody> unpack_want(Unpacker& in) {
    Want out;
    out.path = TRY(unpack_path(in));
    out.offset = TRY(in.uint(kMaxObjectSize));
    out.length = static_cast<uint32_t>(TRY(in.uint(kMaxRangeBytes)));
    if (out.length == 0) return fail(ErrorKind::corrupt, "a range of no bytes");
    return MessageBody(out);
}

Result<MessageBody> unpack_object(Unpacker& in) {
    Object out;
    out.size = TRY(in.uint(kMaxObjectSize));
    out.bytes = TRY(in.bin(kMaxRangeBytes));
    if (out.bytes.size() > out.size) return fail(ErrorKind::corrupt, "more bytes than the object has");
    return MessageBody(out);
}

Result<MessageBody> unpack_list(Unpacker& in) {
    List out;
    out.prefix = TRY(in.text(kMaxPathBytes));
    out.after = TRY(in.text(kMaxPathBytes));
    out.limit = static_cast<uint32_t>(TRY(in.uint(kMaxNames)));
    if (out.limit == 0) return fail(ErrorKind::corrupt, "a listing of nothing");
    return MessageBody(out);
}

Result<MessageBody> unpack_names(Unpacker& in) {
    Names out;
    out.names.resize(TRY(in.array(kMaxNames)));
    std::string_view before;
    for (Name& name : out.names) {
        TRY(in.array_exact(2));
        name.path = TRY(unpack_path(in));
        name.size = TRY(in.uint(kMaxObjectSize));
        if (name.path <= before) return fail(ErrorKind::corrupt, "paths out of order");
        before = name.path;
    }
    out.more = TRY(in.boolean());
    return MessageBody(std::move(out));
}

Result<MessageBody> unpack_pair(Unpacker& in) {
    Pair out;
    const uint64_t step = TRY(in.uint(2));
    if (step == 0) return fail(ErrorKind::corrupt, "no such step of pairing");
    out.step = static_cast<Pair::Step>(step);
    out.sealed = TRY(in.bin(kMaxPairBytes));
    if (out.sealed.empty()) return fail(ErrorKind::corrupt, "an empty step of pairing");
    return MessageBody(out);
}

Result<MessageBody> unpack_body(MessageType type, Unpacker& in) {
    switch (type) {
        case MessageType::hello:
            return unpack_hello(in);
        case MessageType::heads:
            return unpack_heads(in);
        case MessageType::want:
            return unpack_want(in);
        case MessageType::object:
            return unpack_object(in);
        case MessageType::list:
            return unpack_list(in);
        case MessageType::names:
            return unpack_names(in);
        case MessageType::news:
            return MessageBody(News{});
        case MessageType::pair:
            return unpack_pair(in);
        case MessageType::bye:
            return MessageBody(Bye{static_cast<uint16_t>(TRY(in.uint(UINT16_MAX)))});
        case MessageType::refused:
            return MessageBody(Refused{static_cast<uint16_t>(TRY(in.uint(UINT16_MAX)))});
        default:
            return fail(ErrorKind::internal, "a reserved type is not unpacked");
    }
}

bool is_known(uint64_t type) {
    return (type >= 1 && type <= static_cast<uint64_t>(MessageType::pair)) ||
           type == static_cast<uint64_t>(MessageType::bye) || type == static_cast<uint64_t>(MessageType::refused);
}

}  // namespace

std::string_view explain(const Bye& bye) {
    switch (bye.reason) {
        case Bye::leaving:
            return "the other node left the network";
        case Bye::not_needed:
            return "the other node uses another session with this one";
        case Bye::over_budget:
            return "the other node found that this one asks too much of it";
        case Bye::not_understood:
            return "the other node did not understand this one";
        case Bye::certificate_expired:
            return "this device's certificate has expired by the other node's clock: a keeper has to renew it";
        case Bye::not_a_member:
            return "for the other node this device is not, or no longer, part of the library";
        default:
            return "the other node left for a reason that only newer programs know";
    }
}

Bye goodbye_for(CloseReason reason) {
    switch (reason) {
        case CloseReason::leaving:
        case CloseReason::silent:
            return {Bye::leaving};
        case CloseReason::not_needed:
            return {Bye::not_needed};
        case CloseReason::over_budget:
        case CloseReason::too_many_requests:
            return {Bye::over_budget};
        case CloseReason::certificate_expired:
            return {Bye::certificate_expired};
        case CloseReason::not_a_member:
        case CloseReason::removed:
            return {Bye::not_a_member};
        default:
            return {Bye::not_understood};
    }
}

MessageType type_of(const MessageBody& body) {
    return std::visit(
        Overloaded{[](const HelloMessage&) { return MessageType::hello; },
                   [](const Heads&) { return MessageType::heads; }, [](const Want&) { return MessageType::want; },
                   [](const Object&) { return MessageType::object; }, [](const List&) { return MessageType::list; },
                   [](const Names&) { return MessageType::names; }, [](const News&) { return MessageType::news; },
                   [](const Pair&) { return MessageType::pair; }, [](const Bye&) { return MessageType::bye; },
                   [](const Refused&) { return MessageType::refused; },
                   [](const Unknown&) -> MessageType { check_failed("an unknown type", __FILE__, __LINE__); }},
        body);
}

bool is_request(const MessageBody& body) {
    if (const auto* pair = std::get_if<Pair>(&body)) return pair->step == Pair::Step::request;
    return std::holds_alternative<Want>(body) || std::holds_alternative<List>(body);
}

bool is_answer(const MessageBody& body) {
    if (const auto* pair = std::get_if<Pair>(&body)) return pair->step == Pair::Step::answer;
    return std::holds_alternative<Object>(body) || std::holds_alternative<Names>(body) ||
           std::holds_alternative<Refused>(body);
}

bool belongs_to(const MessageBody& body, Purpose purpose) {
    if (std::holds_alternative<HelloMessage>(body) || std::holds_alternative<Bye>(body) ||
        std::holds_alternative<Refused>(body))
        return true;
    if (std::holds_alternative<Unknown>(body)) return false;
    return purpose == (std::holds_alternative<Pair>(body) ? Purpose::pairing : Purpose::library);
}

Lane lane_of(const MessageBody& body) {
    return std::holds_alternative<Object>(body) || std::holds_alternative<Names>(body) ? Lane::bulk : Lane::urgent;
}

// Whether a message keeps its limits is asked of the decoder: there is one list of them.
Result<Bytes> encode_message(RequestId id, const MessageBody& body) {
    const MessageType type = type_of(body);
    Bytes out;
    Packer packer(out);
    packer.array(2 + field_count(type));
    packer.uint(static_cast<uint64_t>(type));
    packer.uint(id);
    std::visit([&](const auto& fields) { pack(packer, fields); }, body);
    if (const auto read = decode_message(out); !read)
        return fail(ErrorKind::invalid_input, "message cannot be sent: " + read.error().message);
    return out;
}

Result<Message> decode_message(ByteView bytes) {
    if (bytes.size() > kMaxMessageBytes) return fail(ErrorKind::corrupt, "message: longer than 512 KiB");
    Unpacker in(bytes);
    Message out;
    const uint32_t count = TRY_CONTEXT(in.array(UINT16_MAX), "message");
    if (count < 2) return fail(ErrorKind::corrupt, "message: without type or id");
    const uint64_t type = TRY_CONTEXT(in.uint(UINT16_MAX), "message");
    out.id = TRY_CONTEXT(in.uint(), "message");
    if (!is_known(type)) {
        out.body = Unknown{static_cast<uint16_t>(type)};
        return out;
    }
    const auto known = static_cast<MessageType>(type);
    if (count != 2 + field_count(known)) return fail(ErrorKind::corrupt, "message: a wrong number of fields");
    out.body = TRY_CONTEXT(unpack_body(known, in), "message");
    TRY_CONTEXT(in.finish(), "message");
    if ((is_request(out.body) || is_answer(out.body)) != (out.id != 0))
        return fail(ErrorKind::corrupt, "message: an id where there is none, or none where there is one");
    return out;
}

void cut_to_fit(Names& names) {
    size_t size = kNamesHeadBytes;
    for (size_t i = 0; i < names.names.size(); i++) {
        size += names.names[i].path.size() + 1 + 3 + 9;  // array, text's length, number: at most
        if (size <= kMaxMessageBytes && i < kMaxNames) continue;
        names.names.resize(i);
        names.more = true;
        return;
    }
}

}  // namespace bae::dht
