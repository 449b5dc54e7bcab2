"""Users and their rights change while several connections work: every reply of every connection is
compared between Snug and redis-server, and so are the rights by ACL DRYRUN, and what ACL LOG noted.

The first connection stays the default user, who may do everything; the others log in as whom they
may. Redis 7.2 says NOPERM in other words than 7.0: both are brought to one form, which keeps the
command, key or channel that was missing. How the connections take turns: connections.py.
"""

import re

import pytest

import known_differences
from connections import (COMMANDS, CONNECTIONS, ENDS, LEFT_OUT, SEQUENCES, Group, Sent, compare,
                         names_and_weights, some_command, turns)
from differential import AS_AT_FIRST, Difference, Earlier
from raw import Raw, parse
from resp import Client

CLOSED = b"<closed>"

USERS = [b"al", b"bob", b"carl"]
PASSWORDS = [b"p", b"q"]

KEY_RULES = [b"~*", b"allkeys", b"~a", b"~b", b"~k*", b"~list*", b"~hash1", b"~[sz]*", b"~str*",
             b"%R~*", b"%W~*", b"%R~list*", b"%W~hash*", b"%RW~zset*", b"%R~a", b"%W~a",
             b"resetkeys", b"~*1", b"~?", b"~hll*", b"%W~str*", b"~geo*", b"~sort*"]
CHANNEL_RULES = [b"&*", b"allchannels", b"resetchannels", b"&a", b"&k*", b"&b"]
CATEGORIES = [b"all", b"read", b"write", b"string", b"list", b"hash", b"set", b"sortedset",
              b"stream", b"keyspace", b"fast", b"slow", b"dangerous", b"scripting", b"bitmap",
              b"geo", b"hyperloglog", b"pubsub", b"transaction", b"connection", b"admin"]
SOME_COMMANDS = [b"get", b"set", b"del", b"mset", b"mget", b"rename", b"copy", b"lpush", b"lrange",
                 b"hset", b"hget", b"zadd", b"zunionstore", b"sadd", b"sort", b"eval", b"publish",
                 b"exec", b"multi", b"config", b"config|get", b"object|encoding", b"memory|usage",
                 b"acl|whoami", b"acl", b"client|id", b"client", b"script|load", b"select|0",
                 b"select|1", b"bitfield", b"georadius", b"pfmerge", b"xadd", b"xreadgroup",
                 b"function", b"fcall", b"swapdb", b"flushall", b"restore"]
WRONG_RULES = [b"+nope", b"+@nope", b"~", b"&", b"+", b"nope", b"#abc", b"%X~a", b"-@x",
               b"<none", b"+config|nope", b"(on)", b""]


def command_rule(r):
    sign = r.choice([b"+", b"+", b"-"])
    if r.random() < 0.5:
        return sign + b"@" + r.choice(CATEGORIES)
    name = r.choice(SOME_COMMANDS)
    return (b"+" if name.startswith(b"select|") else sign) + name


def rules(r, most):
    drawers = [lambda: [r.choice(KEY_RULES)], lambda: [r.choice(KEY_RULES)],
               lambda: [command_rule(r)], lambda: [command_rule(r)], lambda: [command_rule(r)],
               lambda: [r.choice(CHANNEL_RULES)],
               lambda: [r.choice([b"+@all", b"-@all", b"allcommands", b"nocommands"])]]
    return [rule for _ in range(r.randint(0, most)) for rule in r.choice(drawers)()]


def selector(r):
    found = [rule for rule in rules(r, 3)]
    return [b"(" + b" ".join(found) + b")"] if r.random() < 0.6 else [b"(" + (
        found[0] if found else b""), *found[1:], b")"]


