"""Where a reply may differ from redis-server 7.0, and why.

A rule has the commands it is for, the reason, and a test of both replies (as raw.parse gives them)
which says whether the difference is the known one and not another.
"""

from collections import Counter

TIME_TOLERANCE_MS = 3000

# BITFIELD SET in a signed field by OVERFLOW SAT: far below its least value, redis-server subtracts
# past 64 bits and stores the greatest; here it is the least. No reply shows it at once, so such
# numbers are not drawn.
BITFIELD_SET_LEAST = -2**61

LATEST_MS = 2**47 - 1  # the year 6429: what an entry's 48 bits hold

RULES = []


def rule(*names, reason):
    def add(test):
        RULES.append((frozenset(names), reason, lambda *known: test(*known[:3])))
        return test
    return add


def rule_looking_back(*names, reason):
    """Its test is given differential.Earlier too."""
    def add(test):
        RULES.append((frozenset(names), reason, test))
        return test
    return add


def allowed(command, ours, theirs, earlier):
    """The reason why this difference is all right; None when it is not."""
    name = command[0].lower().decode("latin-1")
    if quotes_less(ours, theirs):
        return "an error quotes at most 128 bytes of an argument"
    for names, reason, test in RULES:
        if name in names and test(command, ours, theirs, earlier):
            return reason
    return None


def quotes_less(ours, theirs):
    return ours[0] == theirs[0] == b"-" and 140 < len(ours[1]) < len(theirs[1]) and \
        ours[1][:128] == theirs[1][:128]


def argument(command, at):
    """In lower case; nothing when it is not there."""
    return command[at].lower() if at < len(command) else b""


def error(reply):
    """Its text; nothing when it is no error."""
    return reply[1] if reply[0] == b"-" else b""


def both(kind, ours, theirs):
    return ours[0] == theirs[0] == kind


def same_but(ours, theirs, differ):
    """Whether two replies are the same but for parts of which `differ` says that they may."""
    if ours == theirs:
        return True
    if ours[0] != theirs[0] or not isinstance(ours[1], list) or not isinstance(theirs[1], list):
        return differ(ours, theirs)
    return len(ours[1]) == len(theirs[1]) and all(
        same_but(one, other, differ) for one, other in zip(ours[1], theirs[1]))


def leaves(reply):
    """What a reply holds, without how it is nested."""
    if not isinstance(reply[1], list):
        return [reply[1]]
    return [leaf for item in reply[1] for leaf in leaves(item)]


def shape(reply):
    """How a reply is nested, without what it holds."""
    return [shape(item) for item in reply[1]] if isinstance(reply[1], list) else reply[0]


def same_score(ours, theirs):
    """7.0 writes 17 digits; 7.2 as few as read back as the same number, or all when it is whole."""
    try:
        number = float(ours[1])
    except (TypeError, ValueError):
        return False
    whole = number.is_integer() and abs(number) <= 2**62 and ours[1] == b"%d" % number
    return ours[0] in b"$," and ours[0] == theirs[0] and theirs[1] == b"%.17g" % number and \
        (whole or digits(ours[1]) == digits(repr(number).encode()))


def digits(text):
    """Those that count, wherever the point stands."""
    return text.lower().split(b"e")[0].replace(b".", b"").strip(b"-0")


# ---- what no two servers answer alike ------------------------------------------------------------


@rule("ttl", "pttl", "expiretime", "pexpiretime", reason="clocks are read at different moments")
def _(command, ours, theirs):
    scale = 1000 if b"p" not in command[0].lower()[:1] else 1
    return both(b":", ours, theirs) and min(int(ours[1]), int(theirs[1])) > 0 and \
        abs(int(ours[1]) - int(theirs[1])) * scale <= TIME_TOLERANCE_MS


@rule("eval", "eval_ro", "script", reason="LuaJIT takes bytes over 127 for letters, Lua does not")
def _(command, ours, theirs):
    said = b"ERR Error compiling script (new function): user_script:"
    return error(ours).startswith(said) and error(theirs).startswith(said) and \
        any(byte > 127 for byte in b"".join(argument(command, at) for at in (1, 2)))


@rule("keys", reason="the order of keys is that of each server's hashing")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and sorted(ours[1]) == sorted(theirs[1])


def unordered(reply):
    """Equal for replies that have the same in any order, at any depth."""
    kind, payload = reply
    if not isinstance(payload, list):
        return reply
    return kind, sorted(repr(unordered(item)) for item in payload)


