"""Sequences of commands sent to Snug and to redis-server, and every reply compared.

A number is the seed of a sequence: of its commands, their arguments, the protocol, and how many go
together. What differs is cut down to the fewest commands that show it. SNUG_DIFFERENTIAL sets how
many commands are sent (110,000 by default), SNUG_SEED makes them others.
"""

import os

import pytest

from command_generators import EXCLUDED, FOCI, GENERATORS, sequence
from differential import AS_AT_FIRST, Pair, check
from generators.primitives import Source
from raw import Raw, parse
from resp import Client

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000"))
SEQUENCE = 400
SEED = int(os.environ.get("SNUG_SEED", "1"))


@pytest.fixture(scope="module")
def pair(shared_server, oracle):
    pair = Pair(shared_server.port, oracle.port)
    yield pair
    pair.close()
    with Client(oracle.port) as client:  # which other tests use too
        assert client.call(*AS_AT_FIRST) == "OK"


@pytest.fixture(scope="module")
def exist(shared_server):
    with Client(shared_server.port) as client:
        return {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}


def test_thresholds_are_set_back(start, oracle):
    """To what both servers begin with."""
    given = {name: str(value) for name, value in zip(AS_AT_FIRST[2::2], AS_AT_FIRST[3::2])}
    for port in (start().port, oracle.port):
        with Client(port) as client:
            for name, value in given.items():
                assert client.call("CONFIG", "GET", name)[1].decode() == value, name


def test_every_command_has_a_generator(exist):
    """A new command comes with its arguments, or with a reason why it is not sent."""
    assert exist - set(GENERATORS) - set(EXCLUDED) == set()


@pytest.mark.parametrize("focus", FOCI)
def test_same_replies(pair, exist, focus):
    """A third of all is mixed; the rest goes to each type in turn, which so grows large."""
    share = COMMANDS // 3 if focus == "mixed" else COMMANDS * 2 // 3 // (len(FOCI) - 1)
    for number in range(max(1, share // SEQUENCE)):
        r = Source(f"{SEED} {focus} {number}", keys_used=r_keys(number))
        commands = sequence(r, focus, exist, SEQUENCE)
        together = r.choice([1, 7, 60, len(commands), len(commands)])
        check(pair, commands, r.choice([2, 3]), together, f"SNUG_SEED={SEED} {focus} {number}")


def r_keys(number):
    """Few keys, so that much comes to each, in most of the sequences."""
    return (1, 2, 5, 2)[number % 4]


def facts(reply):
    """COMMAND INFO of one command: what clients route and check by. Flags come in any order."""
    name, arity, flags, first, last, step, categories, tips, specs, _ = reply[1][0][1]
    def words(items):
        return sorted(item[1] for item in items[1])
    return {"name": name, "arity": arity, "flags": words(flags), "keys": (first, last, step),
            "categories": words(categories), "tips": words(tips), "specs": strip_notes(specs)}


def strip_notes(item):
    """Notes are our own words."""
    kind, payload = item
    if not isinstance(payload, list):
        return item
    if kind == b"*" and payload and payload[0] == (b"$", b"notes"):
        payload = payload[2:]
    if payload and payload[0] == (b"$", b"flags"):
        payload = [payload[0], sorted(payload[1][1])] + payload[2:]
        return kind, payload[:2] + [strip_notes(part) for part in payload[2:]]
    return kind, [strip_notes(part) for part in payload]


# What 7.2 tells of a command and 7.0 does not, or otherwise.
FACTS_OF_7_2 = {"msetnx": "tips", "zrank": "arity", "zrevrank": "arity"}


def test_same_facts(server, oracle):
    """COMMAND INFO of every command that both have."""
    ours, theirs = Raw(server.port), Raw(oracle.port)
    names = [item[1] for item in parse(ours.call("COMMAND", "LIST"))[1]]
    for name in sorted(name for name in names if b"|" not in name):
        reply = parse(theirs.call("COMMAND", "INFO", name))
        if reply[1][0][1] is None:
            continue
        mine, wanted = facts(parse(ours.call("COMMAND", "INFO", name))), facts(reply)
        known = FACTS_OF_7_2.get(name.decode())
        mine.pop(known, None)
        wanted.pop(known, None)
        assert mine == wanted, name
    ours.close()
    theirs.close()
