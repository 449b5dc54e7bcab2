"""What arguments are drawn from: keys, numbers, texts, times, options.

A generator takes a random.Random and returns the arguments after the command's name. Keys come from
a small pool, so that commands meet each other's work.
"""

import random

KEYS = [b"a", b"b", b"c", b"k1", b"k2", b"{tag}x", b"number", b"float", b"bits",
        b"long:" + b"x" * 300, b"", b"bin\x00\xff\r\n\x80", b"missing", b"KEY", b"p*t[t]ern?"]

INTEGERS = [0, 1, -1, 2, 3, 5, 7, 8, 9, 10, 15, 16, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 9999,
            32767, 32768, 65535, 65536, -2, -8, -100, -32768, -65536, 2**31 - 1, 2**31, -2**31,
            2**32, 2**53, 2**62, 2**63 - 1, 2**63 - 2, -2**63, -2**63 + 1]

NOT_INTEGERS = [b"", b" 1", b"1 ", b"+1", b"-", b"-0", b"00", b"01", b"1.0", b"1e3", b"0x10",
                b"abc", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615",
                b"99999999999999999999999", b"1\x00", b"\xff"]

FLOATS = [b"0", b"1.5", b"-1.5", b"3.0e3", b"0.1", b"0.2", b"1e10", b"1e-10", b"1e17", b"1e300",
          b"-1e300",
          b"1e4000", b"0x1p3", b"inf", b"-inf", b"+inf", b"nan", b"1e400", b"1e5000", b".5", b"5.",
          b"-.5e1",
          b"3.14159265358979323846", b"-0.0", b"0.00000000000000001", b"0.000000000000000001",
          b"123456789012345678901234567890", b"5.0000000000000000000000", b"10.50", b"1_0", b"1 5"]

TEXTS = [b"", b"x", b"hello", b"hello world", b"foobar", b"ohmytext", b"mynewtext",
         b"bin\x00\x01\xff\xfe\r\n",
         b"\x00" * 10, b"\xff" * 10, b"\x00\x00\x01", b"\xff\xff\xf0", b"a" * 43, b"b" * 44,
         b"c" * 45, b"d" * 255, b"e" * 256, b"f" * 1000, b"abcdefghij" * 30]

FAR_SECONDS = 4_000_000_000  # an absolute time around the year 2096


# The keys of each type, where commands of the others rarely come by. A type's module draws from its
# own by key_of; generic commands draw from all.
POOLS = {name: [f"{name}{number}".encode() for number in range(1, 6)]
         for name in ["list", "hash", "set", "zset", "stream", "hll", "geo", "sort"]}


def key(r):
    if r.random() < 0.06:
        return r.choice(POOLS[r.choice(sorted(POOLS))])
    return r.choice(KEYS[:9]) if r.random() < 0.8 else r.choice(KEYS)


class Source(random.Random):
    """Where a sequence's chances come from. Of each type's keys it uses the first `keys_used`: what
    few keys get grows large."""

    def __init__(self, seed, keys_used=5):
        super().__init__(seed)
        self.keys_used = keys_used


def key_of(r, kind):
    return r.choice(POOLS[kind][:r.keys_used]) if r.random() < 0.96 else key(r)


def keys(r, most=4):
    return [key(r) for _ in range(r.randint(1, most))]


def integer(r):
    chance = r.random()
    if chance < 0.5:
        return r.randint(-20, 120)
    return r.choice(INTEGERS) if chance < 0.92 else r.choice(NOT_INTEGERS)


def small(r, most=60):
    """Mostly a small number that is not negative."""
    return r.randint(0, most) if r.random() < 0.85 else integer(r)


def number_text(r):
    return str(r.choice(INTEGERS)).encode() if r.random() < 0.7 else r.choice(NOT_INTEGERS)


def value(r):
    chance = r.random()
    if chance < 0.35:
        return number_text(r)
    if chance < 0.5:
        return r.choice(FLOATS)
    if chance < 0.9:
        return r.choice(TEXTS)
    if chance < 0.985:
        return bytes(r.getrandbits(8) for _ in range(r.randint(1, 80)))
    return r.choice([b"big" * 7000, b"B" * 61440, b"C" * 61441, b"D" * 70000])


def word(r, *words):
    text = r.choice(words)
    return text if r.random() < 0.7 else "".join(r.choice((c.lower(), c.upper())) for c in text)


def duration(r, least):
    """Hardly ever the same twice: GT and LT compare times that each server reads by its clock."""
    return r.randint(least, 1000 * least)


def seconds(r):
    chance = r.random()
    return duration(r, 1000) if chance < 0.5 else r.choice(
        [0, -1, -1000, 2**31, 2**63 - 1, -2**63, b"x", b"", b"1.5"])


def milliseconds(r):
    chance = r.random()
    return duration(r, 10**6) if chance < 0.5 else r.choice(
        [0, -1, -10**9, 2**63 - 1, -2**63, b"x", b"1e3"])


def at_seconds(r):
    return r.choice([FAR_SECONDS, FAR_SECONDS + 10000, 1, 1000, 10**9, 0, -1, 2**63 - 1, b"x"])


def at_milliseconds(r):
    return r.choice([FAR_SECONDS * 1000, FAR_SECONDS * 1000 + 12345, 1, 10**12, 0, -1, 2**63 - 1,
                     b"x"])


def some(r, options, most=3):
    """A few of the options in any order, each a function or a word."""
    chosen = []
    for _ in range(r.randint(0, most)):
        option = r.choice(options)
        chosen += option(r) if callable(option) else [word(r, option)]
    return chosen


def expiry_options(r):
    name = r.choice(["EX", "PX", "EXAT", "PXAT"])
    time = {"EX": seconds, "PX": milliseconds, "EXAT": at_seconds, "PXAT": at_milliseconds}[name]
    return [word(r, name), time(r)]
