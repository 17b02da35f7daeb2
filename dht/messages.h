#pragma once
// What two nodes say to each other. A message is a canonical MessagePack array that begins with its type and a request
// id; here is the one table of all types, their fields and their limits.
//
//   type  name          id   fields after type and id
//   1     hello         0    versions: array of 1 to 16 uint below 65536, ascending; purposes: array of 0 to 16 uint
//   below
//                            256, ascending
//   2     heads         0    array of 1 to 256 [path, sealed object: bin of 1 byte to 256 KiB]
//   3     want          ask  path, offset: below 2^62, length: 1 to 256 KiB
//   4     object        ans  size of the whole object: below 2^62; the bytes wanted, fewer only at the object's end:
//   bin 5     list          ask  prefix: text of 0 to 512 bytes, after: the same, limit: 1 to 1000 6     names ans
//   array of 0 to 1000 [path, size: below 2^62], paths ascending; more follow: boolean 7     news          0    none:
//   "I have something new" 8     pair          ask  step: 1 request, 2 answer; sealed for the code: bin of 1 byte to 64
//   KiB
//                       ans
//   16    bye           0    reason: uint below 65536; the last of its session
//   17    refused       ans  reason: uint below 65536: why a request gets no answer
//   9 claim, 10 renew, 11 ask, 12 attestations, 13 grant, 14 grant-answer, 15 swarm: reserved
//
// A path is text of 1 to 512 bytes. "ask": the asker's own number, from 1, never again in its session; "ans": the
// number of the question. A whole message has at most 512 KiB. A message of an unknown type is skipped if it has no id,
// and answered `refused` if it has one: new types need no new version. Objects are bytes here: what they are, and
// whether they are genuine, is for whoever receives them.
//
// Texts and bytes point into what was decoded, or into the caller's memory on encoding.
#include <string_view>
#include <variant>
#include <vector>

#include "dht/frames.h"
#include "dht/hello.h"

namespace bae::dht {

enum class MessageType : uint16_t {
    hello = 1,
    heads = 2,
    want = 3,
    object = 4,
    list = 5,
    names = 6,
    news = 7,
    pair = 8,
    claim = 9,
    renew = 10,
    ask = 11,
    attestations = 12,
    grant = 13,
    grant_answer = 14,
    swarm = 15,
    bye = 16,
    refused = 17
};

using RequestId = uint64_t;

constexpr size_t kMaxPathBytes = 512;
constexpr size_t kMaxVersions = 16;
constexpr size_t kMaxPurposes = 16;
constexpr size_t kMaxHeads = 256;
constexpr size_t kMaxHeadBytes = 256 << 10;
constexpr size_t kMaxRangeBytes = 256 << 10;
constexpr size_t kMaxNames = 1000;
constexpr size_t kMaxPairBytes = 64 << 10;
constexpr uint64_t kMaxObjectSize = (uint64_t{1} << 62) - 1;

struct HelloMessage {
    std::vector<uint16_t> versions;
    std::vector<uint8_t> purposes;
    bool operator==(const HelloMessage&) const = default;
};
struct HeadObject {
    std::string_view path;
    ByteView bytes;
};
struct Heads {
    std::vector<HeadObject> heads;
};
struct Want {
    std::string_view path;
    uint64_t offset = 0;
    uint32_t length = 0;
};
struct Object {
    uint64_t size = 0;
    ByteView bytes;
};
struct List {
    std::string_view prefix;
    std::string_view after;
    uint32_t limit = kMaxNames;
};
struct Name {
    std::string_view path;
    uint64_t size = 0;
};
struct Names {
    std::vector<Name> names;
    bool more = false;
};
struct News {};
struct Pair {
    enum class Step : uint8_t { request = 1, answer = 2 };
    Step step = Step::request;
    ByteView sealed;
};
struct Bye {
    enum Reason : uint16_t {
        leaving = 1,
        not_needed = 2,
        over_budget = 3,
        not_understood = 4,
        certificate_expired = 5,  // of the one who is told
        not_a_member = 6          // the one who is told is none, or none any more
    };
    uint16_t reason = leaving;  // any number: newer programs have more
};
std::string_view explain(const Bye& bye);  // one sentence without its full stop
Bye goodbye_for(CloseReason reason);       // what the other end is told of it
struct Refused {
    enum Reason : uint16_t { unknown_message = 1, not_here = 2, not_found = 3, not_now = 4 };
    uint16_t reason = not_found;  // any number
};
// Of a type this program does not have, or has reserved.
struct Unknown {
    uint16_t type = 0;
};

using MessageBody = std::variant<HelloMessage, Heads, Want, Object, List, Names, News, Pair, Bye, Refused, Unknown>;

struct Message {
    RequestId id = 0;
    MessageBody body;
};

MessageType type_of(const MessageBody& body);  // not of an Unknown
// A message that keeps the limits above; invalid_input names the one it breaks. Not an Unknown.
Result<Bytes> encode_message(RequestId id, const MessageBody& body);
// corrupt if it breaks a limit or is not what encode_message would write; of an Unknown only type and id are looked at.
Result<Message> decode_message(ByteView bytes);

bool is_request(const MessageBody& body);  // want, list, pair's first step; an Unknown with an id may be one
bool is_answer(const MessageBody& body);   // object, names, pair's second step, refused
// The rules of the library session, the pairing session and so on: may this be said there?
bool belongs_to(const MessageBody& body, Purpose purpose);
Lane lane_of(const MessageBody& body);
// As many names from the front as fit into one message; the rest is announced with `more`.
void cut_to_fit(Names& names);

}  // namespace bae::dht
