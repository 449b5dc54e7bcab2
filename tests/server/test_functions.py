"""Libraries of functions: loaded, called, listed, saved, and exchanged with redis-server."""

import shutil
import time

import pytest

from conftest import REDIS_SERVER, running
from resp import Client, Error
from test_persistence import restart  # noqa: F401 (a fixture)

REGISTER = "redis.register_function"
FIRST = f"#!lua name=first\n{REGISTER}('one', function(keys, args) return args[1] end)"
SECOND = (f"#!lua name=second\nlocal count = 0\n"
          f"{REGISTER}{{function_name='two', description='Counts.', flags={{'no-writes'}},\n"
          f"  callback=function(keys) count = count + 1 return {{count, #keys}} end}}\n"
          f"{REGISTER}('three', function(keys, args)\n"
          f"  return redis.call('SET', keys[1], args[1]) end)")


@pytest.fixture
def empty(both):
    both.call("FUNCTION", "FLUSH")
    yield both
    both.call("FUNCTION", "FLUSH")


def load(client, code, name="lib", *options):
    return client.call("FUNCTION", "LOAD", *options, f"#!lua name={name}\n{code}")


def listing(client, *arguments):
    """With libraries and functions in order: redis-server has none."""
    def pairs(reply):
        if not isinstance(reply[0], tuple):
            reply = list(zip(reply[::2], reply[1::2]))
        return dict(reply)

    libraries = [pairs(library) for library in client.call("FUNCTION", "LIST", *arguments)]
    for library in libraries:
        functions = [pairs(function) for function in library[b"functions"]]
        library[b"functions"] = sorted(functions, key=lambda function: function[b"name"])
    return sorted(libraries, key=lambda library: library[b"library_name"])


@pytest.mark.parametrize("source", [
    "", "#!", "#!lua", "#!lua\n", "#!lua name=\n", "#!lua name=a-b\n", "#!lua name=a name=b\n",
    "#!js name=x\n", "#!\nreturn 1", "#! lua name=x\n", "#!lua foo=bar name=x\n", ' #!lua name=x\n',
    '#!lua name="q q"\n', '#!lua name="q\n', "#!lua name=x bad\n", "#!lua name=x\nx",
    "#!LUA NAME=x\n",
    "#!lua name=\xe9\n", "#!lua name=x\nreturn 1", "#!lua name=x\n\n\nerror('boom')",
])
def test_first_lines(empty, source):
    empty.call("FUNCTION", "LOAD", source)


@pytest.mark.parametrize("code", [
    "redis.call('get', 'x')", "redis.pcall('get', 'x')", "redis.setresp(3)", "redis.sha1hex('')",
    "foo = 1", "local x = foo", "redis.x = 1", "redis = 1", "local a = KEYS", "local a = ARGV",
    "_G.x = 1", "print(1)", "return math.random()", "return cjson.encode(1)",
    "setmetatable({}, {})",
    "redis.log(redis.LOG_NOTICE, 'a line') return redis.REDIS_VERSION_NUM",
    f"{REGISTER}()", f"{REGISTER}(1)", f"{REGISTER}('a')", f"{REGISTER}('a', 1)",
    f"{REGISTER}(1, function() end)", f"{REGISTER}('a', function() end, 1)", f"{REGISTER}(nil)",
    f"{REGISTER}({{}})", f"{REGISTER}({{function_name=1}})", f"{REGISTER}({{[1]=1}})",
    f"{REGISTER}({{foo=1}})", f"{REGISTER}({{callback=1}})", f"{REGISTER}({{description=1}})",
    f"{REGISTER}({{description={{}}}})", f"{REGISTER}({{flags=1}})", f"{REGISTER}({{true}})",
    f"{REGISTER}({{flags={{'x'}}}})", f"{REGISTER}({{flags={{1}}}})",
    f"{REGISTER}({{function_name={{}}, callback=function() end}})",
    f"{REGISTER}({{function_name='a'}})", f"{REGISTER}({{callback=function() end}})",
    f"{REGISTER}('a-b', function() end)", f"{REGISTER}('', function() end)",
    f"{REGISTER}('a', function() end) {REGISTER}('a', function() end)",
])
def test_what_a_library_may_do(empty, code):
    load(empty, code)
    load(empty, f"{code} {REGISTER}('f', function() return 1 end)")
    empty.call("FUNCTION", "STATS")


