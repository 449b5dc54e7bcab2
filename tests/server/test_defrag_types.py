"""Fragmentation of every type: one huge key, medium and small ones grow side by side and are
copied, a part of their elements and of the copies goes, and the heap heals while every element
stays where it belongs. Copies are there for the bytes: each size of block has a span that is begun
and not full, which weighs little in a large heap only."""

import pytest

from conftest import CHECKED_BUILD
from test_defrag import MB, SCALE, Load, defrag, has_stopped, numbers, percent, port_of, wait_for

HEALED_PERCENT = 3
CHUNK = 64
READ_AT_ONCE, CONSUMERS = 60, 3


def element(number, width):
    """Text that follows from the number, of a length that varies with it."""
    text = b"element:%d:" % number
    return text + b"x" * (number * 7919 % width)


def goes(number):
    return number * 2654435761 % 1000 < 600


class Hash:
    total, width, copies = 60000, 20, 120

    def add(self, key, numbers_, width):
        return ["HSET", key] + [part for number in numbers_
                                for part in (b"f%d" % number, element(number, width))]

    def take(self, key, numbers_, width):
        return ["HDEL", key] + [b"f%d" % number for number in numbers_]

    def read(self, client, key):
        fields = client.call("HGETALL", key)
        return dict(zip(fields[::2], fields[1::2]))

    def wanted(self, numbers_, width, count):
        return {b"f%d" % number: element(number, width) for number in numbers_}


class Set:
    total, width, copies = 60000, 20, 150

    def add(self, key, numbers_, width):
        return ["SADD", key] + [element(number, width) for number in numbers_]

    def take(self, key, numbers_, width):
        return ["SREM", key] + [element(number, width) for number in numbers_]

    def read(self, client, key):
        members = client.call("SMEMBERS", key)
        assert len(members) == len(set(members)) == client.call("SCARD", key)
        return set(members)

    def wanted(self, numbers_, width, count):
        return {element(number, width) for number in numbers_}


class SortedSet:
    total, width, copies = 60000, 20, 64

    def add(self, key, numbers_, width):
        return ["ZADD", key] + [part for number in numbers_
                                for part in (self.score(number), element(number, width))]

    @staticmethod
    def score(number):
        return number * 7907 % 100003

    def take(self, key, numbers_, width):
        return ["ZREM", key] + [element(number, width) for number in numbers_]

    def read(self, client, key):
        return client.call("ZRANGE", key, 0, -1)

    def wanted(self, numbers_, width, count):
        order = sorted((self.score(number), element(number, width)) for number in numbers_)
        return [member for _, member in order]


class List:
    """What goes are the items of some numbers modulo ten, wherever they are."""

    total, width, copies = 30000, 120, 14

    def add(self, key, numbers_, width):
        return ["RPUSH", key] + [self.item(number, width) for number in numbers_]

    @staticmethod
    def item(number, width):
        return element(number % 10, 3 * width)

    def take_all(self, client, key, numbers_, width):
        client.pipeline(*[("LREM", key, 0, self.item(digit, width))
                          for digit in range(10) if goes(digit)])

    def read(self, client, key):
        return client.call("LRANGE", key, 0, -1)

    def wanted(self, numbers_, width, count):
        return [self.item(number, width) for number in numbers_ if not goes(number % 10)]


