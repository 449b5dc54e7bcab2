"""Every key that a command touches is among those that it declares.

What a command declares is what COMMAND GETKEYSANDFLAGS says, which comes from the one table that
rights are asked by too; what it touches the store itself says (DEBUG TOUCHED). Commands are drawn
as for the differential test; those that redis-server 7.0 does not know have generators here.
"""

import os

import pytest

from command_generators import FOCI, GENERATORS, command, sequence
from differential import EMPTY, shown
from generators.primitives import Source, integer, key, key_of, milliseconds, seconds, value, word
from raw import Raw, parse

COMMANDS = int(os.environ.get("SNUG_DIFFERENTIAL", "110000")) // 4
SEED = int(os.environ.get("SNUG_SEED", "1"))
SEQUENCE = 400
TOGETHER = 50


def fields(r, values=False):
    count = r.randint(1, 3)
    words = [w for _ in range(count) for w in
             ([r.choice("fghn")] + ([value(r)] if values else []))]
    return [word(r, "FIELDS"), count if r.random() < 0.95 else integer(r)] + words


def field_times(r, time=seconds):
    return [key_of(r, "hash"), time(r)] + fields(r)


def pairs_with_expiry(r):
    count = r.randint(1, 3)
    options = r.choice([[], [word(r, "EX"), 1000], [word(r, "NX")], ["WHAT"]])
    return [count if r.random() < 0.9 else integer(r)] + \
        [part for _ in range(count) for part in (key(r), value(r))] + options


def migrate(r):
    """To where nobody listens: the keys are looked for first."""
    options = r.choice([[], [word(r, "COPY")], [word(r, "REPLACE")], [word(r, "AUTH"), "keys"],
                        [word(r, "AUTH2"), "keys", "a"]])
    if r.random() < 0.5:
        return ["127.0.0.1", 1, key(r), 0, 10] + options
    return ["127.0.0.1", 1, "", 0, 10] + options + [word(r, "KEYS")] + \
        [key(r) for _ in range(r.randint(1, 3))]


# Commands that the differential test does not draw.
OWN = {
    "delex": lambda r: [key(r)] + r.choice([[], [word(r, "IFEQ", "IFNE"), value(r)]]),
    "delifeq": lambda r: [key(r), value(r)],
    "digest": lambda r: [key(r)],
    "msetex": pairs_with_expiry,
    "hexpire": field_times,
    "hpexpire": lambda r: field_times(r, milliseconds),
    "hexpireat": field_times,
    "hpexpireat": field_times,
    "httl": lambda r: [key_of(r, "hash")] + fields(r),
    "hpttl": lambda r: [key_of(r, "hash")] + fields(r),
    "hexpiretime": lambda r: [key_of(r, "hash")] + fields(r),
    "hpexpiretime": lambda r: [key_of(r, "hash")] + fields(r),
    "hpersist": lambda r: [key_of(r, "hash")] + fields(r),
    "hgetdel": lambda r: [key_of(r, "hash")] + fields(r),
    "hgetex": lambda r: [key_of(r, "hash")] + r.choice([[], ["EX", 1000], ["PERSIST"]]) +
    fields(r),
    "hsetex": lambda r: [key_of(r, "hash")] + r.choice([[], ["EX", 1000], ["FNX"], ["FXX"]]) +
    fields(r, values=True),
    "bzmpop": lambda r: [0.001, 2, key_of(r, "zset"), key_of(r, "zset"), word(r, "MIN", "MAX")],
    "bzpopmin": lambda r: [key_of(r, "zset"), key_of(r, "zset"), 0.001],
    "bzpopmax": lambda r: [key_of(r, "zset"), key_of(r, "zset"), 0.001],
    "evalsha_ro": lambda r: ["a" * 40, 1, key(r)],
    "fcall_ro": lambda r: ["reads", 1, key(r)],
    "migrate": migrate,
    "watch": lambda r: [key(r), key(r)],
}

