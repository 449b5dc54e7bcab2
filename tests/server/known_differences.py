"""Where a reply may differ from redis-server 7.0, and why.

A rule has the commands it is for, the reason, and a test of both replies (as raw.parse gives them)
which says whether the difference is the known one and not another.
"""

TIME_TOLERANCE_MS = 3000

# BITFIELD SET in a signed field by OVERFLOW SAT: far below its least value, redis-server subtracts
# past 64 bits and stores the greatest; here it is the least. No reply shows it at once, so such
# numbers are not drawn.
BITFIELD_SET_LEAST = -2**61

LATEST_MS = 2**47 - 1  # the year 6429: what an entry's 48 bits hold

RULES = []


def rule(*names, reason):
    def add(test):
        RULES.append((frozenset(names), reason, test))
        return test
    return add


def allowed(command, ours, theirs):
    """The reason why this difference is all right; None when it is not."""
    name = command[0].lower().decode("latin-1")
    if quotes_less(ours, theirs):
        return "an error quotes at most 128 bytes of an argument"
    for names, reason, test in RULES:
        if name in names and test(command, ours, theirs):
            return reason
    return None


def quotes_less(ours, theirs):
    return ours[0] == theirs[0] == b"-" and 140 < len(ours[1]) < len(theirs[1]) and \
        ours[1][:128] == theirs[1][:128]


def argument(command, at):
    """In lower case; nothing when it is not there."""
    return command[at].lower() if at < len(command) else b""


def both(kind, ours, theirs):
    return ours[0] == theirs[0] == kind


def same_numbers(ours, theirs):
    """The same but for how numbers are written."""
    if ours[0] != theirs[0]:
        return False
    if isinstance(ours[1], list) and isinstance(theirs[1], list):
        return len(ours[1]) == len(theirs[1]) and all(map(same_numbers, ours[1], theirs[1]))
    try:
        return ours[1] == theirs[1] or float(ours[1]) == float(theirs[1])
    except (TypeError, ValueError):
        return False


# ---- what no two servers answer alike ------------------------------------------------------------


@rule("ttl", "pttl", "expiretime", "pexpiretime", reason="clocks are read at different moments")
def _(command, ours, theirs):
    scale = 1000 if b"p" not in command[0].lower()[:1] else 1
    return both(b":", ours, theirs) and min(int(ours[1]), int(theirs[1])) > 0 and \
        abs(int(ours[1]) - int(theirs[1])) * scale <= TIME_TOLERANCE_MS


@rule("keys", reason="the order of keys is that of each server's hashing")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and sorted(ours[1]) == sorted(theirs[1])


