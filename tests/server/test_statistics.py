"""INFO commandstats, errorstats and latencystats: what is counted, as redis-server does."""

import os
import re

import pytest

from command_generators import sequence
from differential import EMPTY, shown
from generators.primitives import Source
from raw import Raw
from resp import Client

SEED = int(os.environ.get("SNUG_SEED", "1"))
SEQUENCES = max(1, int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 11000)


def section(client, name):
    text = client.call("INFO", name).decode("latin-1")
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def counts(client):
    """What does not depend on the clock, by command."""
    found = {}
    for name, line in section(client, "commandstats").items():
        fields = dict(part.split("=") for part in line.split(","))
        assert list(fields) == ["calls", "usec", "usec_per_call", "rejected_calls", "failed_calls"]
        assert re.fullmatch(r"\d+", fields["usec"])
        assert re.fullmatch(r"\d+\.\d\d", fields["usec_per_call"])
        found[name] = tuple(int(fields[field]) for field in
                            ("calls", "rejected_calls", "failed_calls"))
    return found


def errors(client):
    return {name: int(line.split("=")[1]) for name, line in section(client, "errorstats").items()}


@pytest.fixture
def pair(server, oracle):
    with Client(server.port) as ours, Client(oracle.port) as theirs:
        yield ours, theirs
        for client in ours, theirs:
            client.call("CONFIG", "RESETSTAT")


@pytest.fixture
def looking(server, oracle):
    """Other connections, which ask for INFO."""
    with Client(server.port) as ours, Client(oracle.port) as theirs:
        yield ours, theirs


# What happens to commands: run, failed, refused by arity, name, rights, state; within others too.
STORY = [
    ["SET", "a", "1"], ["GET", "a"], ["get", "a"], ["GET"], ["INCR", "a", "b"], ["LPUSH", "a", "1"],
    ["NOSUCH", "a"], ["CONFIG", "GET", "maxmemory"], ["CONFIG", "NOSUCH"], ["CONFIG"],
    ["CONFIG", "GET"], ["CONFIG", "SET", "nope", "1"], ["CLIENT", "ID"],
    ["OBJECT", "ENCODING", "a"],
    ["MULTI"], ["GET", "a"], ["LPUSH", "a", "1"], ["EXEC"], ["EXEC"], ["MULTI"], ["GET"], ["EXEC"],
    ["MULTI"], ["NOSUCH"], ["SET", "b", "1"], ["DISCARD"], ["DISCARD"],
    ["EVAL", "return redis.call('GET', 'a')", "0"],
    ["EVAL", "return redis.pcall('LPUSH', 'a', 'x')", "0"],
    ["EVAL", "return redis.call('LPUSH', 'a', 'x')", "0"],
    ["EVAL", "return redis.call('NOSUCH')", "0"], ["EVAL", "return redis.call('GET')", "0"],
    ["EVAL", "redis.pcall('NOSUCH') redis.pcall('LPUSH', 'a', 'x') return 1", "0"],
    ["EVAL", "return redis.error_reply('MY words')", "0"], ["EVAL", "return {err='OTHER x'}", "0"],
    ["EVAL", "error('x')", "0"], ["EVAL", "return", "x"], ["EVAL", "syntax error", "0"],
    ["EVAL", "return redis.call('SUBSCRIBE', 'a')", "0"], ["EVALSHA", "f" * 40, "0"],
    ["EVAL_RO", "return redis.call('SET', 'a', 'x')", "0"],
    ["BLPOP", "nothing", "0.01"], ["BLPOP", "a", "0.01"], ["WATCH", "a"], ["UNWATCH"],
    ["ACL", "SETUSER", "al", "reset", "on", "nopass", "~a*",
     "+get", "+eval", "+auth", "+multi", "+exec"],
    ["AUTH", "al", "x"], ["GET", "b"], ["SET", "a", "x"], ["MULTI"], ["SET", "a", "x"], ["EXEC"],
    ["EVAL", "return redis.pcall('set', 'a', 'x')", "0"], ["AUTH", "al2", "x"],
    ["AUTH", "default", "x"], ["ACL", "DELUSER", "al"], ["AUTH", "x"], ["RESET"],
]


def test_each_is_counted_as_redis_does(pair, looking):
    for client in pair:
        client.call("FLUSHALL"), client.call("SCRIPT", "FLUSH"), client.call("CONFIG", "RESETSTAT")
    for words in STORY:
        ours, theirs = (client.call(*words) for client in pair)
        assert type(ours) is type(theirs), (words, ours, theirs)
        ours, theirs = (counts(client) for client in looking)
        assert ours == theirs, words
        ours, theirs = (errors(client) for client in looking)
        assert ours == theirs and list(ours) == list(theirs), (words, ours, theirs)


def is_error(reply):
    return reply[:1] == b"-"


@pytest.mark.parametrize("number", range(SEQUENCES))
def test_whatever_is_drawn_is_counted_alike(pair, number):
    """A command is left out where one server refuses what the other does not: 7.2 knows more."""
    for client in pair:
        client.call("CONFIG", "RESETSTAT")
    exist = {name.decode() for name in pair[0].call("COMMAND", "LIST") if b"|" not in name}
    r = Source(f"statistics {SEED} {number}", keys_used=2)
    left_out, all_alike = set(), True
    drawn = [words for words in sequence(r, "mixed", exist, 300)
             if words[0].lower() not in (b"config", b"debug", b"info")]
    raws = [Raw(client.socket.getpeername()[1]) for client in pair]
    for raw in raws:
        raw.send(EMPTY), [raw.read() for _ in EMPTY]
    for words in drawn:
        ours, theirs = (raw.call(*words) for raw in raws)
        code = [reply.split(b" ")[0] if is_error(reply) else b"" for reply in (ours, theirs)]
        if code[0] != code[1] or ours[:1] != theirs[:1]:
            left_out.add(words[0].lower().decode("latin-1"))
            all_alike = False
    for raw in raws:
        raw.close()
    ours, theirs = (counts(client) for client in pair)
    for name in sorted(set(ours) | set(theirs)):
        command = name.removeprefix("cmdstat_").split("|")[0]
        if command not in left_out | {"command"}:
            assert ours.get(name) == theirs.get(name), (SEED, number, name, [
                shown(words) for words in drawn if words[0].lower() == command.encode()])
    if all_alike:
        assert errors(pair[0]) == errors(pair[1])


def test_errors_of_too_many_kinds_are_told_as_one(pair, server):
    ours, _ = pair
    script = "return redis.error_reply(ARGV[1] .. ' words')"
    for number in range(140):
        ours.call("EVAL", script, 0, f"CODE{number}")
    assert errors(ours) == {"errorstat_ERRORSTATS_DISABLED": 1}
    assert server.log().count("INFO errorstats counts no more") == 1
    assert section(ours, "stats")["total_error_replies"] == "140"
    ours.call("CONFIG", "RESETSTAT"), ours.call("INCR", "a", "b")
    assert errors(ours) == {"errorstat_ERR": 1}


def test_codes_have_no_characters_with_a_meaning(pair):
    for client in pair:
        client.call("CONFIG", "RESETSTAT")
        for code in "A:B", "C" * 29, "C" * 30, "C" * 31, "C" * 40, "nospace":
            client.call("EVAL", "return {err=ARGV[1]}", 0, code + " words")
            client.call("EVAL", "return {err=ARGV[1]}", 0, code)
    assert errors(pair[0]) == errors(pair[1])