def set_user(r):
    user = r.choice(USERS)
    changes = rules(r, 4)
    if r.random() < 0.6:
        changes += [r.choice([b"on", b"on", b"on", b"off"])]
    if r.random() < 0.5:
        changes += [r.choice([b"nopass", b"resetpass", b">" + r.choice(PASSWORDS),
                              b"<" + r.choice(PASSWORDS)])]
    if r.random() < 0.25:
        changes += selector(r)
    if r.random() < 0.15:
        changes.insert(0, r.choice([b"reset", b"clearselectors", b"resetkeys"]))
    if r.random() < 0.06:
        changes.insert(r.randint(0, len(changes)), r.choice(WRONG_RULES))
    return (b"ACL", b"SETUSER", user, *changes)


def as_somebody(r):
    return r.choice([
        (b"AUTH", r.choice(USERS), r.choice(PASSWORDS)),
        (b"AUTH", r.choice(USERS), r.choice(PASSWORDS)),
        (b"AUTH", b"default", b"x"), (b"AUTH", b"nobody", b"x"), (b"ACL", b"WHOAMI"),
        (b"HELLO", r.choice([b"2", b"3"]), b"AUTH", r.choice(USERS), r.choice(PASSWORDS)),
    ])


def administration(r, names, weights):
    chance = r.random()
    if chance < 0.45:
        return [set_user(r)]
    if chance < 0.8:
        tried = some_command(r, names, weights, False)[-1]
        return [(b"ACL", b"DRYRUN", r.choice(USERS + [b"default"]), *tried)]
    return [r.choice([
        (b"ACL", b"DELUSER", r.choice(USERS)), (b"ACL", b"DELUSER", b"nobody", b"default"),
        (b"ACL", b"GETUSER", r.choice(USERS)), (b"ACL", b"LIST"), (b"ACL", b"USERS"),
        (b"ACL", b"LOG"), (b"ACL", b"LOG", b"RESET"), (b"ACL", b"LOG", b"2"),
        (b"ACL", b"GETUSER", b"nobody"), (b"ACL", b"WHOAMI"), (b"ACL", b"CAT", b"nope"),
        (b"ACL", b"DRYRUN", r.choice(USERS), b"SUBSCRIBE", b"a", b"k1"),
        (b"ACL", b"DRYRUN", r.choice(USERS), b"PSUBSCRIBE", b"k*"),
        (b"ACL", b"DRYRUN", r.choice(USERS), b"SSUBSCRIBE", b"b"),
    ])]


def draw(r, by, names, weights, in_multi):
    if by == 0:
        return administration(r, names, weights)
    chance = r.random()
    if in_multi:
        if chance < 0.25:
            return [(r.choice([b"EXEC", b"EXEC", b"EXEC", b"DISCARD"]),)]
    elif chance < 0.2:
        return [as_somebody(r)]
    elif chance < 0.26:
        return [(b"MULTI",)]
    elif chance < 0.3:
        return [(b"PUBLISH", r.choice([b"a", b"b", b"k1"]), b"m")]
    elif chance < 0.31:
        return [(b"RESET",)]
    return some_command(r, names, weights, in_multi)


def sequence(r, exist):
    """Few turns of the administrator, in which others come and go and are refused."""
    names, weights = names_and_weights(exist, LEFT_OUT | {"hello", "auth"})
    found = [Sent((b"ACL", b"SETUSER", user, b"on", b">p", b"~*", b"&*", b"+@all")).of(0)
             for user in USERS]
    found += turns(r, SEQUENCES["users"] - len(found), lambda: r.randrange(CONNECTIONS),
                   lambda by, in_multi: draw(r, by, names, weights, in_multi))
    for by in range(1, CONNECTIONS):
        found += [Sent((b"EXEC",)).of(by), Sent((b"ACL", b"WHOAMI")).of(by)]
    found += [Sent((b"ACL", b"GETUSER", user)).of(0) for user in USERS]
    return found + [Sent((b"ACL", b"LIST")).of(0), Sent((b"ACL", b"LOG")).of(0)]


# ---- one form of what both say -------------------------------------------------------------------


