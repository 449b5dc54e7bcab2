"""DEBUG: what is Redis's is compared with Redis, what is Snug's own is looked at."""

import random
import re
import signal
import time

import pytest

from resp import Attributed, Client, Error, Push, Status, Verbatim

SHAPES = ("string integer double null array set map attrib push verbatim true false bignum "
          "STRING x").split()


def test_refusals(both):
    both.lines("""
        DEBUG
        DEBUG FOO
        debug foo bar
        DEBUG JMAP
        DEBUG SLEEP
        DEBUG SLEEP 1 2
        DEBUG OBJECT
        DEBUG OBJECT nokey
        DEBUG SDSLEN
        DEBUG SDSLEN nokey
        DEBUG HTSTATS
        DEBUG HTSTATS x
        DEBUG HTSTATS 99
        DEBUG HTSTATS -1
        DEBUG POPULATE
        DEBUG POPULATE x
        DEBUG POPULATE -1
        DEBUG POPULATE 3 key -5
        DEBUG POPULATE 3 key x
        DEBUG POPULATE 3 key 5 6
        DBSIZE
        DEBUG PROTOCOL
        DEBUG PROTOCOL a b
        DEBUG SET-ACTIVE-EXPIRE
        DEBUG ERROR
        DEBUG LOG
        DEBUG DIGEST x
        """)


@pytest.mark.parametrize("shape", SHAPES)
def test_protocol(both, shape):
    """Every shape in both protocols, byte by byte."""
    replies = []
    for client in (both.snug, both.redis):
        client.send("DEBUG", "PROTOCOL", shape)
        client.send("PING")
        replies.append(raw_until(client, b"+PONG\r\n"))
    assert replies[0] == replies[1]


def raw_until(client, end):
    data = bytes(client.pending)
    client.pending.clear()
    while not data.endswith(end):
        data += client.socket.recv(65536)
    return data


def test_protocol_shapes(any_client):
    """The reader of these tests sees what was meant."""
    replies = {}
    for shape in SHAPES[:13]:
        replies[shape] = any_client.call("DEBUG", "PROTOCOL", shape)
        if isinstance(replies[shape], Push):
            assert any_client.read() == b"Some real reply following the push reply"
    if any_client.resp == 3:
        assert isinstance(replies["attrib"], Attributed)
        assert isinstance(replies["push"], Push)
        assert isinstance(replies["verbatim"], Verbatim)
        assert replies["double"] == 3.141 and replies["true"] is True
        assert replies["bignum"] == 1234567999999999999999999999999999999
    else:
        assert isinstance(replies["push"], Error)
        assert replies["double"] == b"3.141" and replies["true"] == 1


def test_small_ones(both):
    both.lines("""
        DEBUG SLEEP 0
        DEBUG SLEEP x
        DEBUG SLEEP -1
        DEBUG SET-ACTIVE-EXPIRE x
        DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG ERROR foo
        DEBUG ERROR "WRONG two  words"
        DEBUG ERROR ""
        DEBUG LOG hello
        DEBUG CHANGE-REPL-ID
        """)
    both.call("DEBUG", "ERROR", "one\r\ntwo\nthree")


def test_sleep_stops_the_server(server):
    with Client(server.port) as one, Client(server.port) as other:
        one.send("DEBUG", "SLEEP", "0.3")
        time.sleep(0.05)
        began = time.monotonic()
        other.call("PING")
        assert time.monotonic() - began > 0.1
        assert one.read() == "OK"


def test_populate(both):
    both.lines("""
        SET key:1 mine
        DEBUG POPULATE 3
        MGET key:0 key:1 key:2 key:3
        DEBUG POPULATE 3 other
        DEBUG POPULATE 12 wide 30
        MGET wide:0 wide:11
        DEBUG POPULATE 11 cut 3
        MGET cut:0 cut:10
        DEBUG POPULATE 2 zero 0
        MGET zero:0 zero:1
        DEBUG POPULATE 0
        DBSIZE
        TTL key:0
        OBJECT ENCODING key:0
        OBJECT ENCODING wide:0
        DEBUG POPULATE 1 big 100000
        STRLEN big:0
        DEBUG DIGEST
        """)
    both.call("KEYS", "*", sort=True)


