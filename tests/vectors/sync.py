#!/usr/bin/env python3
"""Computes tests/vectors/sync.txt: what heads, change objects and membership entries are inside their seals, from the byte
descriptions in sync/*.h alone. Prints the file; the certificate comes from crypto.txt."""
import hashlib
import struct
from pathlib import Path


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        if value < 0x80:
            return bytes([value])
        for lead, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
            if value < 1 << (8 * size):
                return bytes([lead]) + value.to_bytes(size, "big")
    if isinstance(value, str):
        data = value.encode()
        lead = bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xd9" + bytes([len(data)])
        return lead + data
    if isinstance(value, bytes):
        if len(value) < 0x100:
            return b"\xc4" + bytes([len(value)]) + value
        return b"\xc5" + struct.pack(">H", len(value)) + value
    assert isinstance(value, list) and len(value) < 16
    return bytes([0x90 | len(value)]) + b"".join(pack(item) for item in value)


def filled(byte, size=32):
    return bytes([byte]) * size


crypto = dict(line.split(" = ") for line in (Path(__file__).parent / "crypto.txt").read_text().splitlines())
certificate = bytes.fromhex(crypto["certificate"])
key = bytes.fromhex(crypto["key-id"])
one, two = filled(1, 8), filled(2, 8)

founding = pack([1, filled(0x55), bytes.fromhex(crypto["identity.0"]), bytes.fromhex(crypto["next"]), certificate, key])
library = hashlib.sha256(founding).digest()
device_entry = pack([1, 2, 1, library, [library], certificate])
key_entry = pack([1, 3, 2, filled(7), [filled(6), filled(7)], pack([key, filled(9, 60)])])
head = pack([1, 300, 2, filled(3), [[one, 70000, filled(4)], [two, 1, filled(5)]], [[one, library], [two, filled(6)]], key,
             filled(8, 16), [4, filled(10)], 12, "bae 1", 1700000000000])
empty_head = pack([1, 1, 0, filled(0), [], [[one, library]], key, None, None, 1, "", 0])
transactions = [["1700000000000-0000-" + one.hex(), [[two, "1600000000000-0042-" + two.hex()]], b"\x90", "import"],
                ["1700000000000-0001-" + one.hex(), [], b"\x91\x01", ""]]
body = pack(transactions)
change = pack([1, filled(3), [[one, library]], 12, 0, len(body), body])

for name, value in (("founding", founding), ("library-id", library), ("device-entry", device_entry), ("key-entry", key_entry), ("head", head),
                    ("head.empty", empty_head), ("change", change)):
    print(name, "=", value.hex())
