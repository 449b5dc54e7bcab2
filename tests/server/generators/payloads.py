"""What RESTORE is sent: values as DUMP tells them, of every type but streams, whole and damaged."""

import struct

POLYNOMIAL = 0x95AC9329AC4BC9B5  # reflected


def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc


def as_dump(value, version=10):
    """A DUMP of a type and what follows it."""
    whole = value + struct.pack("<H", version)
    return whole + struct.pack("<Q", crc64(whole))


def text(data):
    """A string as RDB has it: its length first."""
    length = bytes([len(data)]) if len(data) < 64 else struct.pack(">H", 0x4000 | len(data))
    return length + data


def many(kind, texts):
    return bytes([kind]) + struct.pack(">H", 0x4000 | len(texts)) + \
        b"".join(map(text, texts))


def scored(pairs):
    return bytes([5, len(pairs)]) + b"".join(text(member) + struct.pack("<d", score)
                                             for member, score in pairs)


def fields(pairs):
    return bytes([4, len(pairs)]) + b"".join(text(field) + text(value) for field, value in pairs)


# By the pool of the keys where they are at home; None: wherever strings are.
VALUES = {
    None: [b"\x00" + text(content) for content in (b"", b"12", b"-1.5", b"hello world", b"x" * 44,
                                                   b"y" * 45, b"\x00\xff\r\n", b"007")] +
          [b"\x00\xc0\xfb", b"\x00\xc1\x00\x80", b"\x00\xc3\x05\x14\x01aa\xe0\x07\x00"],
    "list": [many(1, [b"a", b"", b"12", b"b" * 100]), many(1, [b"%d" % i for i in range(200)])],
    "set": [many(2, [b"a", b"b", b"12"]), many(2, [b"%d" % i for i in range(20)]),
            b"\x0b" + text(struct.pack("<IIhhh", 2, 3, -5, 0, 300))],
    "zset": [scored([(b"a", 1.0), (b"b", 2.5), (b"c", float("inf"))]),
             scored([(b"%d" % i, i / 4) for i in range(60)]), b"\x03\x02\x01a\xff\x01b\x03-.5"],
    "hash": [fields([(b"f", b"v"), (b"g", b"12")]), fields([(b"h", b"w" * 65)]),
             fields([(b"f%d" % i, b"%d" % i) for i in range(60)])],
}
WHOLE = {kind: [as_dump(value) for value in values] for kind, values in VALUES.items()}

# None of them is a value: an element twice, nothing in it, no such type, an end too early, a score
# that is no number; then checksums and versions that are wrong.
DAMAGED = [as_dump(value) for value in (
    many(2, [b"a", b"a"]), many(1, []), b"\x63\x00", b"\x00\x3cabc", b"\x04\x3c\x01f",
    scored([(b"a", float("nan"))]))] + [
    b"", b"bad", as_dump(b"\x00\x01a")[:-1] + b"\x00", as_dump(b"\x00\x01a", 200)]
