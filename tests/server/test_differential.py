"""Sequences of commands sent to Snug and to redis-server, and every reply compared.

Hypothesis draws names and numbers; a number is the seed of a command's arguments. What differs is
cut down to the fewest commands that show it. SNUG_DIFFERENTIAL sets how many commands are sent
(32,000 by default), SNUG_SEED replays a run.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from command_generators import EXCLUDED, GENERATORS, WEIGHTS
from differential import Pair, check, draw
from raw import Raw, parse
from resp import Client

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "32000"))
SEQUENCE = 250
SEED = int(os.environ.get("SNUG_SEED", random.SystemRandom().getrandbits(32)))


@pytest.fixture(scope="module")
def pair(shared_server, oracle):
    pair = Pair(shared_server.port, oracle.port)
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def names(shared_server):
    """Commands that exist and are sent, each as often as its weight says."""
    with Client(shared_server.port) as client:
        exist = {name.decode() for name in client.call("COMMAND", "LIST")}
    return [name for name in GENERATORS if name in exist
            for _ in range(max(1, round(WEIGHTS.get(name, 1) * 10)))]


def test_every_command_has_a_generator(server):
    """A new command comes with its arguments, or with a reason why it is not sent."""
    with Client(server.port) as client:
        exist = {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}
    assert exist - set(GENERATORS) - set(EXCLUDED) == set()


def test_same_replies(pair, names):
    print(f"SNUG_SEED={SEED}")
    steps = st.lists(st.tuples(st.sampled_from(names), st.integers(0, 2**64 - 1)),
                     min_size=SEQUENCE, max_size=SEQUENCE)

    @seed(SEED)
    @settings(max_examples=max(1, COMMANDS // SEQUENCE), deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(steps, st.sampled_from([2, 3]), st.sampled_from([1, 7, SEQUENCE, SEQUENCE]))
    def compare(steps, protocol, together):
        check(pair, draw(steps), protocol, together)

    compare()


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
