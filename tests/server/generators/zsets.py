"""Arguments of the commands on sorted sets.

Commands by member (BYLEX) promise something only where all scores are the same, so they have keys
of their own, in which nothing but the score 0 is put.
"""

from generators.primitives import *  # noqa: F403

SAME_SCORE = [b"lex1", b"lex2", b"lex:none"]

MEMBERS = [b"a", b"b", b"c", b"d", b"aa", b"ab", b"abc", b"foo", b"bar", b"1", b"2", b"10", b"-5",
           b"007", b"1.5", b"", b"\x00", b"a\x00", b"a\x00\x00", b"bin\xff\x00\r\n", b"x" * 63,
           b"x" * 64, b"long prefix of a member: one", b"long prefix of a member: two",
           b"9223372036854775807", b"-0", b" ", b"zz", b"member"]

SCORES = [0, 1, -1, 2, 3, 5, 10, 100, b"0.5", b"-0.5", b"1.5", b"3.25", b"1e3", b"inf", b"-inf",
          b"+inf", b"Infinity", b"-0", b"1e-5", b"123456789012", b"9007199254740993",
          b"1.7976931348623157e308", b"-1e300", b"0x10", b"17.5", b"1e17", b"4611686018427387904"]

NOT_SCORES = [b"", b"nan", b"abc", b"1 ", b" 1", b"1\x00", b"1e400", b"(1", b"--1", b"5x"]


def zset(r):
    return key_of(r, "zset")


def zset_or_set(r):
    return key_of(r, "set") if r.random() < 0.1 else zset(r)


def lex(r):
    """Never one that may hold other scores, which other commands put in keys of all kinds."""
    return r.choice(SAME_SCORE) if r.random() < 0.97 else r.choice(
        POOLS[r.choice(["list", "hash", "set", "stream"])])


def member(r):
    chance = r.random()
    if chance < 0.85:
        return r.choice(MEMBERS)
    if chance < 0.97:
        return b"m%d" % r.randint(0, 150)
    return r.choice([b"y" * 65, b"L" * 300, b"H" * 5000])


def score(r):
    chance = r.random()
    if chance < 0.5:
        return r.randint(-5, 12)
    return r.choice(SCORES) if chance < 0.96 else r.choice(NOT_SCORES)


def zadd_arguments(r):
    if r.random() < 0.02:  # more than a listpack has, each another member: see zset_expect
        return [zset(r)] + [part for number in range(140) for part in (score(r), b"m%d" % number)]
    options = some(r, ["NX", "XX", "GT", "LT", "CH", "INCR"]) if r.random() < 0.4 else []
    count = r.choice([1, 1, 1, 2, 3, 5, 20])
    pairs = [part for _ in range(count) for part in (score(r), member(r))]
    if r.random() < 0.02:
        pairs = pairs[:-1]
    return [zset(r)] + options + pairs


def zadd_same_score(r):
    pairs = [part for _ in range(r.choice([1, 2, 5, 10])) for part in (0, member(r))]
    return [r.choice(SAME_SCORE[:2])] + pairs


def score_bound(r):
    text = str(score(r)).encode() if r.random() < 0.5 else r.choice([b"-inf", b"+inf", b"0", b"5"])
    if text.startswith(b"b'"):
        text = b"2.5"
    if r.random() < 0.04:
        text = r.choice([b"", b"(", b" 3", b"1e400", b"-1e400", b"x", b"nan", b"((1", b"3\x00x"])
    return b"(" + text if r.random() < 0.3 else text


def lex_bound(r):
    chance = r.random()
    if chance < 0.25:
        return r.choice([b"-", b"+"])
    if chance < 0.95:
        return r.choice([b"[", b"("]) + member(r)
    return r.choice([b"", b"a", b"-x", b"+x", b"[", b"("])


def limit(r):
    return [word(r, "LIMIT"), r.choice([0, 0, 1, 2, 5, -1, integer(r)]),
            r.choice([0, 1, 2, 10, -1, -5, integer(r)])]


def range_arguments(r, storing=False):
    chance = r.random()
    first = [zset(r)] if storing else []
    options = [] if storing else ["WITHSCORES"]
    options += ["REV"]
    if chance < 0.4:
        arguments = first + [zset(r), integer(r), integer(r)]
    elif chance < 0.75:
        arguments = first + [zset(r), score_bound(r), score_bound(r), word(r, "BYSCORE")]
        options.append(limit)
    else:
        arguments = ([r.choice(SAME_SCORE[:2])] if storing else []) + \
            [lex(r), lex_bound(r), lex_bound(r), word(r, "BYLEX")]
        options = ["REV", limit] if r.random() < 0.95 else options
    if r.random() < 0.03:
        options += [limit, "BYSCORE", "NOPE"]
    return arguments + some(r, options, 2)


def by_score(r):
    return [zset(r), score_bound(r), score_bound(r)] + some(r, ["WITHSCORES", limit], 2)


def by_member(r):
    options = some(r, [limit], 1) if r.random() < 0.95 else [word(r, "WITHSCORES")]
    return [lex(r), lex_bound(r), lex_bound(r)] + options


def numbered_keys(r, source=zset_or_set):
    keys_drawn = [source(r) for _ in range(r.choice([1, 2, 2, 3, 4]))]
    count = len(keys_drawn)
    if r.random() < 0.05:
        count = r.choice([0, -1, count + 1, count - 1, b"x", b"", 2**31, 1000])
    return count, keys_drawn