@rule("scan", reason="the order of keys, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    if not both(b"*", ours, theirs):
        return False
    whole_round = (command[1], ours[1][0][1], theirs[1][0][1]) == (b"0", b"0", b"0")
    return not whole_round or sorted(ours[1][1][1]) == sorted(theirs[1][1][1])


@rule("scan", reason="there a cursor may be empty, signed, or end at a zero byte")
def _(command, ours, _):
    return not command[1].isdigit() and ours == (b"-", b"ERR invalid cursor")


@rule("command", reason="each server tells of the commands it has")
def _(command, ours, theirs):
    return argument(command, 1) in (b"", b"info", b"list", b"docs") and len(command) <= 2 and \
        ours[0] == theirs[0]


@rule("config", reason="options come in the order of each server's table")
def _(command, ours, theirs):
    def pairs(reply):
        return sorted(zip(reply[1][::2], reply[1][1::2]))
    return argument(command, 1) == b"get" and ours[0] == theirs[0] and ours[0] in b"*%" and \
        pairs(ours) == pairs(theirs)


@rule("randomkey", reason="chance")
def _(_, ours, theirs):
    return both(b"$", ours, theirs) and None not in (ours[1], theirs[1])


@rule("zrandmember", reason="chance")
def _(command, ours, theirs):
    several = len(command) > 2
    return ours[0] == theirs[0] and (ours[1] is None) == (theirs[1] is None) and \
        ours[0] in b"*$" and (not several or len(ours[1]) == len(theirs[1]))


@rule("zscan", reason="members come in each server's own order, scores as in other commands")
def _(command, ours, theirs):
    if not command[2].isdigit():
        return ours == (b"-", b"ERR invalid cursor")
    if not both(b"*", ours, theirs):
        return False
    def pairs(reply):
        items = [item[1] for item in reply[1][1][1]]
        return sorted((member, float(score)) for member, score in zip(items[::2], items[1::2]))
    return command[2] != b"0" or pairs(ours) == pairs(theirs)


@rule("georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro", "geosearch",
      reason="with COUNT, what is equally far comes in any order there; here as it was found")
def _(command, ours, theirs):
    counted = any(argument.lower() == b"count" for argument in command)
    return counted and both(b"*", ours, theirs) and sorted(map(repr, ours[1])) == \
        sorted(map(repr, theirs[1]))


@rule("time", "role", reason="each server speaks of itself")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and len(ours[1]) == len(theirs[1])


@rule("lastsave", reason="each server speaks of itself")
def _(_, ours, theirs):
    return both(b":", ours, theirs)


@rule("hello", reason="server, version and id are each server's own")
def _(_, ours, theirs):
    same_names = [item for item in ours[1][::2]] == [item for item in theirs[1][::2]]
    return ours[0] == theirs[0] and ours[0] in b"*%" and same_names


@rule("client", reason="id, address, memory and library fields are each server's own")
def _(command, ours, theirs):
    what = argument(command, 1)
    if what == b"id":
        return both(b":", ours, theirs)
    return what in (b"info", b"list") and ours[0] == theirs[0] and ours[0] in b"$="


@rule("client", "object", "memory", "config", "command", reason="help texts are each server's own")
def _(command, ours, theirs):
    return argument(command, 1) == b"help" and both(b"*", ours, theirs)


@rule("memory", reason="a value takes other memory here; there an expired one is still told of")
def _(_, ours, theirs):
    return theirs[0] == b":" and (ours[0] == b":" or ours[1] in (None, b""))


@rule("object",
      reason="seconds since the last use; nothing is shared here, so that each value counts once")
def _(command, ours, theirs):
    if argument(command, 1) == b"idletime":
        return both(b":", ours, theirs) and int(ours[1]) <= 60
    return argument(command, 1) == b"refcount" and both(b":", ours, theirs) and ours[1] == b"1"


@rule("smembers", "sinter", "sunion", "sdiff", "spop",
      reason="the order of members is that of each server's hashing")
def _(_, ours, theirs):
    return ours[0] == theirs[0] and ours[0] in b"*~" and sorted(ours[1]) == sorted(theirs[1])


@rule("srandmember", reason="chance")
def _(command, ours, theirs):
    if len(command) == 2:
        return both(b"$", ours, theirs) and None not in (ours[1], theirs[1])
    return both(b"*", ours, theirs) and len(ours[1]) == len(theirs[1])


@rule("sscan",
      reason="the order of members, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    if not both(b"*", ours, theirs):
        return False
    whole_round = (ours[1][0][1], theirs[1][0][1]) == (b"0", b"0")
    return not whole_round or sorted(ours[1][1][1]) == sorted(theirs[1][1][1])


@rule("sscan", reason="there a cursor may be empty, signed, or end at a zero byte")
def _(command, ours, _):
    return not command[2].isdigit() and ours == (b"-", b"ERR invalid cursor")


def pairs_of(reply):
    """A flat array, or a map, of fields with their values."""
    return sorted(zip(reply[1][::2], reply[1][1::2]))


@rule("hgetall", reason="the order of a hash's fields is that of each server's hashing")
def _(_, ours, theirs):
    return ours[0] == theirs[0] and ours[0] in b"*%" and pairs_of(ours) == pairs_of(theirs)


@rule("hkeys", "hvals", reason="the order of a hash's fields is that of each server's hashing")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and sorted(ours[1]) == sorted(theirs[1])


@rule("hscan", reason="the order of fields, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    if not both(b"*", ours, theirs):
        return False
    whole_round = (argument(command, 2), ours[1][0][1], theirs[1][0][1]) == (b"0", b"0", b"0")
    return not whole_round or pairs_of(ours[1][1]) == pairs_of(theirs[1][1])


@rule("hscan", reason="there a cursor may be empty, signed, or end at a zero byte")
def _(command, ours, _):
    return not argument(command, 2).isdigit() and ours == (b"-", b"ERR invalid cursor")


@rule("hscan", reason="7.4 knows NOVALUES")
def _(command, ours, theirs):
    return b"novalues" in [word.lower() for word in command[3:]] and theirs[0] == b"-"


@rule("hrandfield", reason="chance")
def _(command, ours, theirs):
    if both(b"$", ours, theirs):
        return None not in (ours[1], theirs[1])
    return both(b"*", ours, theirs) and len(ours[1]) == len(theirs[1])


def sort_options(command):
    return [option.lower() for option in command[2:]]


@rule("sort", "sort_ro", reason="what has the same weight, or none, comes in any order by BY ALPHA")
def _(command, ours, theirs):
    options = sort_options(command)
    return both(b"*", ours, theirs) and {b"by", b"alpha"} <= set(options) and \
        len(ours[1]) == len(theirs[1])


@rule("sort", "sort_ro", reason="a set that is not to be sorted has each server's own order")
def _(command, ours, theirs):
    return both(b"*", ours, theirs) and b"by" in sort_options(command) and \
        len(ours[1]) == len(theirs[1])


@rule("sort", "sort_ro", reason="there texts are compared up to their first zero byte")
def _(command, ours, theirs):
    return both(b"*", ours, theirs) and b"alpha" in sort_options(command) and \
        len(ours[1]) == len(theirs[1]) and any(b"\0" in (item[1] or b"") for item in ours[1])


@rule("sort", "sort_ro", reason="there an overflow of an earlier number may still be remembered")
def _(_, ours, theirs):
    return theirs == (b"-", b"ERR One or more scores can't be converted into double") and \
        ours[0] in b":*"


@rule("object", reason="there SORT turns a sorted set into a skiplist; test_zset.py has names")
def _(command, ours, theirs):
    return argument(command, 1) == b"encoding" and ours == (b"$", b"listpack") and \
        theirs == (b"$", b"skiplist")


def same_but(ours, theirs, differ):
    """Whether two replies are the same where `differ` does not say that two numbers may stand."""
    if ours == theirs:
        return True
    if ours[0] != theirs[0] or not isinstance(ours[1], list) or not isinstance(theirs[1], list):
        return differ(ours, theirs)
    return len(ours[1]) == len(theirs[1]) and all(
        same_but(one, other, differ) for one, other in zip(ours[1], theirs[1]))


def near_numbers(ours, theirs):
    return both(b":", ours, theirs) and abs(int(ours[1]) - int(theirs[1])) <= TIME_TOLERANCE_MS


@rule("xpending", reason="how long an entry is idle is read by each server's clock")
def _(_, ours, theirs):
    return same_but(ours, theirs, near_numbers)


@rule("xgroup", "xinfo", reason="help texts are each server's own")
def _(command, ours, theirs):
    return argument(command, 1) == b"help" and both(b"*", ours, theirs)


# ---- what 7.2 does otherwise than 7.0 ------------------------------------------------------------


@rule("xgroup", reason="since 7.2 reading and claiming make the consumer even if there is nothing")
def _(command, ours, theirs):
    return argument(command, 1) == b"createconsumer" and (ours, theirs) == \
        ((b":", b"0"), (b":", b"1"))


@rule("xsetid", reason="7.2 takes no id before one that XDEL has removed")
def _(_, ours, theirs):
    return ours[1] == b"ERR The ID specified in XSETID is smaller than current " \
        b"max_deleted_entry_id" and (theirs[0] == b"-" or theirs[1] == b"OK")


@rule("xread", "xreadgroup", reason="7.2 names the command and its own sign")
def _(_, ours, theirs):
    return ours[1].startswith(b"ERR Unbalanced '") and theirs[1].startswith(b"ERR Unbalanced X")


def as_map(reply):
    return {name[1]: item for name, item in zip(reply[1][::2], reply[1][1::2])}


def consumers_are_known(ours, theirs):
    """Ours has all of theirs, and those that 7.0 did not make, which have nothing pending."""
    mine = {as_map(each)[b"name"][1]: as_map(each) for each in ours[1]}
    for each in theirs[1]:
        wanted = as_map(each)
        found = mine.pop(wanted[b"name"][1], None)
        if found is None or not all(same_but(found[name], item, near_or_earlier)
                                    for name, item in wanted.items()):
            return False
    return all(each.get(b"pending") in ((b":", b"0"), (b"*", [])) for each in mine.values())


def near_or_earlier(ours, theirs):
    """Times, and what is idle: 7.0 sees a consumer only when it gets something."""
    return both(b":", ours, theirs) and (near_numbers(ours, theirs) or int(ours[1]) < 10**6 or
                                         int(ours[1]) > 10**12)


def near_times(ours, theirs):
    return near_numbers(ours, theirs) and int(ours[1]) > 10**11


def groups_are_known(ours, theirs):
    if len(ours[1]) != len(theirs[1]):
        return False
    for one, other in zip(ours[1], theirs[1]):
        mine, wanted = as_map(one), as_map(other)
        counts = mine.pop(b"consumers"), wanted.pop(b"consumers")
        if counts[0][0] == b":":
            same = int(counts[0][1]) >= int(counts[1][1])
        else:
            same = consumers_are_known(*counts)
        if not same or mine.keys() != wanted.keys() or \
                not all(same_but(mine[name], wanted[name], near_times) for name in mine):
            return False
    return True


@rule("xinfo", reason="7.2 tells when a consumer was active, and makes it when it asks; times")
def _(command, ours, theirs):
    what = argument(command, 1)
    if ours[0] != theirs[0] or ours[0] not in b"*%":
        return False
    if what == b"consumers":
        return consumers_are_known(ours, theirs)
    if what == b"groups":
        return groups_are_known(ours, theirs)
    mine, wanted = as_map(ours), as_map(theirs)
    nodes = mine.pop(b"radix-tree-nodes"), wanted.pop(b"radix-tree-nodes")  # another tree
    groups = mine.pop(b"groups"), wanted.pop(b"groups")
    same = groups[0] == groups[1] or groups_are_known(*groups)
    return same and mine == wanted and nodes[0][0] == nodes[1][0]



@rule("lpos", reason="7.2 refuses the least number as RANK, which has no opposite")
def _(command, ours, _):
    return str(-2**63).encode() in command and ours[0] == b"-" and \
        ours[1].startswith(b"ERR value is out of range, value must between")


@rule("bitcount", "bitpos",
      reason="since 7.2 arguments are looked at before the key, also when it is absent")
def _(_, ours, theirs):
    return ours[0] == b"-" and (theirs[1] in (b"0", b"-1") or theirs[1].startswith(b"WRONGTYPE"))


@rule("object", reason="since 7.2 a short list is a listpack")
def _(_, ours, theirs):
    return ours == (b"$", b"listpack") and theirs == (b"$", b"quicklist")


@rule("zadd", "zincrby", "zscore", "zmscore", "zrange", "zrevrange", "zrangebyscore",
      "zrevrangebyscore", "zpopmin", "zpopmax", "zmpop", "bzpopmin", "bzpopmax", "bzmpop", "zunion",
      "zinter", "zdiff", reason="since 7.2 a score is the shortest text that reads back as it")
def _(_, ours, theirs):
    return same_numbers(ours, theirs)


@rule("zrank", "zrevrank", reason="since 7.2 there may be WITHSCORE behind the member")
def _(command, ours, theirs):
    return len(command) > 3 and theirs[0] == b"-" and \
        theirs[1].startswith(b"ERR wrong number of arguments")


@rule("command", reason="7.2 takes GETKEYS of a command without arguments")
def _(command, ours, theirs):
    return argument(command, 1) == b"getkeys" and theirs == \
        (b"-", b"ERR wrong number of arguments for 'command|getkeys' command")


@rule("object", reason="7.2 has lists in a listpack")
def _(command, ours, theirs):
    return argument(command, 1) == b"encoding" and \
        (ours[1], theirs[1]) == (b"listpack", b"quicklist")


@rule("object", reason="7.2 has listpacks of sets, and makes an intset of what SINTERSTORE stores")
def _(command, ours, theirs):
    names = (ours[1], theirs[1])
    return argument(command, 1) == b"encoding" and theirs[0] == b"$" and \
        names in ((b"listpack", b"hashtable"), (b"listpack", b"intset"), (b"intset", b"hashtable"),
                  (b"hashtable", b"intset"))


@rule("hello", reason="7.2 reads all options before it looks at the password")
def _(_, ours, theirs):
    return ours[1].startswith(b"ERR Syntax error in HELLO") and theirs[1].startswith(b"WRONGPASS")


# ---- what Snug does otherwise --------------------------------------------------------------------


@rule("ttl", "pttl", "expiretime", "pexpiretime",
      reason="times after the year 6429 become the last that fits")
def _(_, ours, theirs):
    return both(b":", ours,
                theirs) and int(theirs[1]) > int(ours[1]) >= LATEST_MS // 1000 - 2 * 10**9