@rule("function", reason="of several names that are there already, which comes first is hashing's")
def _(command, ours, theirs):
    return all(error(reply).startswith((b"ERR Function ", b"ERR Library ")) and
               error(reply).endswith(b" already exists") for reply in (ours, theirs))


@rule("function", reason="libraries and functions come by their names; there in that of hashing")
def _(command, ours, theirs):
    return argument(command, 1) == b"list" and unordered(ours) == unordered(theirs)


@rule("command", reason="each server tells of the commands it has")
def _(command, ours, theirs):
    return argument(command, 1) in (b"", b"info", b"list", b"docs") and len(command) <= 2 and \
        ours[0] == theirs[0]


def pairs_of(reply):
    """A flat array, or a map, of names with their values."""
    return sorted(zip(reply[1][::2], reply[1][1::2]))


@rule("config", reason="there an error quotes an argument up to a zero byte")
def _(_, ours, theirs):
    return both(b"-", ours, theirs) and b"\0" in ours[1] and \
        ours[1].startswith(theirs[1].rstrip(b"'"))


@rule("config", reason="options come in the order of each server's table")
def _(command, ours, theirs):
    return argument(command, 1) == b"get" and ours[0] == theirs[0] and ours[0] in b"*%" and \
        pairs_of(ours) == pairs_of(theirs)


@rule("georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro", "geosearch",
      reason="with COUNT, what is equally far comes in any order there; here as it was found")
def _(command, ours, theirs):
    counted = any(argument.lower() == b"count" for argument in command)
    return counted and both(b"*", ours, theirs) and sorted(map(repr, ours[1])) == \
        sorted(map(repr, theirs[1]))


@rule("time", "role", reason="each server speaks of itself")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and shape(ours) == shape(theirs)


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


@rule("client", "object", "memory", "config", "command", "xgroup", "xinfo",
      reason="help texts are each server's own")
def _(command, ours, theirs):
    return argument(command, 1) == b"help" and both(b"*", ours, theirs)


@rule("memory", reason="a value takes other memory here; there an expired one is still told of")
def _(command, ours, theirs):
    told = ours[0] == b":" and int(ours[1]) > 0
    return argument(command, 1) == b"usage" and theirs[0] == b":" and \
        (told or ours in ((b"$", None), (b"_", b"")))


@rule("dump", reason="the same value in other bytes; RESTORE takes either, as test_dump.py shows")
def _(_, ours, theirs):
    return both(b"$", ours, theirs) and None not in (ours[1], theirs[1]) and \
        ours[1][-9:-8] == theirs[1][-9:-8] == b"\0"


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


@rule("hgetall", reason="the order of a hash's fields is that of each server's hashing")
def _(_, ours, theirs):
    return ours[0] == theirs[0] and ours[0] in b"*%" and pairs_of(ours) == pairs_of(theirs)


@rule("hkeys", "hvals", reason="the order of a hash's fields is that of each server's hashing")
def _(_, ours, theirs):
    return both(b"*", ours, theirs) and sorted(ours[1]) == sorted(theirs[1])


# ---- parts of a whole ----------------------------------------------------------------------------
#
# What chance takes, and what one step of a scan finds, differs; that it is a part of the whole does
# not. The generators ask for the whole just before: see BEFORE.


def whole_before(command, earlier, *names):
    """What one of these commands on the same key has told just before, of ours; None: nothing."""
    asked = earlier.command()
    if asked and asked[0].lower() in names and asked[1:2] == command[1:2]:
        return earlier.ours()
    return None


def is_sample(command, ours, whole, parts_of_one):
    """Whether it is as many, of which each is a part of the whole, as the count asks for."""
    found = leaves(ours)
    with_more = len(command) > 3
    if not with_more:
        whole = [(first,) for first, *_ in whole]
    each = parts_of_one if with_more else 1
    found = list(zip(*[iter(found)] * each))
    count = int(command[2]) if len(command) > 2 else 1
    wanted = min(count, len(whole)) if count >= 0 else -count if whole else 0
    return len(found) == wanted and set(found) <= set(whole) and \
        (count < 0 or len(set(found)) == len(found))


@rule_looking_back("srandmember", "hrandfield", "zrandmember", reason="chance")
def _(command, ours, theirs, earlier):
    if shape(ours) != shape(theirs) or (b"$", None) in (ours, theirs):
        return False
    asked = whole_before(command, earlier, b"smembers", b"hgetall", b"zrange")
    if asked is None:  # the command, or the one before, has been spoilt
        return ours[0] in b"*$"
    parts = 1 if earlier.command()[0].lower() == b"smembers" else 2
    found = leaves(asked)
    return is_sample(command, ours, list(zip(*[iter(found)] * parts)), parts)


