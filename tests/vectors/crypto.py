#!/usr/bin/env python3
"""Prints crypto.txt: every format of crypto/ computed a second time, from its description, over libsodium alone.

The file is frozen. If this program and the C++ one come to disagree with it, a format has changed, and what people have
stored can no longer be read: that needs a new version byte or label, not a new file. (The key box alone differs from run to
run: it is made with a fresh key. Any of them must open.)
"""
import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import struct

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
sodium.sodium_init()
RESULTS = []


def show(name, value):
    RESULTS.append(f"{name} = {value if isinstance(value, str) else value.hex()}")
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


def seal(key, nonce, associated, plain):
    out = ctypes.create_string_buffer(len(plain) + 16)
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, None, plain, ctypes.c_ulonglong(len(plain)), associated, ctypes.c_ulonglong(len(associated)), None, nonce, key)
    return out.raw


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


def box_seal(message, public):
    out = ctypes.create_string_buffer(len(message) + 48)
    sodium.crypto_box_seal(out, message, ctypes.c_ulonglong(len(message)), public)
    return out.raw


def sized(*parts):
    return b"".join(struct.pack(">I", len(p)) + p for p in parts)


def signed_bytes(label, library, path, certificate, payload_hash):
    return b"bae-sig-v1\0" + sized(label, library, path, certificate, payload_hash)