def values_of_many_kinds(seed):
    rng = random.Random(seed)
    yield "int", b"-12345"
    yield "empty", b""
    yield "float", b"1.50"
    yield "binary", bytes(range(256))
    for number in range(60):
        yield f"k{number}", rng.randbytes(rng.choice((1, 5, 44, 45, 300, 70000)))


def test_digest_is_that_of_redis(both):
    assert both.call("DEBUG", "DIGEST") == "0" * 40
    for key, value in values_of_many_kinds(1):
        both.call("SET", key, value)
    both.lines("""
        SELECT 7
        SET a 1
        SET b 1 EX 10000
        DEBUG DIGEST
        DEBUG DIGEST-VALUE a b nokey
        DEBUG DIGEST-VALUE
        SELECT 0
        DEBUG DIGEST
        SWAPDB 0 7
        DEBUG DIGEST
        """)


def test_digest_of_each_type_is_that_of_redis(both):
    """Small and big ones, with what a digest does not look at: groups, removed entries."""
    for count in (3, 900):
        numbers = range(count)
        both.call("RPUSH", f"list{count}", *numbers)
        both.call("SADD", f"set{count}", *numbers, "word")
        both.call("ZADD", f"zset{count}", *[part for n in numbers for part in (n / 7, f"m{n}")])
        both.call("HSET", f"hash{count}", *[part for n in numbers for part in (f"f{n}", n)])
        for n in numbers:
            both.call("XADD", f"stream{count}", f"{n + 1}-1", "field", n, f"f{n % 3}", "value")
        both.call("XDEL", f"stream{count}", "2-1")
        both.call("XGROUP", "CREATE", f"stream{count}", "group", "0")
        for name in ("list", "set", "zset", "hash", "stream"):
            both.call("DEBUG", "DIGEST-VALUE", f"{name}{count}")
        both.call("DEBUG", "DIGEST")


def test_equal_data_has_equal_digest(client):
    """Whatever the order and the encoding."""
    pairs = list(values_of_many_kinds(2))
    for key, value in pairs:
        client.call("SET", key, value)
    digest = client.call("DEBUG", "DIGEST")
    client.call("FLUSHALL")
    for key, value in reversed(pairs):
        client.call("APPEND", key, value[:1])
        client.call("SETRANGE", key, len(value[:1]), value[1:])
        if not value:
            client.call("SET", key, "")
    assert client.call("DEBUG", "DIGEST") == digest
    client.call("SET", "int", -12346)
    assert client.call("DEBUG", "DIGEST") != digest
    client.call("SET", "int", -12345, "EX", 1000)
    assert client.call("DEBUG", "DIGEST") != digest
    client.call("PERSIST", "int")
    assert client.call("DEBUG", "DIGEST") == digest


def test_digest_does_not_see_what_has_expired(client):
    empty = client.call("DEBUG", "DIGEST")
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    client.call("SET", "x", 1, "PX", 20)
    assert client.call("DEBUG", "DIGEST") != empty
    time.sleep(0.05)
    before = client.call("DEBUG", "DIGEST")
    assert client.call("DEBUG", "DIGEST-VALUE", "x") == ["0" * 40]
    assert client.call("DEBUG", "DIGEST") == empty
    client.call("SELECT", 0)
    assert client.call("DBSIZE") == 0
    assert client.call("DEBUG", "SET-ACTIVE-EXPIRE", 1) == "OK"
    assert before is not None