@rule_looking_back("randomkey", reason="chance")
def _(_, ours, theirs, earlier):
    return both(b"$", ours, theirs) and None not in (ours[1], theirs[1]) and \
        earlier.command() == (b"KEYS", b"*") and ours in earlier.ours()[1]


def scan_step(command, first_option):
    """The cursor, and whether the count is large enough for a whole round."""
    options = [word.lower() for word in command[first_option:]]
    return command[first_option - 1], b"100000" in options[1::2]


def same_step(command, ours, theirs, first_option, items):
    """A whole round finds the same, whatever its order; less than that is each server's own."""
    if not both(b"*", ours, theirs) or shape(ours)[0] != shape(theirs)[0]:
        return False
    cursor, large = scan_step(command, first_option)
    cursors = ours[1][0][1], theirs[1][0][1]
    if large and (int(cursor) == 0 and cursors != (b"0", b"0")):
        return False
    return cursors != (b"0", b"0") or int(cursor) != 0 or \
        sorted(items(ours[1][1])) == sorted(items(theirs[1][1]))


def scored(reply):
    found = leaves(reply)
    return [(member, float(score)) for member, score in zip(found[::2], found[1::2])]


@rule("scan", reason="the order of keys, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    return same_step(command, ours, theirs, 2, leaves)


@rule("sscan", reason="the order, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    return same_step(command, ours, theirs, 3, leaves)


@rule("hscan", reason="the order, and what makes a part of a round, is each server's own")
def _(command, ours, theirs):
    return same_step(command, ours, theirs, 3, pairs_of)


@rule("zscan", reason="the order is each server's own, and scores are written as 7.2 does")
def _(command, ours, theirs):
    return same_step(command, ours, theirs, 3, scored)


@rule("scan", reason="there a cursor may be empty, signed, or end at a zero byte")
def _(command, ours, _):
    return not command[1].isdigit() and ours == (b"-", b"ERR invalid cursor")


@rule("sscan", "hscan", "zscan",
      reason="there a cursor may be empty, signed, or end at a zero byte")
def _(command, ours, _):
    return not argument(command, 2).isdigit() and ours == (b"-", b"ERR invalid cursor")


@rule("hscan", reason="7.4 knows NOVALUES")
def _(command, ours, theirs):
    return b"novalues" in [word.lower() for word in command[3:]] and \
        theirs == (b"-", b"ERR syntax error")


# ---- SORT ----------------------------------------------------------------------------------------


def sort_options(command):
    """The options of a SORT that is well formed: their values by name, and the patterns of GET."""
    given, gets, at = {}, [], 2
    while at < len(command):
        name = command[at].lower()
        size = {b"by": 1, b"get": 1, b"limit": 2, b"store": 1}.get(name, 0)
        given[name] = command[at + 1:at + 1 + size]
        if name == b"get":
            gets.append(command[at + 1])
        at += 1 + size
    return given, gets


@rule_looking_back("sort", "sort_ro",
                   reason="what weighs the same by BY ALPHA, texts that are the same up to a zero "
                   "byte, and a set that is not to be sorted come in each server's own order")
def _(command, ours, theirs, earlier):
    """All of it is the same in another order; LIMIT takes a slice of the whole told before."""
    given, gets = sort_options(command)
    if not both(b"*", ours, theirs) or len(ours[1]) != len(theirs[1]):
        return False
    unsorted = b"by" in given and b"*" not in given[b"by"][0]
    if not unsorted and b"alpha" not in given:
        return False
    def rows(reply):
        return list(zip(*[iter(leaves(reply))] * max(1, len(gets))))
    if b"limit" not in given:
        return Counter(rows(ours)) == Counter(rows(theirs))
    if earlier.command() != without_limit(command):
        return False
    first, count = (int(number) for number in given[b"limit"])
    first = max(0, first)
    whole = rows(earlier.ours())
    return rows(ours) == whole[first:first + count if count >= 0 else None]


def without_limit(command):
    """The SORT_RO that tells the whole of which this one tells a slice."""
    words = [word.lower() for word in command]
    while b"limit" in words[2:]:
        at = words.index(b"limit", 2)
        command, words = command[:at] + command[at + 3:], words[:at] + words[at + 3:]
    return (b"SORT_RO",) + tuple(command[1:])


# ---- streams -------------------------------------------------------------------------------------


def near_numbers(ours, theirs):
    return both(b":", ours, theirs) and abs(int(ours[1]) - int(theirs[1])) <= TIME_TOLERANCE_MS


@rule("xpending", reason="how long an entry is idle is read by each server's clock")
def _(_, ours, theirs):
    """The third of an entry, its consumer, and its count of deliveries."""
    return both(b"*", ours, theirs) and len(ours[1]) == len(theirs[1]) and all(
        len(one[1]) == len(other[1]) == 4 and one[1][:2] == other[1][:2] and
        near_numbers(one[1][2], other[1][2]) and one[1][3] == other[1][3]
        for one, other in zip(ours[1], theirs[1]))


@rule("xgroup", reason="since 7.2 reading and claiming make the consumer even if there is nothing")
def _(command, ours, theirs):
    return argument(command, 1) == b"createconsumer" and (ours, theirs) == \
        ((b":", b"0"), (b":", b"1"))


@rule("xsetid", reason="7.2 takes no id before one that XDEL has removed")
def _(_, ours, theirs):
    return error(ours) == b"ERR The ID specified in XSETID is smaller than current " \
        b"max_deleted_entry_id" and theirs in (
            (b"+", b"OK"),
            (b"-", b"ERR The ID specified in XSETID is smaller than the target stream top item"))


@rule("xread", "xreadgroup", reason="7.2 names the command and its own sign")
def _(_, ours, theirs):
    return error(ours).startswith(b"ERR Unbalanced '") and \
        error(theirs).startswith(b"ERR Unbalanced X")


def as_map(reply):
    return {name[1]: item for name, item in zip(reply[1][::2], reply[1][1::2])}


def seen_later(ours, theirs):
    """Ours is seen by every attempt, theirs only when it gets something."""
    return both(b":", ours, theirs) and int(ours[1]) >= int(theirs[1]) - TIME_TOLERANCE_MS


def idle_shorter(ours, theirs):
    return both(b":", ours, theirs) and 0 <= int(ours[1]) <= int(theirs[1]) + TIME_TOLERANCE_MS


def near_deliveries(ours, theirs):
    """What is pending: entries with the time of their last delivery before the count."""
    def known(one, other):
        return near_numbers(one, other) and int(one[1]) > TIME_TOLERANCE_MS
    return same_but(ours, theirs, known)


CONSUMER_FIELDS = {b"idle": idle_shorter, b"seen-time": seen_later, b"pending": near_deliveries}


def consumers_are_known(ours, theirs):
    """Ours has all of theirs, and those that 7.0 did not make, which have nothing pending."""
    mine = {as_map(each)[b"name"][1]: as_map(each) for each in ours[1]}
    for each in theirs[1]:
        wanted = as_map(each)
        found = mine.pop(wanted[b"name"][1], None)
        if found is None or not found.keys() - wanted.keys() <= {b"inactive", b"active-time"} or \
                not all(same_but(found[name], item, CONSUMER_FIELDS.get(name, never))
                        for name, item in wanted.items()):
            return False
    return all(each.get(b"pending") in ((b":", b"0"), (b"*", [])) for each in mine.values())


def never(_, __):
    return False


GROUP_FIELDS = {b"pending": near_deliveries}


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
        if not same or mine.keys() != wanted.keys() or not all(
                same_but(mine[name], wanted[name], GROUP_FIELDS.get(name, never)) for name in mine):
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


# ---- names of encodings --------------------------------------------------------------------------


def encodings(command, ours, theirs):
    """The names that both say, when they do."""
    return (ours[1], theirs[1]) if argument(command, 1) == b"encoding" and \
        both(b"$", ours, theirs) else (None, None)


@rule_looking_back("object", reason="7.2 has lists in a listpack")
def _(command, ours, theirs, earlier):
    """As far as one of 64 KiB, the largest that list-max-listpack-size knows."""
    if encodings(command, ours, theirs) != (b"listpack", b"quicklist"):
        return False
    if earlier.command()[:1] != (b"LRANGE",) or earlier.command()[1] != command[2]:
        return True
    return sum(map(len, leaves(earlier.ours()))) <= 65536


def is_integer(text):
    try:
        return str(int(text)).encode() == text and -2**63 <= int(text) < 2**63
    except ValueError:
        return False


@rule_looking_back("object", reason="7.2 has listpacks of sets, and makes an intset of what "
                   "SINTERSTORE and SDIFFSTORE find in others")
def _(command, ours, theirs, earlier):
    names = encodings(command, ours, theirs)
    if names not in ((b"listpack", b"hashtable"), (b"listpack", b"intset"),
                     (b"intset", b"hashtable"), (b"hashtable", b"intset")):
        return False
    if earlier.command() != (b"SMEMBERS", command[2]):
        return True
    members = leaves(earlier.ours())
    if names[0] == b"listpack":
        return len(members) <= 128 and all(len(member) <= 64 for member in members)
    return names[0] == b"hashtable" or all(map(is_integer, members))


@rule_looking_back("object", reason="7.2 makes a skiplist at once when as many members are told of "
                   "as a listpack may not have, even if few of them are new")
def _(command, ours, theirs, earlier):
    return encodings(command, ours, theirs) == (b"skiplist", b"listpack") and any(
        told[0].lower() in (b"zadd", b"geoadd") and len(told) > (4 if limited else 2 * 128)
        for limited, told in after_limits(earlier))


def after_limits(earlier):
    """The commands before, each with whether some limit of listpacks has been set by then."""
    limited = False
    for told in earlier.commands[:earlier.at]:
        limited |= told[0].lower() == b"config" and argument(told, 2).startswith(b"zset-max-")
        yield limited, told


@rule_looking_back("object", reason="there SORT makes a skiplist of what it only reads")
def _(command, ours, theirs, earlier):
    return encodings(command, ours, theirs) == (b"listpack", b"skiplist") and \
        earlier.any_named("sort", "sort_ro")


# ---- what 7.2 does otherwise than 7.0 ------------------------------------------------------------


@rule("lpos", reason="7.2 refuses the least number as RANK, which has no opposite")
def _(command, ours, _):
    return str(-2**63).encode() in command and ours[0] == b"-" and \
        ours[1].startswith(b"ERR value is out of range, value must between")


@rule("bitcount", "bitpos",
      reason="since 7.2 arguments are looked at before the key, also when it is absent")
def _(_, ours, theirs):
    known = (b"ERR syntax error", b"ERR value is not an integer or out of range")
    return error(ours) in known and \
        (theirs in ((b":", b"0"), (b":", b"-1")) or error(theirs).startswith(b"WRONGTYPE"))


@rule("zadd", "zincrby", "zscore", "zmscore", "zrange", "zrevrange", "zrangebyscore",
      "zrevrangebyscore", "zpopmin", "zpopmax", "zmpop", "bzpopmin", "bzpopmax", "bzmpop", "zunion",
      "zinter", "zdiff", "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro",
      reason="since 7.2 a score is the shortest text that reads back as it")
def _(_, ours, theirs):
    return same_but(ours, theirs, same_score)


@rule_looking_back("zscore", "zmscore", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore",
                   "zpopmin", "zpopmax", "zmpop", "zunion", "zinter", "zdiff",
                   reason="a skiplist keeps a zero's sign: there SORT makes one of what it reads; "
                   "7.2 makes one at once of many members, of which 7.0 has the first in a "
                   "listpack")
def _(_, ours, theirs, earlier):
    def known(one, other):
        return same_score(one, other) or \
            (sorted_before and (one[1], other[1]) == (b"0", b"-0")) or \
            (many_before and (one[1], other[1]) == (b"-0", b"0"))
    sorted_before = earlier.any_named("sort", "sort_ro")
    many_before = any(command[0].lower() == b"zadd" and len(command) > 4
                      for command in earlier.commands[:earlier.at])
    return (sorted_before or many_before) and same_but(ours, theirs, known)


@rule("zrank", "zrevrank", reason="since 7.2 there may be WITHSCORE behind the member")
def _(command, ours, theirs):
    return len(command) == 4 and error(theirs).startswith(b"ERR wrong number of arguments")


@rule("command", reason="7.2 takes GETKEYS of a command without arguments")
def _(command, ours, theirs):
    return argument(command, 1) == b"getkeys" and theirs == \
        (b"-", b"ERR wrong number of arguments for 'command|getkeys' command")


@rule("hello", reason="7.2 reads all options before it looks at the password")
def _(_, ours, theirs):
    return error(ours).startswith(b"ERR Syntax error in HELLO") and \
        error(theirs).startswith(b"WRONGPASS")


# ---- what Snug does otherwise --------------------------------------------------------------------


@rule("ttl", "pttl", "expiretime", "pexpiretime",
      reason="times after the year 6429 become the last that fits")
def _(_, ours, theirs):
    return both(b":", ours,
                theirs) and int(theirs[1]) > int(ours[1]) >= LATEST_MS // 1000 - 2 * 10**9