def packed(value):
    """Canonical MessagePack of what certificates and secret files hold."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 128 else b"\xce" + struct.pack(">I", value)
    if isinstance(value, str):
        return bytes([0xA0 | len(value)]) + value.encode()
    if isinstance(value, bytes):
        return b"\xc4" + bytes([len(value)]) + value if len(value) < 256 else b"\xc5" + struct.pack(">H", len(value)) + value
    return bytes([0x90 | len(value)]) + b"".join(packed(v) for v in value)


# --- formats ------------------------------------------------------------------------------------------------------------

MASTER, ROOT, DEVICE, LIBRARY = count_from(0x00, 32), count_from(0x20, 32), count_from(0x40, 64), count_from(0x80, 32)
RELEASE = "11111111-2222-4333-8444-555555555555"
PATH = b"changes/0123456789abcdef/0000000001.enc"
PLAIN = bytes(i * 7 % 256 for i in range(65521))

for name, value in (("master", MASTER), ("root", ROOT), ("device-secret", DEVICE), ("library", LIBRARY)):
    show(name, value)
show("release-id", RELEASE)

KEY_ID = show("key-id", sha256(b"bae-key-id-v1", MASTER))
SALT = show("salt", mac(MASTER, b"bae-hkdf-salt-v1"))
RELEASE_KEY = show("release-key", hkdf(MASTER, b"bae-release-v1:" + RELEASE.encode(), SALT))
OBJECT_KEY = show("object-key.change", hkdf(MASTER, b"bae-object-v1:change", SALT))
NONCE_KEY = show("nonce-key", hkdf(MASTER, b"bae-nonce-v1"))

SEED = show("identity-seed.0", hkdf(ROOT, b"bae-identity-v1:0"))
IDENTITY, IDENTITY_SECRET = ed25519(SEED)
show("identity.0", IDENTITY)
show("identity.12", ed25519(hkdf(ROOT, b"bae-identity-v1:12"))[0])
NEXT = show("next", sha256(ed25519(hkdf(ROOT, b"bae-identity-v1:1"))[0]))
show("recipient-tag.identity", sha256(LIBRARY, IDENTITY)[:8])

SIGNING, SIGNING_SECRET = ed25519(DEVICE[:32])
SEALING = x25519_public(DEVICE[32:])
show("device.signing", SIGNING)
show("device.sealing", SEALING)
DEVICE_ID = show("device.id", sha256(SIGNING, SEALING)[:8])

body = packed([1, IDENTITY, SIGNING, SEALING, True, NEXT, DEVICE_ID, 1700000000, 1734560000])
by_identity = sign(IDENTITY_SECRET, signed_bytes(b"certificate-identity", bytes(32), b"", bytes(32), sha256(body)))
by_device = sign(SIGNING_SECRET, signed_bytes(b"certificate-device", bytes(32), b"", bytes(32), sha256(IDENTITY, SIGNING, SEALING)))
CERTIFICATE = show("certificate", packed([body, by_identity, by_device]))
CERTIFICATE_HASH = sha256(CERTIFICATE)


def finished(kind_label, path, unsigned):
    unsigned += CERTIFICATE_HASH
    return unsigned + sign(SIGNING_SECRET, signed_bytes(kind_label, LIBRARY, path, CERTIFICATE_HASH, sha256(unsigned)))


def sealed_object(plain):
    start = b"BAE" + bytes([5, 1]) + KEY_ID
    header = start + mac(NONCE_KEY, sized(LIBRARY, PATH, start, sha256(plain)))[:16]
    chunks = [plain[i:i + 65520] for i in range(0, len(plain), 65520)] or [b""]
    out = header
    for i, chunk in enumerate(chunks):
        nonce = header[-16:] + struct.pack(">Q", i)[1:] + bytes([i + 1 == len(chunks)])
        out += seal(OBJECT_KEY, nonce, sized(LIBRARY, PATH, header, struct.pack(">Q", i)), chunk)
    return finished(b"object", PATH, out)


show("object.empty", sealed_object(b""))
show("object.hello", sealed_object(b"hello"))
show("object.two-chunks.sha256", sha256(sealed_object(PLAIN)))

KEY_PATH = b"keys/" + KEY_ID.hex().encode() + b"/" + DEVICE_ID.hex().encode() + b"/" + DEVICE_ID.hex().encode() + b".enc"
show("key-box", finished(b"key", KEY_PATH, b"BAE" + bytes([3, 1]) + KEY_ID + bytes(16) + box_seal(MASTER, SEALING)))

FILE_KEY = hkdf(RELEASE_KEY, b"bae-file-v1:" + sha256(PLAIN) + struct.pack("<Q", len(PLAIN)))
show("blob.id", hkdf(FILE_KEY, b"bae-blob-id-v1")[:16])
show("blob.chunk.0.sha256", sha256(seal(FILE_KEY, bytes(15) + struct.pack(">Q", 0) + b"\0", b"", PLAIN[:65520])))
show("blob.chunk.1", seal(FILE_KEY, bytes(15) + struct.pack(">Q", 1) + b"\1", b"", PLAIN[65520:]))
show("blob.chunk.0.hash", sha256(PLAIN[:65520])[:16])


def recovery_code(kind, secret, url):
    code = bytes([1, kind]) + secret + LIBRARY + url
    letters = base64.b32encode(code + sha256(code)[:4]).decode().rstrip("=")
    return "-".join(letters[i:i + 5] for i in range(0, len(letters), 5))


show("recovery-code.root", recovery_code(1, ROOT, b"file:///mnt/nas/bae"))
show("recovery-code.identity", recovery_code(2, SEED, b""))

SECRETS = packed([["device", DEVICE], ["identity", SEED]])
FRAME = b"BAESEC\x01\x01" + count_from(0xA0, 16) + struct.pack(">QQ", 2, 64 << 20)
show("secret-file.plain", b"BAESEC\x01\x00" + SECRETS)
show("secret-file.sealed", FRAME + count_from(0xC0, 24) + seal(MASTER, count_from(0xC0, 24), FRAME, SECRETS))
stretched = ctypes.create_string_buffer(32)
sodium.crypto_pwhash(stretched, ctypes.c_ulonglong(32), b"correct horse", ctypes.c_ulonglong(13), count_from(0xA0, 16),
                     ctypes.c_ulonglong(2), ctypes.c_size_t(64 << 20), 2)
show("secret-file.passphrase-key", stretched.raw)

print("\n".join(RESULTS))