def test_object(both):
    for key, value in values_of_many_kinds(3):
        both.call("SET", key, value)
    for value in (0, -1, 127, 128, -128, -129, 32767, 32768, 2**31 - 1, 2**31, -2**31 - 1,
                  2**63 - 1):
        both.call("SET", f"n{value}", value)
    both.call("SET", "letters", "abcdefghijklmnopqrst")
    for key in both.snug.call("KEYS", "*"):
        ours, theirs = object_words(both.snug, key), object_words(both.redis, key)
        assert ours.keys() == theirs.keys()
        assert ours["encoding"] == theirs["encoding"]
        if not long_text(both.snug, key):
            assert ours["serializedlength"] == theirs["serializedlength"], key


def long_text(client, key):
    """Longer ones are compressed by Redis, if it can."""
    return client.call("STRLEN", key) > 20


def object_words(client, key):
    reply = client.call("DEBUG", "OBJECT", key)
    assert isinstance(reply, Status)
    found = re.fullmatch(r"Value at:0x[0-9a-f]+ refcount:(?P<refcount>\d+) "
                         r"encoding:(?P<encoding>\w+) serializedlength:(?P<serializedlength>\d+) "
                         r"lru:(?P<lru>\d+) lru_seconds_idle:(?P<idle>\d+)", reply)
    assert found, reply
    return found.groupdict()


def test_object_does_not_use_the_key(client):
    client.call("SET", "x", 1)
    first = object_words(client, "x")
    time.sleep(1.2)
    assert object_words(client, "x")["lru"] == first["lru"]
    assert int(object_words(client, "x")["idle"]) >= 1
    assert client.call("DEBUG", "OBJECT", "x", "FAST").startswith("Value at:")
    client.call("GET", "x")
    assert int(object_words(client, "x")["idle"]) == 0


def test_sdslen(client):
    client.call("SET", "name", "abcdefghij")
    client.call("SET", "big", "x" * 100000)
    client.call("SET", "number", 12)
    line = client.call("DEBUG", "SDSLEN", "name")
    assert line.startswith("key_sds_len:4, key_sds_avail:0, key_zmalloc: ")
    assert ", val_sds_len:10, val_sds_avail:0, val_zmalloc: 0" in line
    assert int(client.call("DEBUG", "SDSLEN", "big").rsplit(" ", 1)[1]) >= 100000
    assert client.call("DEBUG", "SDSLEN", "number") == Error("ERR Not an sds encoded string.")


def test_htstats(any_client):
    any_client.call("DEBUG", "POPULATE", 1000)
    any_client.call("EXPIRE", "key:1", 1000)
    text = any_client.call("DEBUG", "HTSTATS", 0)
    assert isinstance(text, Verbatim) == (any_client.resp == 3)
    assert text.startswith(b"[Dictionary HT]\n") and b"[Expires HT]\n" in text
    main, expires = text.split(b"[Expires HT]")
    assert b" number of elements: 1000\n" in main and b" number of elements: 1\n" in expires
    assert int(re.search(rb"table size: (\d+)", main)[1]) >= 1000
    chains = re.findall(rb"^   (\d)\+?: (\d+) \(", main, re.M)
    assert sum(int(count) for _, count in chains) == int(re.search(rb"buckets: (\d+)", main)[1])
    assert any_client.call("DEBUG", "HTSTATS", 0, "FULL") == text
    assert b"number of elements: 0" in any_client.call("DEBUG", "HTSTATS", 15)


def test_stringmatch_len(client):
    assert client.call("DEBUG", "STRINGMATCH-LEN", 5, "a*") == 1
    assert client.call("DEBUG", "STRINGMATCH-LEN", 5, "aaaa") == 0
    assert client.call("DEBUG", "STRINGMATCH-LEN", 0, "") == 1
    assert isinstance(client.call("DEBUG", "STRINGMATCH-LEN", -1, "a"), Error)
    assert isinstance(client.call("DEBUG", "STRINGMATCH-LEN", 10**18, "a"), Error)
    began = time.monotonic()
    assert client.call("DEBUG", "STRINGMATCH-LEN", 50000, "a*" * 30000 + "b") == 0
    assert time.monotonic() - began < 15


