"""Transactions of several connections at once, sent to Snug and to redis-server: every reply of
every connection is compared, and what EXEC answers part by part.

How the connections take turns: connections.py.
"""

import pytest

from command_generators import GENERATORS, TYPES, audit
from connections import (CONNECTIONS, SEQUENCES, Group, Sent, compare, names_and_weights,
                         some_command, turns)
from differential import AS_AT_FIRST
from generators.primitives import KEYS, POOLS, Source
from resp import Client


def some_keys(r):
    pools = [POOLS[name][:r.keys_used] for name in sorted(POOLS)] + [KEYS[:4]]
    return [r.choice(r.choice(pools)) for _ in range(r.randint(1, 3))]


def draw(r, names, weights, in_multi):
    """A command that is one by itself, or belongs behind another."""
    chance = r.random()
    if in_multi and chance < 0.2:
        return [(r.choice([b"EXEC"] * 12 + [b"DISCARD", b"DISCARD", b"MULTI", b"RESET"]),)]
    if in_multi and chance < 0.22:
        return [(b"WATCH", b"a")] if r.random() < 0.5 else [(b"UNWATCH",)]
    if not in_multi and chance < 0.14:
        return [tuple([b"WATCH"] + some_keys(r))]
    if not in_multi and chance < 0.28:
        return [(b"MULTI",)]
    if not in_multi and chance < 0.31:
        return [(r.choice([b"UNWATCH", b"UNWATCH", b"EXEC", b"DISCARD", b"SWAPDB", b"WATCH"]),)
                if r.random() < 0.7 else (b"SWAPDB", b"0", r.choice([b"0", b"1", b"2"]))]
    return some_command(r, names, weights, in_multi)


def sequence(r, exist, length=SEQUENCES["transactions"]):
    names, weights = names_and_weights(exist)
    found = turns(r, length, lambda: r.randrange(r.choice([2, CONNECTIONS])),
                  lambda by, in_multi: draw(r, names, weights, in_multi))
    found += [Sent((word,)).of(by) for by in range(CONNECTIONS) for word in (b"EXEC", b"RESET")]
    found += [Sent(command).of(0) for command in audit("mixed") if command[0] != b"OBJECT"]
    return found


@pytest.fixture(scope="module")
def group(shared_server, oracle):
    group = Group(shared_server.port, oracle.port)
    yield group
    group.close()
    with Client(oracle.port) as client:
        assert client.call(*AS_AT_FIRST) == "OK"


def test_transactions_of_several_connections(group, shared_server):
    compare(group, shared_server, "transactions", sequence,
            keys_used=lambda number: (1, 2)[number % 2], together=[1, 7, 60])


def test_every_type_takes_part():
    """A focus of its own for each type is not needed: all types' commands are drawn."""
    r = Source("parts", keys_used=2)
    names = {command[0].lower() for command in sequence(r, set(GENERATORS), 3000)}
    for module in TYPES.values():
        own = {name.encode() for name in module.GENERATORS}
        assert not own or own & names