READS = b"""#!lua name=reads
redis.register_function{function_name='reads', flags={'no-writes'}, callback=function(keys)
    local reply = redis.call('TYPE', keys[1]) return reply end}"""

# What touches keys beyond those that it declares, and why that is right.
BEYOND = {
    "keys": "looks at every name by definition; it is in @dangerous",
    "scan": "likewise, and its reply is names alone",
    "randomkey": "draws from all names by definition",
    "debug": "looks inside; enable-debug-command and @dangerous guard it",
    "sort": "BY and GET make keys of what it finds: the right to read all keys is asked for",
    "sort_ro": "likewise",
}
# What changes keys that it declares as read only, as in Redis: their data stay what they are.
READS_ONLY = {
    "pfcount": "keeps the count in the key",
    "pfdebug": "changes the form in which the same count is kept",
    "xreadgroup": "keeps in the stream who has been told what; it is a write command",
}
# Commands with keys that are not drawn here.
LEFT_OUT = {
    "restore-asking": "is RESTORE under another name",
    "evalsha_ro": "a script that is not there touches nothing, and EVAL_RO is drawn",
}


def makes_keys(words):
    """SORT with a pattern in which something is put."""
    return any(option.lower() in (b"by", b"get") for option in words[2:])


def drawn(r, focus, exist):
    found = []
    for words in sequence(r, focus, exist, SEQUENCE):
        found.append(words)
        if r.random() < 0.15:
            name = r.choice(sorted(OWN))
            found.append(tuple(w if isinstance(w, bytes) else str(w).encode()
                               for w in [name] + OWN[name](r)))
    return found


def declared(reply):
    """The keys with what is done to them; nothing where the arguments do not tell."""
    if reply[0] == b"-":
        return {}
    found = {}
    for _, (name, flags) in reply[1]:
        found.setdefault(name[1], set()).update(flag for _, flag in flags[1])
    return found


def undeclared(words, touches, keys):
    """The first touch that the declared keys do not allow."""
    name = words[0].lower().decode("latin-1")
    for _, (touch, _, key_touched) in touches[1]:
        how, which = touch[1], key_touched[1]
        if how == b"gone":
            continue  # its time was over
        if name in BEYOND and (how == b"walked" or name == "debug"):
            continue
        if how == b"looked" and which not in keys and name in ("sort", "sort_ro") and \
                makes_keys(words):
            continue
        if how == b"walked" or which not in keys:
            return how, which
        if name in READS_ONLY:
            continue
        if how == b"changed" and not keys[which] & {b"insert", b"update", b"delete"}:
            return how, which
    return None


class Watched:
    """A connection that asks after each command what it touched, and what it would declare."""

    def __init__(self, port):
        self.connection = Raw(port)
        self.touching = set()

    def run(self, commands, label):
        for at in range(0, len(commands), TOGETHER):
            part = commands[at:at + TOGETHER]
            asked = [question for words in part for question in (
                words, ("DEBUG", "TOUCHED", "TAKE"), ("COMMAND", "GETKEYSANDFLAGS", *words))]
            self.connection.send(asked)
            for words in part:
                self.connection.read()
                touches, keys = parse(self.connection.read()), parse(self.connection.read())
                assert touches[0] == b"*", touches
                beyond = undeclared(words, touches, declared(keys))
                assert beyond is None, f"{label}: {shown(words)}\n touches {beyond}, {keys}"
                if touches[1] and keys[0] != b"-":
                    self.touching.add(words[0].lower().decode("latin-1"))


@pytest.fixture
def watched(server):
    watched = Watched(server.port)
    watched.connection.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    yield watched
    watched.connection.send([("RESET",), ("DEBUG", "TOUCHED", "OFF"),
                             ("DEBUG", "SET-ACTIVE-EXPIRE", "1")])
    watched.connection.close()