NOPERM = [
    (rb"(?:NOPERM |ERR )?(?:ACL failure in script: )?(?:this user|This user|User \S*) has no "
     rb"permissions to run the '([^']*)' command(?: or its subcommand)?", rb"<no command \1>"),
    (rb"NOPERM (?:this user has no permissions to access one of the keys used as arguments|"
     rb"No permissions to access a key)", b"<no key>"),
    (rb"NOPERM (?:this user has no permissions to access one of the channels used as arguments|"
     rb"No permissions to access a channel)", b"<no channel>"),
    (rb"(?:This user|User \S*) has no permissions to access the '", b"<no access to '"),
    (rb"ERR The user executing the script can't run this command or subcommand",
     b"<script: no command>"),
    (rb"ERR ACL failure in script: User \S* has no permissions to run the '[^']*' command",
     b"<script: no command>"),
    (rb"ERR The user executing the script can't access at least one of the keys mentioned in the "
     rb"command arguments", b"<script: no key>"),
    (rb"ERR ACL failure in script: No permissions to access a key", b"<script: no key>"),
    (rb"ERR The user executing the script can't publish to the channel mentioned in the command",
     b"<script: no channel>"),
    (rb"ERR ACL failure in script: No permissions to access a channel", b"<script: no channel>"),
]
SCRIPT_FIRST = [NOPERM[5], *NOPERM[:5], *NOPERM[6:], NOPERM[4]]


def one_form(reply):
    if b"ermission" not in reply and b"The user executing" not in reply:
        return reply
    for said, form in SCRIPT_FIRST:
        reply = re.sub(said, form, reply)
    reply = re.sub(rb"(<no access to '[^'\0]*)\0[^']*'", rb"\1'", reply)  # 7.0 ends it there
    # The length of a bulk string that has such words (ACL DRYRUN).
    return re.sub(rb"\$\d+\r\n(?=<(?:no|script:) )", b"$\r\n", reply)


def without_commands(text):
    """A user as rules, but for those about commands: 7.2 keeps them as they came."""
    text = re.sub(rb"\([^)]*\)", lambda found: b"(" + b" ".join(
        word for word in found[0][1:-1].split() if word[:1] not in b"+-") + b")", text)
    return [word for word in text.split() if word[:1] not in b"+-" and word != b"sanitize-payload"]


def fields_of(reply):
    """A reply of names and values as a dictionary, without kinds."""
    return {name[1]: value for name, value in zip(reply[1][::2], reply[1][1::2])}


def plain(reply):
    return [plain(item) for item in reply[1]] if isinstance(reply[1], list) else reply[1]


def user_fields(reply):
    if not isinstance(reply[1], list):
        return reply[1]
    found = fields_of(reply)
    return [sorted(set(plain(found[b"flags"])) - {b"sanitize-payload"}),
            sorted(plain(found[b"passwords"])), found[b"keys"][1], found[b"channels"][1],
            [[fields_of(one)[b"keys"][1], fields_of(one)[b"channels"][1]]
             for one in found[b"selectors"][1]]]


def log_fields(reply):
    names = b"count", b"reason", b"context", b"object", b"username"
    return [[fields_of(entry)[name][1] for name in names] for entry in reply[1]]


LOOKED_AT = {b"list": lambda reply: [without_commands(line) for line in plain(reply)],
             b"getuser": user_fields, b"log": log_fields, b"users": lambda r: sorted(plain(r))}


# Those that have keys here which 7.0 does not ask for: docs/differences.md.
MORE_KEYS = (b"pfmerge", b"georadius", b"georadiusbymember")

# 7.2 takes more.
MORE_ARGUMENTS = (b"zrank", b"zrevrank", b"command", b"pfmerge")