def test_verify_and_move_all(client):
    assert client.call("DEBUG", "MOVE-ALL") == 0
    for key, value in values_of_many_kinds(4):
        client.call("SET", key, value)
        client.call("SET", f"{key}:ttl", value, "EX", 1000)
    digest = client.call("DEBUG", "DIGEST")
    for _ in range(3):
        assert client.call("DEBUG", "MOVE-ALL") >= client.call("DBSIZE")
        assert client.call("DEBUG", "VERIFY") == "OK"
        assert client.call("DEBUG", "DIGEST") == digest
    for key, value in values_of_many_kinds(4):
        assert client.call("GET", key) == value


def moved_blocks(client):
    lines = client.call("INFO", "stats").decode().splitlines()
    return next(int(line.split(":")[1]) for line in lines if line.startswith("active_defrag_hits:"))


def test_move_all_moves(client):
    """The count, not the address: a block may come back to where it was by several moves."""
    for number in range(100):
        client.call("SET", f"filler:{number}", "y" * 40)
    before = moved_blocks(client)
    client.call("DEBUG", "MOVE-ALL")
    assert moved_blocks(client) >= before + 100
    assert all(client.call("GET", f"filler:{number}") == b"y" * 40 for number in range(100))


def test_what_has_no_meaning_is_refused(client):
    for name in ("RESTART", "OOM", "LEAK", "QUICKLIST-PACKED-THRESHOLD"):
        reply = client.call("DEBUG", name)
        assert isinstance(reply, Error) and reply.startswith(f"ERR DEBUG {name} does not apply")
    assert client.call("DEBUG", "STRUCTSIZE").startswith("bits:64 ")


def test_help(any_client):
    lines = any_client.call("DEBUG", "HELP")
    assert all(isinstance(line, Status) for line in lines)
    assert lines[0] == "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[-2:] == ["HELP", "    Print this help."]
    named = {line.split()[0] for line in lines[1:] if not line.startswith(" ")}
    assert {"DIGEST", "OBJECT", "SLEEP", "VERIFY", "MOVE-ALL", "SEGFAULT"} <= named


def test_log(server, client):
    client.call("DEBUG", "LOG", "a line of its own")
    client.call("DEBUG", "LOG", "with\r\nbreaks\0in it")
    client.call("DEBUG", "LOG", "x" * 100000)
    assert "DEBUG LOG: a line of its own\n" in server.log()
    assert "\nbreaks" not in server.log()


def test_change_repl_id(client):
    def ids():
        text = client.call("INFO").decode()
        return [re.search(rf"{name}:([0-9a-f]{{40}})\r", text)[1]
                for name in ("run_id", "master_replid")]
    run_id, replid = ids()
    assert client.call("DEBUG", "CHANGE-REPL-ID") == "OK"
    assert ids()[0] == run_id and ids()[1] != replid


def test_guard(start):
    refusal = ('ERR DEBUG command not allowed. If the enable-debug-command option is set to '
               '"local", you can run it from a local connection, otherwise you need to set this '
               'option in the configuration file, and then restart the server.')
    for options, allowed in (((), False), (("--enable-debug-command", "no"), False),
                             (("--enable-debug-command", "local"), True),
                             (("--enable-debug-command", "yes"), True)):
        client = start(*options).client()
        assert client.call("DEBUG", "SLEEP", 0) == ("OK" if allowed else refusal)
        assert isinstance(client.call("CONFIG", "SET", "enable-debug-command", "yes"), Error)


@pytest.mark.parametrize("name", ["SEGFAULT", "PANIC", "ASSERT"])
def test_ends_of_the_process(start, name):
    server = start("--enable-debug-command", "yes")
    client = server.client()
    client.send("DEBUG", name)
    assert client.closed()
    assert server.process.wait(30) != 0
    assert server.process.returncode in (-signal.SIGSEGV, -signal.SIGABRT, 1)
    assert "SNUG" in server.log().upper() and len(server.log()) > 500