def test_names_are_there_once(empty):
    load(empty, f"{REGISTER}('a', function() return 1 end)")
    load(empty, f"{REGISTER}('a', function() return 2 end)")
    load(empty, f"{REGISTER}('a', function() return 2 end)", "other")
    empty.call("FCALL", "a", 0)
    load(empty, f"{REGISTER}('a', function() return 3 end)", "lib", "REPLACE")
    empty.call("FCALL", "a", 0)
    load(empty, f"{REGISTER}('b', function() return 4 end)", "other", "replace")
    load(empty, f"{REGISTER}('b', function() return 5 end)", "lib", "replace")
    load(empty, "return 1", "lib", "replace")
    load(empty, "foo = 1", "lib", "replace")
    load(empty, f"{REGISTER}('c', function() return 1 end)", "lib", "other")
    for name in "abc":
        empty.call("FCALL", name, 0)
    empty.call("FUNCTION", "DELETE", "lib")
    empty.call("FUNCTION", "DELETE", "lib")
    empty.call("FCALL", "a", 0)
    empty.call("FCALL", "b", 0)
    empty.call("FUNCTION", "STATS")


@pytest.mark.parametrize("words", [
    "", "LOAD", "LOAD replace", "LOAD x y", "DELETE", "DELETE a b", "FLUSH x", "FLUSH async x",
    "FLUSH sync", "LIST x", "LIST LIBRARYNAME", "LIST WITHCODE WITHCODE", "STATS x", "KILL",
    "KILL x",
    "LIST LIBRARYNAME a LIBRARYNAME b", "RESTORE", "RESTORE x", "RESTORE x FLUSH y", "RESTORE x y",
    "DUMP x", "OTHER",
])
def test_arguments(empty, words):
    empty.call("FUNCTION", *words.split())


def test_calls(empty):
    load(empty, f"""
        local function add(name, callback) {REGISTER}(name, callback) end
        local register, shown = {REGISTER}, redis
        add('args', function(keys, args) return {{#keys, #args, keys[1], args[1]}} end)
        add('raise', function() error('boom') end)
        add('unknown', function() return redis.call('nope') end)
        add('keys', function() return KEYS end)
        add('global', function() x = 1 end)
        add('late', function() return register('l', function() end) end)
        add('shown', function() return shown.call('get', 'x') end)
        add('failed', function() return redis.error_reply('MY error') end)
        add('nothing', function() end)
        add('json', function(keys, args) return cjson.encode({{args}}) end)
        add('write', function(keys, args) return redis.call('set', keys[1], args[1]) end)
        {REGISTER}{{function_name='read', flags={{'no-writes'}}, description='Reads.',
                   callback=function(keys) return redis.call('get', keys[1]) end}}
        {REGISTER}{{function_name='lies', flags={{'no-writes', 'allow-stale'}},
                   callback=function(keys) return redis.call('set', keys[1], 1) end}}""")
    for name in ["raise", "unknown", "keys", "global", "shown", "failed", "nothing"]:
        empty.call("FCALL", name, 0)
    assert isinstance(empty.snug.call("FCALL", "late", 0), Error)
    empty.lines("""
        FCALL args 0
        FCALL args 1 k v w
        FCALL args 2 k v w
        FCALL args 3 k
        FCALL args -1
        FCALL args x
        FCALL args 1.5
        FCALL args
        FCALL json 0 a "b c"
        FCALL nope x
        FCALL write 1 key value
        FCALL read 1 key
        FCALL_RO read 1 key
        FCALL_RO write 1 key value
        FCALL_RO args 0
        FCALL lies 1 key
        FCALL_RO lies 1 key
        EVAL "return redis.call('FCALL', 'read', 1, 'key')" 1 key
        EVAL "return redis.call('FUNCTION', 'LIST')" 0
        COMMAND GETKEYS FCALL read 2 a b c
    """)
    assert listing(empty.snug, "WITHCODE") == listing(empty.redis, "WITHCODE")
    for pattern in ["LIB", "l*", "x*"]:
        assert listing(empty.snug, "LIBRARYNAME", pattern) == \
            listing(empty.redis, "LIBRARYNAME", pattern)