class Refused(Group):
    """As Group; a connection that is closed because its user is gone comes back as a new one."""

    def _begin(self, protocol):
        super()._begin(protocol)
        self.protocol = protocol
        for connection in self.connections[:2]:
            connection.call("ACL", "DELUSER", *USERS)
            connection.call("ACL", "LOG", "RESET")

    def _turn(self, which, part):
        connection, found = self.connections[which], []
        try:
            connection.send(part)
            for _ in part:
                found.append(connection.read())
        except OSError:
            connection.close()
            self.connections[which] = Raw(self.ports[which % 2])
            self.connections[which].call("HELLO", self.protocol)
        return found + [CLOSED] * (len(part) - len(found))

    refused = let = 0  # replies of the others that said so

    def run(self, commands, protocol, together):
        self._begin(protocol)
        replies = self._replies(commands, together)
        queues = [[] for _ in range(CONNECTIONS)]
        noted_alike = True
        for at, (command, ours, theirs) in enumerate(zip(commands, *replies)):
            queue = queues[command.by]
            what = same_or_known(command, ours, theirs, Earlier(commands, replies, at), queue,
                                 noted_alike)
            if what is None:
                raise Difference(commands, at, ours, theirs)
            noted_alike = noted_alike and what != "no keys"
            self.refused += command.by > 0 and b"NOPERM" in theirs
            self.let += command.by > 0 and theirs[:1] != b"-"
            if what == "parts" or (ours == b"+QUEUED\r\n") != (theirs == b"+QUEUED\r\n"):
                return
            if theirs == b"+QUEUED\r\n":
                queue.append(command)
            elif command[0].lower() in ENDS or CLOSED in (ours, theirs):
                queue.clear()


def same_or_known(command, ours, theirs, earlier, queue, noted_alike):
    """Why both replies go together; None: they do not. "parts": from here on all may differ."""
    if one_form(ours) == one_form(theirs):
        return "same"
    if CLOSED in (ours, theirs):
        return None
    one, other = parse(ours), parse(theirs)
    if command[0].lower() == b"acl" and len(command) > 1:
        look = LOOKED_AT.get(command[1].lower())
        if command[1].lower() == b"log" and not noted_alike:
            return "known"
        if look is not None and isinstance(one[1], list) and isinstance(other[1], list):
            return "same" if look(one) == look(other) else None
    if b"<no key>" in one_form(ours) or b"<no access to '" in one_form(ours):
        # Arguments that do not say which keys they have: 7.0 asks for no key then, and the command
        # says its error; when it has none it does something there.
        tried = command[3:] if command[0].lower() == b"acl" else command
        if tried is not command and b" '%s' key" % tried[0] in ours:
            return "no keys"
        if theirs[:1] == b"-" or theirs == b"+QUEUED\r\n":
            return "no keys"
        if tried[0].lower() in MORE_KEYS:
            return "parts"
    if command[:2] == (b"ACL", b"DRYRUN") and theirs.startswith(b"-ERR wrong number of arg") and \
            command[3].lower() in MORE_ARGUMENTS:
        return "known"
    if b"option of SORT denied" in theirs:
        return "known" if ours[:1] == b"-" else "parts"  # GET # needs no right to read all keys
    if known_differences.allowed(command, one, other, earlier):
        return "known"
    if Group.same_parts(queue, one_form(ours), one_form(theirs)):
        return "known"
    return None


@pytest.fixture(scope="module")
def group(shared_server, oracle):
    group = Refused(shared_server.port, oracle.port)
    yield group
    group.close()
    for port in shared_server.port, oracle.port:
        with Client(port) as client:
            client.call("ACL", "DELUSER", *USERS)
            assert client.call(*AS_AT_FIRST) == "OK" or port == shared_server.port


def test_users_of_several_connections(group, shared_server):
    compare(group, shared_server, "users", sequence, keys_used=lambda number: 2,
            together=[1, 7])
    if COMMANDS > 5000:  # neither is everything refused nor nothing
        assert group.refused > COMMANDS // 20 and group.let > COMMANDS // 20
