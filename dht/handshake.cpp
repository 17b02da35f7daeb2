#include "dht/handshake.h"

#include <algorithm>

#include "dht/frame_kinds.h"
#include "dht/handshake_keys.h"
#include "dht/messages.h"

namespace bae::dht {

using crypto::CertificateHash;
using crypto::EphemeralKey;

crypto::SecretKey library_secret(const crypto::EpochMaster& master) {
    return crypto::hkdf(master.view(), as_bytes("bae-session-psk-v1"));
}

crypto::SecretKey pairing_secret(ByteView code) { return crypto::hkdf(code, as_bytes("bae-pair-psk-v1")); }

namespace {

constexpr size_t kLengthBytes = 2;
static_assert(kMaxProofBytes + crypto::kStreamOverheadBytes <= kMaxHandshakeBytes &&
              kMaxHelloBytes <= kMaxHandshakeBytes);

enum class Part { hello_start, hello_names, stream_header, frame_length, frame };

}  // namespace

struct Handshake::Inside {
    Inside(Role role_, Self self_, Offers offers_, Admission admit_, crypto::Random& random_)
        : role(role_), self(self_), offers(std::move(offers_)), admit(std::move(admit_)), random(random_) {}

    Role role;
    Self self;
    Offers offers;
    Admission admit;
    crypto::Random& random;

    State state = State::going;
    CloseReason reason = CloseReason::malformed;
    uint16_t bye = 0;
    Part part = Part::hello_start;
    size_t need = kHelloStartBytes;  // bytes of `read` at which the part is whole
    Bytes read;

    std::optional<EphemeralKey> key;
    std::vector<SecretName> names;  // the initiator's
    const Offer* offer = nullptr;
    size_t epoch = 0;
    Transcript transcript;
    std::optional<HandshakeKeys> keys;
    std::optional<crypto::StreamSealer> sealer;
    std::optional<crypto::StreamOpener> opener;
    std::optional<crypto::Certificate> peer;

    void refuse(CloseReason why) {
        state = State::refused;
        reason = why;
    }
    void expect(Part next, size_t bytes) {
        part = next;
        need = bytes;
        read.clear();
    }

    void whole_part(int64_t now_s, Bytes& out);
    void hello_start(Bytes& out);
    void hello(Bytes& out);
    void hello_of_initiator(const Hello& theirs, Bytes& out);
    void hello_of_responder(const Hello& theirs, Bytes& out);
    void frame_length();
    void frame(int64_t now_s, Bytes& out);