def test_names_of_functions_have_any_case(empty):
    load(empty, f"{REGISTER}('Name', function() return 1 end)")
    for name in ("name", "NAME"):
        empty.call("FCALL", name, 0)
    load(empty, f"{REGISTER}('nAME', function() return 2 end)", "LIB")
    load(empty, f"{REGISTER}('other', function() return 2 end)", "LIB")
    empty.call("FUNCTION", "DELETE", "Lib")
    # redis-server 7.0 ends at an assertion.
    both_cases = f"{REGISTER}('a', function() end) {REGISTER}('A', function() end)"
    reply = load(empty.snug, both_cases, "x")
    assert reply == "ERR Error registering functions: ERR Function already exists in the library"


def test_a_library_keeps_its_locals(client):
    client.call("FUNCTION", "FLUSH")
    assert client.call("FUNCTION", "LOAD", SECOND) == b"second"
    assert [client.call("FCALL", "two", 1, "k") for _ in range(3)] == [[1, 1], [2, 1], [3, 1]]
    client.call("FUNCTION", "LOAD", "REPLACE", SECOND)
    assert client.call("FCALL", "two", 0) == [1, 0]


def test_loading_ends(client):
    client.call("FUNCTION", "FLUSH")
    began = time.monotonic()
    reply = load(client, "while true do end")
    assert reply == "ERR Error registering functions: ERR FUNCTION LOAD timeout"
    assert time.monotonic() - began > 0.4
    assert load(client, f"{REGISTER}('f', function() return 1 end)") == b"lib"
    assert client.call("FCALL", "f", 0) == 1


def test_functions_are_killed(server, client, options):
    options(busy_reply_threshold=50)
    client.call("FUNCTION", "FLUSH")
    load(client, f"{REGISTER}('forever', function() while true do end end)")
    with Client(server.port) as running_one:
        running_one.send("FCALL", "forever", 1, "k", "v")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            reply = client.call("PING")
            if isinstance(reply, Error):
                break
        assert reply.startswith("BUSY") and "FUNCTION KILL" in reply
        stats = client.call("FUNCTION", "STATS")
        running_script = stats[stats.index(b"running_script") + 1]
        assert running_script[:4] == [b"name", b"forever", b"command",
                                      [b"FCALL", b"forever", b"1", b"k", b"v"]]
        assert running_script[5] >= 50
        assert client.call("SCRIPT", "KILL").startswith("BUSY")
        assert client.call("FUNCTION", "KILL") == "OK"
        assert isinstance(running_one.read(), Error)
    assert client.call("PING") == "PONG"
    assert client.call("FUNCTION", "KILL").startswith("NOTBUSY")


