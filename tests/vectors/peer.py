#!/usr/bin/env python3
"""Prints peer.txt: a whole session between two devices computed a second time, from the descriptions in dht/*.h alone, over
libsodium alone: both hellos, the keys, both proofs, the first frames, a goodbye, and one message of every type.

The file is frozen. If this program and the C++ one come to disagree with it nodes of different versions no longer understand each
other: that needs a new version byte in the hello, not a new file. Stream headers are given here; a node draws them at random.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import struct

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
sodium.sodium_init()


def show(name, value):
    print(name, "=", value.hex())
    return value


def count_from(start, size):
    return bytes((start + i) % 256 for i in range(size))


# --- primitives ---------------------------------------------------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(ikm, info, salt=b"", size=32):
    extracted, block, out = mac(salt or bytes(32), ikm), b"", b""
    while len(out) < size:
        block = mac(extracted, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:size]


def ed25519(seed):
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
    sodium.crypto_sign_seed_keypair(public, secret, seed)
    return public.raw, secret.raw


def sign(secret, message):
    out = ctypes.create_string_buffer(64)
    sodium.crypto_sign_detached(out, None, message, ctypes.c_ulonglong(len(message)), secret)
    return out.raw


def x25519_public(secret):
    out = ctypes.create_string_buffer(32)
    sodium.crypto_scalarmult_base(out, secret)
    return out.raw


def x25519(secret, public):
    out = ctypes.create_string_buffer(32)
    assert sodium.crypto_scalarmult(out, secret, public) == 0
    return out.raw


class Stream:
    """crypto_secretstream_xchacha20poly1305 with a given header, from its parts: HChaCha20 and IETF ChaCha20-Poly1305."""

    def __init__(self, key, header):
        subkey = ctypes.create_string_buffer(32)
        sodium.crypto_core_hchacha20(subkey, header[:16], key, None)
        self.key, self.counter, self.nonce = subkey.raw, 1, header[16:]

    def _chacha(self, plain, block):
        out = ctypes.create_string_buffer(len(plain))
        nonce = struct.pack("<I", self.counter) + self.nonce
        sodium.crypto_stream_chacha20_ietf_xor_ic(out, plain, ctypes.c_ulonglong(len(plain)), nonce, ctypes.c_uint32(block), self.key)
        return out.raw

    def seal(self, plain, tag=0):
        poly_key = self._chacha(bytes(64), 0)[:32]
        block = self._chacha(bytes([tag]) + bytes(63), 1)
        body = self._chacha(plain, 2)
        # As libsodium has it: the padding after the text is that of the tag's block and the text's size.
        padded = block + body + bytes((0x10 - 64 + len(plain)) & 0xF)
        sized = padded + struct.pack("<QQ", 0, 64 + len(plain))
        out = ctypes.create_string_buffer(16)
        sodium.crypto_onetimeauth_poly1305(out, sized, ctypes.c_ulonglong(len(sized)), poly_key)
        self.nonce = bytes(a ^ b for a, b in zip(self.nonce, out.raw))
        self.counter += 1
        if tag & 2:
            self.rekey()
        return block[:1] + body + out.raw

    def rekey(self):
        fresh = self._chacha(self.key + self.nonce, 0)
        self.key, self.nonce, self.counter = fresh[:32], fresh[32:], 1


def sized(*parts):
    return b"".join(struct.pack(">I", len(p)) + p for p in parts)


def signature(secret, label, library, path, certificate, payload_hash):
    return sign(secret, b"bae-sig-v1\0" + sized(label, library, path, certificate, payload_hash))


def packed(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 0x80:
            return bytes([value])
        lead, size = next((lead, size) for lead, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)) if value < 1 << (8 * size))
        return bytes([lead]) + value.to_bytes(size, "big")
    if isinstance(value, str):
        assert len(value) < 256
        return (bytes([0xA0 | len(value)]) if len(value) < 32 else b"\xd9" + bytes([len(value)])) + value.encode()
    if isinstance(value, bytes):
        return b"\xc4" + bytes([len(value)]) + value if len(value) < 256 else b"\xc5" + struct.pack(">H", len(value)) + value
    assert len(value) < 16
    return bytes([0x90 | len(value)]) + b"".join(packed(v) for v in value)


# --- two devices of a library -------------------------------------------------------------------------------------------


class Device:
    def __init__(self, name, start):
        identity, identity_secret = ed25519(show(name + ".identity-seed", count_from(start, 32)))
        secret = show(name + ".device-secret", count_from(start + 32, 64))
        self.identity = identity
        signing, self.secret = ed25519(secret[:32])
        sealing = x25519_public(secret[32:])
        body = packed([1, identity, signing, sealing, False, None, None, 1700000000, 1734560000])
        by_identity = signature(identity_secret, b"certificate-identity", bytes(32), b"", bytes(32), sha256(body))
        by_device = signature(self.secret, b"certificate-device", bytes(32), b"", bytes(32), sha256(identity, signing, sealing))
        self.certificate = show(name + ".certificate", packed([body, by_identity, by_device]))
        self.ephemeral = show(name + ".ephemeral-secret", count_from(start + 96, 32))
        self.header = show(name + ".stream-header", count_from(start + 128, 24))


LIBRARY = show("library", count_from(0x80, 32))
OLD, NEW = show("master.old", count_from(0, 32)), show("master.new", count_from(0x50, 32))
A, B = Device("a", 0x10), Device("b", 0xD0)

# The initiator names the newest secret first; the responder knows the old one only.
SECRETS = [hkdf(master, b"bae-session-psk-v1") for master in (NEW, OLD)]
show("secret.old", SECRETS[1])
show("pairing-secret", hkdf(count_from(0x33, 16), b"bae-pair-psk-v1"))
A_KEY, B_KEY = x25519_public(A.ephemeral), x25519_public(B.ephemeral)
NAMES = [mac(secret, A_KEY)[:8] for secret in SECRETS]
HELLO_A = show("hello.initiator", b"\x01\x01" + A_KEY + b"\x02" + NAMES[0] + NAMES[1])
HELLO_B = show("hello.responder", b"\x01\x01" + B_KEY + b"\x01" + NAMES[1])

SALT, IKM = sha256(HELLO_A, HELLO_B), x25519(A.ephemeral, B_KEY) + SECRETS[1]
assert x25519(B.ephemeral, A_KEY) == IKM[:32]
STREAMS, MACS = hkdf(IKM, b"bae-session-v1", SALT, 64), hkdf(IKM, b"bae-session-mac-v1", SALT, 64)
show("stream-key.initiator", STREAMS[:32])
show("stream-key.responder", STREAMS[32:])


def proof(device, role, label, initiators, responders, mac_key):
    statement = sha256(sized(HELLO_A, HELLO_B, initiators, responders))
    own = sha256(device.certificate)
    return packed([role, device.certificate, signature(device.secret, label, LIBRARY, b"library", own, statement), mac(mac_key, device.identity)])


def frame(stream, plain, tag=0):
    piece = stream.seal(plain, tag)
    return struct.pack(">H", len(piece)) + piece


HASH_A, HASH_B = sha256(A.certificate), sha256(B.certificate)
FROM_A, FROM_B = Stream(STREAMS[:32], A.header), Stream(STREAMS[32:], B.header)
show("proof.initiator", A.header + frame(FROM_A, proof(A, 1, b"session-i", HASH_A, bytes(32), MACS[:32])))
show("proof.responder", B.header + frame(FROM_B, proof(B, 2, b"session-r", HASH_A, HASH_B, MACS[32:])))

# --- what they say ------------------------------------------------------------------------------------------------------

MESSAGES = {
    "hello": [1, 0, [1], [1, 4]],
    "heads": [2, 0, [["heads/0123456789abcdef.enc", b"head"]]],
    "want": [3, 1, "changes/0123456789abcdef/0000000001.enc", 262144, 262144],
    "object": [4, 1, 262149, b"hello"],
    "list": [5, 300, "changes/", "", 1000],
    "names": [6, 300, [["changes/a", 1], ["changes/b", 70000]], True],
    "news": [7, 0],
    "pair.request": [8, 1, 1, b"sealed"],
    "pair.answer": [8, 1, 2, b"sealed"],
    "bye": [16, 0, 2],
    "refused": [17, 70000, 3],
}
for name, value in MESSAGES.items():
    show("message." + name, packed(value))

LONG = bytes(i * 7 % 256 for i in range(65515 + 3))  # one fragment of the greatest size, and three bytes
show("frame.news", frame(FROM_A, b"\x02\x00" + packed(MESSAGES["news"])))
show("frame.fragment.sha256", sha256(frame(FROM_A, b"\x01\x01" + LONG[:65515])))
show("frame.last-fragment", frame(FROM_A, b"\x02\x01" + LONG[65515:], 2))
show("frame.credit", frame(FROM_A, b"\x03\x01" + struct.pack(">I", 262144)))
show("frame.ping", frame(FROM_A, b"\x04\x00"))
show("frame.pong", frame(FROM_A, b"\x05\x00"))
show("frame.bye", frame(FROM_A, b"\x06\x00" + packed(MESSAGES["bye"]), 3))
