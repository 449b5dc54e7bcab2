"""COMMAND, compared with redis-server's for every command that both have."""

import pytest

from resp import Pairs, Set

# Where the dialect is newer than the redis-server that tests compare with (7.0).
INFO_DIFFERS = {
    "command|getkeys",          # 7.2: arity -3
    "command|getkeysandflags",  # 7.2: arity -3
    "msetnx",                   # 7.2: has no tips
    "zrank", "zrevrank",        # 7.2: arity -3, for WITHSCORE
}
DOCS_DIFFERS = {
    "debug",                    # redis-server names no arguments
    "command|getkeys",          # 7.2: has arguments
    "command|getkeysandflags",  # 7.2: has arguments
    "config|set",               # 7.2: one block of parameter and value, which may come again
    "bitop",                    # 7.2: the operation is one of four words
    "geohash", "geopos",        # 7.2: members are optional
    "georadius", "georadiusbymember",  # 7.2: STORE or STOREDIST
    "pfmerge",                  # 7.2: source keys are optional
    "xinfo|stream",             # 7.2: FULL is a word of its own in the block
}

# What 7.2 calls an argument that 7.0 calls otherwise: by its name, and its token or type when only
# such a one has another name.
NAMES_OF_7_2 = {
    "field_value": "data", "key_value": "data", "score_member": "data", "offset_count": "limit",
    "index_unit": "unit", "end_index": "end-unit-block", ("index", "block"): "range",
    "encoding_offset": "get-block", "encoding_offset_value": "set-block",
    "encoding_offset_increment": "incrby-block", "wrap_sat_fail": "overflow-block",
    "write_operation": "write-operation", ("len", "MINMATCHLEN"): "min-match-len",
    ("pattern", "BY"): "by-pattern", ("pattern", "GET"): "get-pattern",
    "groupname": "group", "consumername": "consumer", "group_consumer": "group-block",
    "id_or_auto": "id-selector", "auto_id": "auto-id", ("id", "oneof"): "id-selector",
    "new_id": "new-id", ("id", "LASTID"): "lastid", "entries_read": "entriesread",
    "entries_added": "entries-added", "max_deleted_entry_id": "max-deleted-id",
    ("count", "block"): "count-block", "longitude_latitude": "fromlonlat",
    "longitude_latitude_member": "data", "key_or_empty_string": "key-selector",
    "empty_string": "empty-string", ("password", "AUTH"): "auth",
    ("username_password", "AUTH2"): "auth2", ("key", "KEYS"): "keys",
}


def plain(reply):
    """Sets as frozensets, maps as dicts, bytes as text, so that replies can be compared."""
    if isinstance(reply, Pairs):
        return {plain(name): plain(value) for name, value in reply}
    if isinstance(reply, Set) and all(isinstance(item, (bytes, str)) for item in reply):
        return frozenset(plain(item) for item in reply)
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def hello(server):
    client = server.client()
    client.call("HELLO", 3)
    return client


def infos(server):
    found = {}
    for row in plain(hello(server).call("COMMAND")):
        for each in [row, *row[9]]:
            found[each[0]] = [*each[:9], sorted(sub[0] for sub in each[9])]
    return found


def docs(server):
    found = {}
    for name, row in plain(hello(server).call("COMMAND", "DOCS")).items():
        found[name] = row
        found.update(row.get("subcommands", {}))
    return found


def without_notes(specs):
    return [{name: value for name, value in spec.items() if name != "notes"} for spec in specs]


def test_info_is_as_redis_says(server, oracle):
    ours, theirs = infos(server), infos(oracle)
    common = (ours.keys() & theirs.keys()) - INFO_DIFFERS
    assert len(common) > 60
    wrong = []
    for name in sorted(common):
        mine, other = ours[name][:8], theirs[name][:8]
        if mine != other:
            wrong.append(f"{name}: {mine}, redis {other}")
        if without_notes(ours[name][8]) != without_notes(theirs[name][8]):
            wrong.append(f"{name}: {ours[name][8]}, redis {theirs[name][8]}")
    assert not wrong, "\n".join(wrong)


def facts(args):
    """Arguments without what redis only uses for itself."""
    return [{name: facts(value) if name == "arguments" else value for name, value in arg.items()
             if name not in ("display_text", "deprecated_since")} for arg in args]


def known_to_7_0(args):
    """Without arguments that came later."""
    return [{name: known_to_7_0(value) if name == "arguments" else value
             for name, value in arg.items()}
            for arg in args if arg.get("since", "7.0.0") <= "7.0.0"]