    bool choose(const Hello& theirs);
    bool choose_within(const Offer& candidate, const Hello& theirs);
    ByteView secret() const { return offer->secrets.empty() ? ByteView() : offer->secrets[epoch].view(); }
    bool agree(const Hello& theirs);
    std::optional<CloseReason> check(const Proof& proof, int64_t now_s);
    void send_hello(std::vector<SecretName> with, Bytes& out);
    void send_proof(Bytes& out);
    void send_refusal(CloseReason why, Bytes& out);
    void send_sealed(ByteView plain, crypto::StreamTag tag, Bytes& out);
    void hear_refusal(ByteView plain);
};

void Handshake::Inside::whole_part(int64_t now_s, Bytes& out) {
    switch (part) {
        case Part::hello_start:
            return hello_start(out);
        case Part::hello_names:
            return hello(out);
        case Part::stream_header: {
            crypto::StreamHeader header;
            std::memcpy(header.bytes.data(), read.data(), header.kSize);
            opener.emplace(keys->stream_key(other(role)), header);
            return expect(Part::frame_length, kLengthBytes);
        }
        case Part::frame_length:
            return frame_length();
        case Part::frame:
            return frame(now_s, out);
    }
}

void Handshake::Inside::hello_start(Bytes& out) {
    const auto size = hello_size(read);
    if (!size)
        return refuse(size.error().kind == ErrorKind::upgrade_needed ? CloseReason::newer_version
                      : size.error().kind == ErrorKind::unsupported  ? CloseReason::purpose_not_offered
                                                                     : CloseReason::malformed);
    part = Part::hello_names;
    need = *size;
    if (read.size() == need) hello(out);
}

void Handshake::Inside::hello(Bytes& out) {
    const auto theirs = decode_hello(read);
    if (!theirs) return refuse(CloseReason::malformed);
    if (role == Role::responder)
        hello_of_initiator(*theirs, out);
    else
        hello_of_responder(*theirs, out);
    if (state == State::going) expect(Part::stream_header, crypto::StreamHeader::kSize);
}

// A stranger costs a few HMACs here: neither a key is made nor a byte sent before it has named a secret of ours.
void Handshake::Inside::hello_of_initiator(const Hello& theirs, Bytes& out) {
    if (std::ranges::none_of(*offers, [&](const Offer& o) { return o.purpose == theirs.purpose; }))
        return refuse(CloseReason::purpose_not_offered);
    if (!choose(theirs)) return refuse(CloseReason::unknown_secret);
    transcript = {theirs.purpose, offer->library, read, {}};
    key.emplace(EphemeralKey::generate(random));
    Bytes hello;
    send_hello(names, hello);
    transcript.responder_hello = hello;
    if (!agree(theirs)) return refuse(CloseReason::weak_key);
    append(out, hello);
}

void Handshake::Inside::hello_of_responder(const Hello& theirs, Bytes& out) {
    if (theirs.key == key->public_key()) return refuse(CloseReason::reflected);
    if (theirs.purpose != offer->purpose) return refuse(CloseReason::purpose_not_offered);
    if (!names.empty()) {
        const auto named = std::ranges::find(names, theirs.names.front());
        if (theirs.names.size() != 1 || named == names.end()) return refuse(CloseReason::unknown_secret);
        epoch = static_cast<size_t>(named - names.begin());
    }
    transcript.responder_hello = read;
    if (!agree(theirs)) return refuse(CloseReason::weak_key);
    send_proof(out);
}

bool Handshake::Inside::choose(const Hello& theirs) {
    return std::ranges::any_of(*offers, [&](const Offer& candidate) {
        return candidate.purpose == theirs.purpose && choose_within(candidate, theirs);
    });
}

// The own newest that the other knows. Leaves its name as the only one.
bool Handshake::Inside::choose_within(const Offer& candidate, const Hello& theirs) {
    const size_t count = std::min(candidate.secrets.size(), max_secrets(candidate.purpose));
    for (size_t i = 0; i < count; i++) {
        const SecretName name = secret_name(candidate.secrets[i].view(), theirs.key);
        if (std::ranges::find(theirs.names, name) == theirs.names.end()) continue;
        offer = &candidate;
        epoch = i;
        names = {name};
        return true;
    }
    if (max_secrets(candidate.purpose) > 0) return false;
    offer = &candidate;
    return true;
}

bool Handshake::Inside::agree(const Hello& theirs) {
    const auto shared = key->agree(theirs.key);
    if (!shared) return false;
    keys.emplace(transcript.initiator_hello, transcript.responder_hello, *shared, secret());
    return true;
}

void Handshake::Inside::frame_length() {
    const uint64_t size = read_big_endian(read);
    if (size < crypto::kStreamOverheadBytes + 1 || size > crypto::kStreamOverheadBytes + kMaxProofBytes)
        return refuse(CloseReason::malformed);
    expect(Part::frame, size);
}

void Handshake::Inside::frame(int64_t now_s, Bytes& out) {
    Bytes plain(read.size() - crypto::kStreamOverheadBytes);
    const auto tag = opener->open(read, plain);
    if (!tag) return refuse(CloseReason::not_opened);
    if (*tag == crypto::StreamTag::final) return hear_refusal(plain);
    const auto proof = decode_proof(plain, offer->purpose);
    if (!proof) return refuse(CloseReason::malformed);
    if (const auto why = check(*proof, now_s)) {
        send_refusal(*why, out);
        return refuse(*why);
    }
    if (role == Role::responder) send_proof(out);
    state = State::secured;
}

std::optional<CloseReason> Handshake::Inside::check(const Proof& proof, int64_t now_s) {
    if (proof.role == role) return CloseReason::own_role;
    if (!shows_certificates(offer->purpose)) return std::nullopt;
    auto certificate = crypto::Certificate::parse(proof.certificate);
    if (!certificate) return CloseReason::bad_certificate;
    if (certificate->body().device.signing == self.certificate->body().device.signing)
        return CloseReason::own_certificate;
    const CertificateHash initiators = role == Role::initiator ? self.certificate->hash() : certificate->hash();
    if (!proves(proof, transcript, *certificate, initiators, keys->mac_key(proof.role))) return CloseReason::bad_proof;
    if (now_s > certificate->body().expires_s) return CloseReason::certificate_expired;
    if (const auto why = admit(transcript.library, *certificate)) return why;
    peer = std::move(*certificate);
    return std::nullopt;
}

void Handshake::Inside::send_hello(std::vector<SecretName> with, Bytes& out) {
    append(out, encode_hello({transcript.purpose, key->public_key(), std::move(with)}));
}

void Handshake::Inside::send_proof(Bytes& out) {
    Proof proof{.role = role, .certificate = {}, .signature = {}, .mac = {}};
    if (shows_certificates(offer->purpose))
        proof = make_proof(transcript, role, *self.device, *self.certificate, peer ? peer->hash() : CertificateHash{},
                           keys->mac_key(role));
    send_sealed(encode_proof(proof, offer->purpose), crypto::StreamTag::piece, out);
}

void Handshake::Inside::send_refusal(CloseReason why, Bytes& out) {
    Bytes plain{std::byte{kFinalFrame}, std::byte{0}};
    append(plain, *encode_message(0, goodbye_for(why)));
    send_sealed(plain, crypto::StreamTag::final, out);
}

void Handshake::Inside::send_sealed(ByteView plain, crypto::StreamTag tag, Bytes& out) {
    if (!sealer) {
        sealer.emplace(keys->stream_key(role), random);
        append(out, sealer->header().view());
    }
    Bytes sealed(plain.size() + crypto::kStreamOverheadBytes);
    sealer->seal(tag, plain, sealed);
    std::array<std::byte, kLengthBytes> length;
    write_big_endian(length, sealed.size());
    append(out, length);
    append(out, sealed);
}

void Handshake::Inside::hear_refusal(ByteView plain) {
    refuse(CloseReason::malformed);
    if (plain.size() < kFrameHeadBytes || plain[0] != std::byte{kFinalFrame}) return;
    const auto message = decode_message(plain.subspan(kFrameHeadBytes));
    const auto* said = message ? std::get_if<Bye>(&message->body) : nullptr;
    if (said == nullptr) return;
    bye = said->reason;
    refuse(CloseReason::peer_left);
}

Handshake::Handshake(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Handshake::~Handshake() = default;
Handshake::Handshake(Handshake&&) noexcept = default;
Handshake& Handshake::operator=(Handshake&&) noexcept = default;

Handshake Handshake::initiate(Self self, Offers offers, size_t offer, Admission admit, crypto::Random& random,
                              Bytes& out) {
    auto inside = std::make_unique<Inside>(Role::initiator, self, std::move(offers), std::move(admit), random);
    inside->offer = &inside->offers->at(offer);
    const Offer& about = *inside->offer;
    CHECK(about.secrets.empty() == (max_secrets(about.purpose) == 0));
    CHECK(!shows_certificates(about.purpose) || (self.device != nullptr && self.certificate != nullptr));
    inside->key.emplace(EphemeralKey::generate(random));
    for (size_t i = 0; i < std::min(about.secrets.size(), max_secrets(about.purpose)); i++)
        inside->names.push_back(secret_name(about.secrets[i].view(), inside->key->public_key()));
    inside->transcript = {about.purpose, about.library, {}, {}};
    inside->send_hello(inside->names, inside->transcript.initiator_hello);
    append(out, inside->transcript.initiator_hello);
    return Handshake(std::move(inside));
}

Handshake Handshake::respond(Self self, Offers offers, Admission admit, crypto::Random& random) {
    for (const Offer& offer : *offers)
        CHECK(!shows_certificates(offer.purpose) || (self.device != nullptr && self.certificate != nullptr));
    return Handshake(std::make_unique<Inside>(Role::responder, self, std::move(offers), std::move(admit), random));
}

Handshake::State Handshake::receive(ByteView& in, int64_t now_s, Bytes& out) {
    Inside& self = *inside_;
    while (self.state == State::going && !in.empty()) {
        const size_t some = std::min(in.size(), self.need - self.read.size());
        append(self.read, in.first(some));
        in = in.subspan(some);
        if (self.read.size() == self.need) self.whole_part(now_s, out);
    }
    return self.state;
}

Handshake::State Handshake::state() const { return inside_->state; }

CloseReason Handshake::reason() const {
    CHECK(inside_->state == State::refused);
    return inside_->reason;
}

uint16_t Handshake::bye() const { return inside_->bye; }

Secured Handshake::take() {
    CHECK(inside_->state == State::secured && inside_->sealer && inside_->opener);
    Inside& self = *inside_;
    Secured out{self.offer->purpose,  self.transcript.library, self.epoch,
                std::move(self.peer), std::move(*self.sealer), std::move(*self.opener)};
    self.sealer.reset();
    self.opener.reset();
    return out;
}

}  // namespace bae::dht