class Stream:
    """The first entries have been read by consumers and are pending, also those that go later."""

    total, width, copies = 30000, 120, 14

    def add_all(self, client, key, numbers_, width):
        client.pipeline(*[("XADD", key, f"{number + 1}-1", "field", element(number, width))
                          for number in numbers_])

    def take(self, key, numbers_, width):
        return ["XDEL", key] + [f"{number + 1}-1" for number in numbers_]

    def prepare(self, client, key):
        client.call("XGROUP", "CREATE", key, "group", 0, "MKSTREAM")

    def consume(self, client, keys):
        client.pipeline(*[("XREADGROUP", "GROUP", "group", f"consumer:{number}", "COUNT",
                           READ_AT_ONCE, "STREAMS", key, ">")
                          for key in keys for number in range(CONSUMERS)])

    def read(self, client, key):
        entries = [(entry[0], entry[1][1]) for entry in client.call("XRANGE", key, "-", "+")]
        pending = client.call("XPENDING", key, "group", "-", "+", 1000)
        return entries, [(entry[0], entry[1], entry[3]) for entry in pending], \
            client.call("XLEN", key)

    def wanted(self, numbers_, width, count):
        entries = [(b"%d-1" % (number + 1), element(number, width)) for number in numbers_]
        pending = [(b"%d-1" % (number + 1), b"consumer:%d" % (number // READ_AT_ONCE), 1)
                   for number in range(min(count, READ_AT_ONCE * CONSUMERS))]
        return entries, pending, len(entries)


TYPES = {"hash": Hash, "list": List, "set": Set, "zset": SortedSet, "stream": Stream}


class Keys:
    """Keys of one type in three sizes that grow by turns, so that they share spans."""

    def __init__(self, client, name):
        self.client, self.type, self.name = client, TYPES[name](), name
        shapes = {"huge": (1, self.type.total // SCALE),
                  "medium": (max(2, self.type.total // 1000 // SCALE), 1000),
                  "small": (max(4, 800 // SCALE), 12)}
        self.keys = {f"{name}:{shape}:{number}": (count, self.type.width * (number % 4 + 1))
                     for shape, (keys, count) in shapes.items() for number in range(keys)}
        self.copies = {}

    def fill(self):
        for key in self.keys:
            if hasattr(self.type, "prepare"):
                self.type.prepare(self.client, key)
        longest = max(count for count, _ in self.keys.values())
        for first in range(0, longest, CHUNK):
            growing = [(key, range(first, min(count, first + CHUNK)), width)
                       for key, (count, width) in self.keys.items() if count > first]
            if hasattr(self.type, "add_all"):
                for part in growing:
                    self.type.add_all(self.client, *part)
            else:
                for at in range(0, len(growing), 200):
                    self.client.pipeline(*[self.type.add(*part) for part in growing[at:at + 200]])
        if hasattr(self.type, "consume"):
            self.type.consume(self.client, self.keys)
        self.copy(2 if CHECKED_BUILD else self.type.copies)
        return self

    def copy(self, copies):
        digests = self.client.call("DEBUG", "DIGEST-VALUE", *self.keys)
        for key, digest in zip(self.keys, digests):
            names = [f"{key}:copy:{number}" for number in range(copies)]
            assert self.client.pipeline(*[("COPY", key, name) for name in names]) == [1] * copies
            self.copies.update({name: digest for name in names})

    def take_out(self):
        leaving = [name for at, name in enumerate(self.copies) if goes(at)]
        for name in leaving:
            del self.copies[name]
        for at in range(0, len(leaving), 500):
            self.client.call("DEL", *leaving[at:at + 500])
        for key, (count, width) in self.keys.items():
            if hasattr(self.type, "take_all"):
                self.type.take_all(self.client, key, range(count), width)
                continue
            leaving = [number for number in range(count) if goes(number)]
            self.client.pipeline(*[self.type.take(key, leaving[at:at + 200], width)
                                   for at in range(0, len(leaving), 200)])
        return self

    def check(self):
        for key, (count, width) in self.keys.items():
            left = range(count) if self.name == "list" else \
                [number for number in range(count) if not goes(number)]
            assert self.type.read(self.client, key) == self.type.wanted(left, width, count), key
        names = list(self.copies)
        for at in range(0, len(names), 500):
            part = names[at:at + 500]
            assert self.client.call("DEBUG", "DIGEST-VALUE", *part) == \
                [self.copies[name] for name in part]

    def remove(self):
        names = [*self.keys, *self.copies]
        assert self.client.call("DEL", *names) == len(names)


@pytest.fixture
def subject(start):
    """A server that moves nothing until it is told to."""
    return start("--enable-debug-command", "yes", "--activedefrag", "no").client(timeout=60)


def heal(client):
    defrag(client, lower=2, stop=1, ignore=1, most=75)
    told = wait_for(client, has_stopped)
    assert told["active_defrag_misses"] == told["active_defrag_key_misses"] == 0
    if not CHECKED_BUILD:
        assert percent(told) < HEALED_PERCENT, told["active_defrag_state"]
    return told


def assert_all_comes_back(client, everything):
    """Huge values go in steps; when they have gone nothing of them is held."""
    for keys in everything:
        keys.remove()
    wait_for(client, lambda told: told["lazyfree_pending_objects"] == 0)
    assert client.call("DEBUG", "VERIFY") == "OK"
    assert client.call("DBSIZE") == 0
    assert numbers(client)["heap_allocated"] < MB // 8


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_type_heals(subject, name):
    keys = Keys(subject, name).fill().take_out()
    before = numbers(subject)
    healed = heal(subject)
    if not CHECKED_BUILD:
        assert percent(before) > 10, "there was nothing to heal"
        assert healed["active_defrag_hits"] > 0
    keys.check()
    assert subject.call("DEBUG", "VERIFY") == "OK"
    assert_all_comes_back(subject, [keys])


def test_all_types_while_blocks_move(subject):
    """From the first element on the mover works amid the commands; nothing is lost, doubled or out
    of order, and it all heals in the end."""
    defrag(subject, lower=0, stop=0, ignore=1, least=50, most=50)
    with Load(port_of(subject)):
        everything = [Keys(subject, name).fill() for name in sorted(TYPES)]
        for keys in everything:
            keys.take_out()
        heal(subject)
    for keys in everything:
        keys.check()
    assert subject.call("DEBUG", "VERIFY") == "OK"
    subject.call("SELECT", 9)
    subject.call("FLUSHDB")
    subject.call("SELECT", 0)
    assert_all_comes_back(subject, everything)