def called_as_in_7_2(args):
    def name(arg):
        for key in (arg["name"], arg.get("token")), (arg["name"], arg["type"]), arg["name"]:
            if key in NAMES_OF_7_2:
                return NAMES_OF_7_2[key]
        return arg["name"]
    return [{**arg, "name": name(arg), **({"arguments": called_as_in_7_2(arg["arguments"])}
                                          if "arguments" in arg else {})} for arg in args]


def test_docs_are_as_redis_says(server, oracle):
    ours, theirs = docs(server), docs(oracle)
    wrong = []
    for name in sorted((ours.keys() & theirs.keys()) - DOCS_DIFFERS):
        mine, other = ours[name], theirs[name]
        for fact in ("since", "group"):
            if mine[fact] != other[fact]:
                wrong.append(f"{name}: {fact} {mine[fact]}, redis {other[fact]}")
        args = known_to_7_0(facts(mine.get("arguments", [])))
        if args != called_as_in_7_2(facts(other.get("arguments", []))):
            wrong.append(f"{name}: {mine.get('arguments')}, redis {other.get('arguments')}")
    assert not wrong, "\n".join(wrong)


def test_docs_are_whole(server):
    for name, row in docs(server).items():
        assert row["summary"].endswith(".") and len(row["summary"]) < 120, name
        assert row["complexity"], name
        for since, change in row.get("history", []):
            assert since[0].isdigit() and change.endswith("."), name


def test_every_command_has_a_row_of_ten(any_client):
    rows = any_client.call("COMMAND")
    assert len(rows) == any_client.call("COMMAND", "COUNT")
    assert all(len(row) == 10 for row in rows)
    assert plain(any_client.call("COMMAND", "INFO")) == plain(rows)


def test_info_and_docs_by_name(any_client):
    rows = any_client.call("COMMAND", "INFO", "get", "nonsense", "config|get", "GET", "get|x")
    assert [row and row[0] for row in rows] == [b"get", None, b"config|get", b"get", None]
    found = any_client.call("COMMAND", "DOCS", "get", "nonsense", "client|list")
    names = found.names() if isinstance(found, Pairs) else found[::2]
    assert names == [b"get", b"client|list"]
    assert len(any_client.call("COMMAND", "DOCS", "nonsense")) == 0


def test_list(client):
    names = client.call("COMMAND", "LIST")
    assert {b"get", b"client", b"client|list"} <= set(names)
    assert len(names) == len(set(names)) > client.call("COMMAND", "COUNT")
    some = client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", "client|*")
    assert some and set(some) == {name for name in names if name.startswith(b"client|")}
    writers = set(client.call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "WRITE"))
    assert b"set" in writers and b"get" not in writers
    assert client.call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nonsense") == []
    assert client.call("COMMAND", "LIST", "FILTERBY", "MODULE", "x") == []


def test_getkeys(both):
    both.lines("""
        COMMAND GETKEYS get a
        COMMAND GETKEYS mset a b c d
        COMMAND GETKEYS mset a b c
        COMMAND GETKEYS del a b c
        COMMAND GETKEYS rename a b
        COMMAND GETKEYS copy a b DB 1
        COMMAND GETKEYS bitop and x a b c
        COMMAND GETKEYS object encoding a
        COMMAND GETKEYS object nonsense a
        COMMAND GETKEYS nonsense a
        COMMAND GETKEYS get a b
        COMMAND GETKEYS ping x
        COMMAND GETKEYSANDFLAGS get a
        COMMAND GETKEYSANDFLAGS set a b
        COMMAND GETKEYSANDFLAGS set a b GET
        COMMAND GETKEYSANDFLAGS set a b EX 10 get
        COMMAND GETKEYSANDFLAGS copy a b
        COMMAND GETKEYSANDFLAGS bitfield a GET u8 0
        COMMAND GETKEYSANDFLAGS bitfield a SET u8 0 1
        COMMAND GETKEYSANDFLAGS touch a b
        COMMAND GETKEYSANDFLAGS bitop or x a b
        COMMAND LIST FOO
        COMMAND LIST FILTERBY
        COMMAND LIST FILTERBY foo bar
        COMMAND LIST FILTERBY pattern a b
        COMMAND COUNT x
        COMMAND FOO
        """)


def test_getkeys_refuses(client):
    assert client.call("COMMAND", "GETKEYS", "get") == (
        "ERR Invalid number of arguments specified for command")
    assert client.call("COMMAND", "GETKEYS", "ping") == "ERR The command has no key arguments"
    assert client.call("COMMAND", "GETKEYS") == (
        "ERR wrong number of arguments for 'command|getkeys' command")


@pytest.mark.parametrize("name", ["command", "client", "config", "object"])
def test_containers_name_their_subcommands(client, name):
    row = client.call("COMMAND", "INFO", name)[0]
    assert row[9] and all(sub[0].startswith(name.encode() + b"|") for sub in row[9])