def test_dump_and_restore(empty, options):
    options(rdb_version=10)
    for source in (FIRST, SECOND):
        empty.call("FUNCTION", "LOAD", source)
    dump = empty.snug.call("FUNCTION", "DUMP")
    theirs = empty.redis.call("FUNCTION", "DUMP")
    assert sorted([dump[-10:-8], theirs[-10:-8]]) == [b"\x0a\x00"] * 2 and len(dump) == len(theirs)
    for payload in (dump, theirs):
        for policy in ([], ["APPEND"]):
            for client in (empty.snug, empty.redis):  # which library it says goes by their order
                reply = client.call("FUNCTION", "RESTORE", payload, *policy)
                assert reply.startswith("ERR Library ") and reply.endswith(" already exists")
        for policy in (["REPLACE"], ["FLUSH"]):
            empty.call("FUNCTION", "RESTORE", payload, *policy)
            assert listing(empty.snug, "WITHCODE") == listing(empty.redis, "WITHCODE")
        empty.call("FUNCTION", "FLUSH", "ASYNC")
        empty.call("FUNCTION", "RESTORE", payload)
        empty.call("FCALL", "two", 1, "k")
        empty.call("FUNCTION", "FLUSH")
        load(empty, f"{REGISTER}('two', function() return 9 end)", "clash")
        for policy in ("APPEND", "REPLACE"):
            empty.call("FUNCTION", "RESTORE", payload, policy)
        empty.call("FCALL", "two", 0)
        empty.call("FUNCTION", "RESTORE", payload, "flush")
        empty.call("FCALL", "two", 0)
        for at in (0, 1, len(payload) // 2, len(payload) - 1):
            damaged = bytearray(payload)
            damaged[at] ^= 1
            empty.call("FUNCTION", "RESTORE", bytes(damaged), "REPLACE")
    empty.call("SET", "key", "value")
    empty.call("FUNCTION", "RESTORE", empty.redis.call("DUMP", "key"))
    empty.call("FUNCTION", "FLUSH")
    empty.call("FUNCTION", "DUMP")


def memory(client):
    lines = client.call("INFO", "memory").decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def test_memory_is_shown(start):
    client = start().client()
    figures = memory(client)
    names = ["number_of_functions", "number_of_libraries", "used_memory_vm_functions",
             "used_memory_functions"]
    assert [figures[name] for name in names] == ["0"] * 4
    client.call("FUNCTION", "LOAD", FIRST)
    client.call("FUNCTION", "LOAD", SECOND)
    figures = memory(client)
    assert [figures[name] for name in names[:2]] == ["3", "2"]
    assert int(figures["used_memory_vm_functions"]) > 10000
    assert int(figures["used_memory_functions"]) > len(FIRST) + len(SECOND)
    stats = client.call("MEMORY", "STATS")
    assert stats[stats.index(b"functions.caches") + 1] > 10000
    client.call("FUNCTION", "FLUSH")
    assert [memory(client)[name] for name in names] == ["0"] * 4


def loaded(client):
    return [library[b"library_name"] for library in listing(client)]


def test_functions_are_saved(start, restart):  # noqa: F811
    server = start("--enable-debug-command", "yes")
    client = server.client(timeout=60)
    client.call("FUNCTION", "LOAD", FIRST)
    client.call("FUNCTION", "LOAD", SECOND)
    client.call("SET", "key", "value")
    assert client.call("FLUSHALL") == "OK"
    assert loaded(client) == [b"first", b"second"]
    client.call("FCALL", "two", 0)
    assert client.call("DEBUG", "RELOAD") == "OK"
    assert loaded(client) == [b"first", b"second"]
    assert client.call("FCALL", "two", 0) == [1, 0]
    assert client.call("SAVE") == "OK"
    other = restart(server, kill=True).client(timeout=60)
    assert loaded(other) == [b"first", b"second"]
    assert other.call("FCALL", "three", 1, "key", "new") == "OK"
    reply = other.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")
    assert isinstance(reply, Error)
    assert other.call("DEBUG", "RELOAD", "NOFLUSH", "MERGE") == "OK"
    assert loaded(other) == [b"first", b"second"] and other.call("GET", "key") == b"new"


def wait_for_rewrite(client):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = client.call("INFO", "persistence").decode()
        if "aof_rewrite_in_progress:0" in state and "aof_rewrite_scheduled:0" in state:
            return
        time.sleep(0.05)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_functions_are_logged(start, restart, preamble):  # noqa: F811
    options = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble]
    server = start("--enable-debug-command", "yes", *options)
    client = server.client(timeout=60)
    client.call("FUNCTION", "LOAD", FIRST)
    assert client.call("BGREWRITEAOF").startswith("Background")
    wait_for_rewrite(client)
    client.call("FUNCTION", "LOAD", SECOND)
    client.call("FCALL", "three", 1, "key", "value")
    dump = client.call("FUNCTION", "DUMP")
    client.call("FUNCTION", "DELETE", "second")
    client.call("FUNCTION", "RESTORE", dump, "REPLACE")
    client.call("FUNCTION", "DELETE", "first")
    assert client.call("DEBUG", "LOADAOF") == "OK"
    assert loaded(client) == [b"second"]
    server = restart(server, *options, kill=True)
    client = server.client(timeout=60)
    assert loaded(client) == [b"second"] and client.call("GET", "key") == b"value"
    client.call("FUNCTION", "FLUSH")
    assert loaded(restart(server, *options).client(timeout=60)) == []


def test_files_are_exchanged_with_redis(start, restart, tmp_path):  # noqa: F811
    server = start("--rdb-version", 10)
    client = server.client(timeout=60)
    for source in (FIRST, SECOND):
        client.call("FUNCTION", "LOAD", source)
    client.call("SET", "key", "value")
    ours = listing(client, "WITHCODE")
    client.call("SAVE")
    shutil.copy(server.directory / "dump.rdb", tmp_path)
    redis = running(REDIS_SERVER, tmp_path)
    with Client(redis.port) as theirs:
        assert listing(theirs, "WITHCODE") == ours
        assert theirs.call("FCALL", "two", 0) == [1, 0]
        theirs.call("FUNCTION", "DELETE", "first")
        theirs.call("SAVE")
    redis.stop()
    server.stop()
    shutil.copy(tmp_path / "dump.rdb", server.directory)
    assert loaded(restart(server).client()) == [b"second"]