def names_with_keys(connection):
    """Of commands that have a key spec, or find their keys by a function."""
    found = set()
    for _, row in parse(connection.call("COMMAND"))[1]:
        flags = {flag for _, flag in row[2][1]}
        specs = [{name: value for (_, name), value in zip(spec[::2], spec[1::2])}
                 for _, spec in row[8][1]]
        if b"movablekeys" in flags or any(
                b"not_key" not in {flag for _, flag in spec[b"flags"][1]} for spec in specs):
            found.add(row[0][1].decode())
    return found


def test_touched_is_declared(watched, client):
    exist = {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}
    watched.connection.call("DEBUG", "TOUCHED", "ON")
    foci = sorted(FOCI)
    for number in range(max(1, COMMANDS // SEQUENCE)):
        focus = foci[number % len(foci)]
        r = Source(f"touched {SEED} {number}", keys_used=(1, 5)[number // len(foci) % 2])
        begin = [("RESET",), *EMPTY, ("FUNCTION", "LOAD", READS), ("DEBUG", "TOUCHED", "TAKE")]
        watched.connection.send(begin)
        for _ in begin:
            watched.connection.read()
        watched.run(drawn(r, focus, exist), f"SNUG_SEED={SEED} {focus} {number}")
    if COMMANDS >= 20000:
        missing = names_with_keys(watched.connection) - watched.touching - set(LEFT_OUT)
        assert missing == set(), f"never seen to touch a key that they declare: {missing}"


def test_the_recorder_sees_what_is_not_declared(watched):
    """That the property can fail: a command whose keys are taken for another's."""
    watched.connection.call("SET", "seen", "1")
    watched.connection.call("DEBUG", "TOUCHED", "ON")
    watched.connection.call("DEBUG", "TOUCHED", "TAKE")
    watched.connection.call("APPEND", "seen", "x")
    touches = parse(watched.connection.call("DEBUG", "TOUCHED", "TAKE"))
    words = (b"APPEND", b"seen", b"x")
    assert undeclared(words, touches, {b"seen": {b"insert"}}) is None
    assert undeclared(words, touches, {b"other": {b"insert"}}) == (b"looked", b"seen")
    assert undeclared(words, touches, {b"seen": {b"access"}}) == (b"changed", b"seen")


def escaped(name):
    return b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^-" else bytes([c]) for c in name)


def can_be_granted(name):
    return not set(name) & set(b" \0\t\r\n\f\v")


@pytest.mark.parametrize("number", range(6))
def test_rights_are_asked_for_what_is_declared(server, client, number):
    """Who may touch the declared keys in the declared ways may run it, and nobody with one less."""
    r = Source(f"rights {SEED} {number}", keys_used=5)
    exist = {name.decode() for name in client.call("COMMAND", "LIST") if b"|" not in name}
    names = [name for name in sorted(GENERATORS) if name in exist]
    connection = Raw(server.port)
    asked = 0
    for _ in range(max(20, COMMANDS // 100)):
        words = command(r, r.choice(names))
        keys = declared(parse(connection.call("COMMAND", "GETKEYSANDFLAGS", *words)))
        if not keys or not all(can_be_granted(name) for name in keys):
            continue
        rules = []
        for name, flags in keys.items():
            reads, writes = b"access" in flags, flags & {b"insert", b"update", b"delete"}
            rules.append((b"~" if reads and writes else b"%R~" if reads else
                          b"%W~" if writes else b"%RW~") + escaped(name))
        run = ["ACL", "DRYRUN", "al", *words]
        connection.call("ACL", "SETUSER", "al", "reset", "+@all", *rules)
        reply = connection.call(*run)
        assert reply == b"+OK\r\n", (words, keys, reply)
        gone = r.randrange(len(rules))
        connection.call("ACL", "SETUSER", "al", "resetkeys", *rules[:gone], *rules[gone + 1:])
        reply = connection.call(*run)
        if keys[list(keys)[gone]] & {b"access", b"insert", b"update", b"delete"} or len(keys) == 1:
            assert b"no permissions to access the" in reply, (words, keys, reply)
        asked += 1
    connection.call("ACL", "DELUSER", "al")
    connection.close()
    assert asked > 5