def algebra_arguments(r, storing=False, weights=True):
    count, keys_drawn = numbered_keys(r)
    arguments = ([zset(r)] if storing else []) + [count] + keys_drawn
    if weights and r.random() < 0.4:
        arguments += [word(r, "WEIGHTS")] + [score(r) for _ in keys_drawn]
    if weights and r.random() < 0.4:
        arguments += [word(r, "AGGREGATE"), word(r, "SUM", "MIN", "MAX", "AVG")]
    if r.random() < (0.04 if storing else 0.5):
        arguments.append(word(r, "WITHSCORES"))
    return arguments


def zintercard_arguments(r):
    count, keys_drawn = numbered_keys(r)
    options = some(r, [lambda r: [word(r, "LIMIT"), small(r, 5)]], 1)
    return [count] + keys_drawn + options


def zmpop_arguments(r):
    count, keys_drawn = numbered_keys(r, zset)
    options = some(r, [lambda r: [word(r, "COUNT"), r.choice([1, 2, 5, 0, -1, b"x", 200])]], 2)
    return [count] + keys_drawn + [word(r, "MIN", "MAX", "MIN", "MAX", "MID")] + options


def zrandmember_arguments(r):
    """Random ones are compared by how many they are: see the rule."""
    arguments = [zset(r)]
    if r.random() < 0.8:
        arguments.append(r.choice([0, 1, 2, 5, 200, -1, -5, -20, b"x", 2**63, -2**63, b""]))
        arguments += some(r, ["WITHSCORES"], 1) if r.random() < 0.95 else [b"nope"]
    return arguments


def zscan_arguments(r):
    """One round over everything: the count is larger than any sorted set here."""
    arguments = [zset(r), r.choice([0, 0, 0, 0, 0, b"x", b"-1"])]
    if r.random() < 0.5:
        arguments += [word(r, "MATCH"), r.choice([b"*", b"a*", b"[a-c]*", b"?", b"m1?", b"no"])]
    arguments += [word(r, "COUNT"), 100000]
    if r.random() < 0.1:
        arguments += r.choice([["MATCH"], ["COUNT", 0], ["COUNT", "x"], ["NOPE", 1]])
    return arguments


def rank_arguments(r):
    return [zset(r), member(r)]


GENERATORS = {
    "zadd": lambda r: zadd_arguments(r) if r.random() < 0.8 else zadd_same_score(r),
    "zcard": lambda r: [zset(r)],
    "zcount": lambda r: [zset(r), score_bound(r), score_bound(r)],
    "zdiff": lambda r: algebra_arguments(r, weights=False),
    "zdiffstore": lambda r: algebra_arguments(r, storing=True, weights=False),
    "zincrby": lambda r: [zset(r), score(r), member(r)],
    "zinter": algebra_arguments,
    "zintercard": zintercard_arguments,
    "zinterstore": lambda r: algebra_arguments(r, storing=True),
    "zlexcount": lambda r: [lex(r), lex_bound(r), lex_bound(r)],
    "zmpop": zmpop_arguments,
    "zmscore": lambda r: [zset(r)] + [member(r) for _ in range(r.randint(1, 4))],
    "zpopmax": lambda r: [zset(r)] + some(r, [lambda r: [small(r)]], 2),
    "zpopmin": lambda r: [zset(r)] + some(r, [lambda r: [small(r)]], 2),
    "zrandmember": zrandmember_arguments,
    "zrange": range_arguments,
    "zrangebylex": by_member,
    "zrangebyscore": by_score,
    "zrangestore": lambda r: range_arguments(r, storing=True),
    "zrank": rank_arguments,
    "zrem": lambda r: [zset(r)] + [member(r) for _ in range(r.choice([1, 1, 2, 8]))],
    "zremrangebylex": lambda r: [lex(r), lex_bound(r), lex_bound(r)],
    "zremrangebyrank": lambda r: [zset(r), integer(r), integer(r)],
    "zremrangebyscore": lambda r: [zset(r), score_bound(r), score_bound(r)],
    "zrevrange": lambda r: [zset(r), integer(r), integer(r)] + some(r, ["WITHSCORES", limit], 1),
    "zrevrangebylex": by_member,
    "zrevrangebyscore": by_score,
    "zrevrank": rank_arguments,
    "zscan": zscan_arguments,
    "zscore": lambda r: [zset(r), member(r)],
    "zunion": algebra_arguments,
    "zunionstore": lambda r: algebra_arguments(r, storing=True),
}
WEIGHTS = {"zadd": 8, "zincrby": 2, "zrange": 3, "zpopmin": 0.3, "zpopmax": 0.3, "zmpop": 0.3,
           "zremrangebyrank": 0.3, "zremrangebyscore": 0.3, "zremrangebylex": 0.5}
EXCLUDED = {name: "waits; test_zset.py" for name in ["bzmpop", "bzpopmax", "bzpopmin"]}
BEFORE = {"zrandmember": lambda r, command: [(b"ZRANGE", *command[1:2], b"0", b"-1",
                                              b"WITHSCORES")]}


def audit():
    names = POOLS["zset"] + SAME_SCORE
    return [(b"ZRANGE", name, b"0", b"-1", b"WITHSCORES") for name in names] + \
        [(b"OBJECT", b"ENCODING", name) for name in names]
