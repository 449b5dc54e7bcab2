"""EVAL and its kin: conversions, errors, flags, effects, scripts that take too long."""

import hashlib
import threading
import time

import pytest

from resp import Client, Error, Status


def sha(text):
    return hashlib.sha1(text.encode()).hexdigest()


def field(client, section, name):
    for line in client.call("INFO", section).decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1]
    raise KeyError(name)


SAME = r"""
    EVAL "return 1" 0
    EVAL "return {1,'a',{2,3.7},false,true,nil,5}" 0
    EVAL "return 3.99" 0
    EVAL "return {KEYS,ARGV}" 2 a b c d
    EVAL "return #KEYS + #ARGV" 0
    EVAL "return {ok='fine'}" 0
    EVAL "return {err='MY error'}" 0
    EVAL "return {double=3.5}" 0
    EVAL "return {map={a=1}}" 0
    EVAL "return {set={a=true}}" 0
    EVAL "return {big_number='123456789012345678901234567890'}" 0
    EVAL "return {verbatim_string={format='txt',string='hello'}}" 0
    EVAL "return redis.status_reply('fine')" 0
    EVAL "return redis.error_reply('MY error')" 0
    EVAL "return redis.error_reply('-MY error')" 0
    EVAL "return redis.error_reply()" 0
    EVAL "return redis.call('set', KEYS[1], ARGV[1])" 1 k v
    EVAL "return redis.call('get', KEYS[1])" 1 k
    EVAL "return redis.call('get', 'nokey')" 0
    EVAL "return redis.call('incr', 'n')" 0
    EVAL "return redis.call('set', 'n', 12)" 0
    EVAL "return redis.call('get', 'n')" 0
    EVAL "return redis.call('lpush', 'l', 'a', 'b', 'c')" 0
    EVAL "return redis.call('lrange', 'l', 0, -1)" 0
    EVAL "return redis.call('hset', 'h', 'f', 'v')" 0
    EVAL "return redis.call('hgetall', 'h')" 0
    EVAL "redis.setresp(3) return redis.call('hgetall', 'h')" 0
    EVAL "redis.setresp(3) return redis.call('get', 'nokey')" 0
    EVAL "redis.setresp(3) return redis.call('zadd', 'z', 1.5, 'm')" 0
    EVAL "redis.setresp(3) return redis.call('zscore', 'z', 'm')" 0
    EVAL "return redis.call('zscore', 'z', 'm')" 0
    EVAL "redis.setresp(3) return redis.call('smembers', 'nokey')" 0
    EVAL "redis.setresp(3) return true" 0
    EVAL "redis.setresp(3) return false" 0
    EVAL "return redis.call('type', 'l')" 0
    EVAL "return redis.call('type', 'l').ok" 0
    EVAL "return redis.call('incr', 'l')" 0
    EVAL "return redis.pcall('incr', 'l')" 0
    EVAL "return redis.pcall('incr', 'l').err" 0
    EVAL "local ok, e = pcall(redis.call, 'incr', 'l') return e" 0
    EVAL "return redis.call('nope')" 0
    EVAL "return redis.pcall('nope')" 0
    EVAL "return redis.call()" 0
    EVAL "return redis.call({})" 0
    EVAL "return redis.call('get')" 0
    EVAL "return redis.call('subscribe', 'c')" 0
    EVAL "return redis.call('eval', 'return 1', 0)" 0
    EVAL "return redis.call('blpop', 'nokey', 0)" 0
    EVAL "return redis.call('select', 1)" 0
    EVAL "redis.call('select', 1) redis.call('set', 'there', 1) return redis.call('dbsize')" 0
    DBSIZE
    EVAL "local x = " 0
    EVAL "error('x')" 0
    EVAL "error({err='MY own'})" 0
    EVAL "local x x.y = 1" 0
    EVAL "x = 1" 0
    EVAL "return x" 0
    EVAL "return redis.sha1hex('abc')" 0
    EVAL "return redis.sha1hex()" 0
    EVAL "return redis.log(1)" 0
    EVAL "return redis.setresp(9)" 0
    EVAL "return redis.set_repl(9)" 0
    EVAL "return redis.replicate_commands()" 0
    EVAL "return {redis.LOG_WARNING, redis.REPL_ALL, redis.REPL_NONE}" 0
    EVAL "return redis.acl_check_cmd('get', 'x')" 0
    EVAL "return redis.acl_check_cmd('nope')" 0
    EVAL "return string.format('%5.1f %s %d', 1.25, 'x', 7)" 0
    EVAL "return {string.find('hello world', 'o (w)')}" 0
    EVAL "return {string.gsub('hello', 'l', {l='L'})}" 0
    EVAL "return tostring(1e15) .. tostring(0.1) .. tostring(1e100)" 0
    EVAL "return 1" -1
    EVAL "return 1" 5
    EVAL "return 1" x
    EVAL "return 1"
    EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
    EVALSHA short 0
    EVAL_RO "return redis.call('get', 'k')" 0
    EVAL_RO "return redis.call('set', 'k', 1)" 0
    EVAL_RO "return redis.pcall('set', 'k', 1)" 0
    SCRIPT LOAD "return 42"
    SCRIPT EXISTS 1fa00e76656cc152ad327c13fe365858fd7be306 nope
    EVALSHA 1fa00e76656cc152ad327c13fe365858fd7be306 0
    EVALSHA 1FA00E76656CC152AD327C13FE365858FD7BE306 0
    EVALSHA_RO 1fa00e76656cc152ad327c13fe365858fd7be306 0
    SCRIPT LOAD "return ="
    SCRIPT FLUSH nope
    SCRIPT FLUSH ASYNC
    SCRIPT EXISTS 1fa00e76656cc152ad327c13fe365858fd7be306
    SCRIPT FLUSH SYNC
    SCRIPT KILL
    SCRIPT NOPE
    SCRIPT DEBUG NO
    SCRIPT DEBUG nope
    COMMAND GETKEYS EVAL "return 1" 2 a b c
    """


def test_replies_as_redis(both):
    both.lines(SAME)


@pytest.mark.parametrize("text, error", [
    ("#!lua", "Invalid script shebang"),
    ("#!lua name=x\nreturn 1", "Unknown lua shebang option: name=x"),
    ("#!not-lua\nreturn 1", "Unexpected engine in script shebang: #!not-lua"),
    ("#!lua flags=x\nreturn 1", "Unexpected flag in script shebang: x"),
])
def test_first_lines_that_are_wrong(both, text, error):
    assert both.call("EVAL", text, 0).endswith(error)
    assert both.call("SCRIPT", "LOAD", text).endswith(error)


def test_flags(both):
    both.call("SET", "k", "v")
    for flags in ("", " flags=no-writes", " flags=allow-oom,allow-stale,no-cluster"):
        head = f"#!lua{flags}\n"
        both.call("EVAL", head + "return redis.call('get', KEYS[1])", 1, "k")
        both.call("EVAL", head + "return redis.call('set', KEYS[1], 'w')", 1, "k")
        both.call("EVAL_RO", head + "return redis.call('get', KEYS[1])", 1, "k")
        both.call("EVAL", head + "\nerror('third')", 0)


def test_lines_of_errors(client):
    for text, line in (("\n\nerror('x')", 3), ("\nredis.call('nope')\n\n", 2),
                       ("\nlocal x = redis.call('nope')\nreturn x", 2),
                       ("return redis.call('nope')", 1)):
        assert client.call("EVAL", text, 0).endswith(
            f" script: {sha(text)}, on @user_script:{line}."), text


def test_numbers_become_the_shortest_text(client):
    for text, wanted in (("0.1", b"0.1"), ("3.0", b"3"), ("1e100", b"1e+100"),
                         ("2^53", b"9007199254740992"), ("-0.5", b"-0.5")):
        assert client.call("EVAL", f"return redis.call('echo', {text})", 0) == wanted


def test_a_line_break_forges_no_reply(client):
    assert client.call("EVAL", "return redis.error_reply('A\\r\\n+OK\\r\\nb')", 0) == \
        Error("ERR A  +OK  b")
    assert client.call("EVAL", "return redis.status_reply('a\\r\\n-ERR\\r\\nb')", 0) == \
        Status("a  -ERR  b")
    assert client.call("EVAL", "error({err='A\\r\\n+OK'})", 0).startswith("A  +OK script: ")
    assert client.call("PING") == "PONG"


def test_evals_give_way_to_others_and_loaded_scripts_stay(client):
    client.call("SCRIPT", "FLUSH")
    kept = client.call("SCRIPT", "LOAD", "return 'kept'")
    client.call("EVAL", "return 'first'", 0)
    for number in range(520):
        client.call("EVAL", f"return {number}", 0)
    assert client.call("SCRIPT", "EXISTS", kept, sha("return 'first'"), sha("return 519")) == \
        [1, 0, 1]
    assert int(field(client, "memory", "number_of_cached_scripts")) == 501
    client.call("SCRIPT", "FLUSH", "SYNC")
    assert int(field(client, "memory", "number_of_cached_scripts")) == 0


def test_what_scripts_take_is_shown_and_given_back(client):
    client.call("SCRIPT", "FLUSH", "SYNC")
    before = int(field(client, "memory", "used_memory_lua"))
    assert 0 < before < 1_000_000
    client.call("EVAL", "local t = {} for i = 1, 200000 do t[i] = i .. '' end return #t", 0)
    deadline = time.monotonic() + 20
    while int(field(client, "memory", "used_memory_vm_eval")) > before + 5_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert int(field(client, "memory", "used_memory_vm_total")) > 0


def test_memory_has_a_bound(client):
    text = "local t = {} while true do t[#t+1] = string.rep('x', 1e6) .. #t end"
    reply = client.call("EVAL", text, 0)
    assert isinstance(reply, Error) and "not enough memory" in reply
    assert client.call("EVAL", "return #string.rep('x', 1000)", 0) == 1000


def test_effects_are_told_as_one_transaction(client):
    assert client.call("DEBUG", "EFFECTS", "ON") == "OK"
    client.call("EVAL", "redis.call('set', 'a', 1) redis.call('get', 'a') "
                        "return redis.call('incrbyfloat', 'a', 0.5)", 0)
    client.call("EVAL", "redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', 1) "
                        "redis.set_repl(redis.REPL_ALL) redis.call('set', 'c', 1)", 0)
    told = [b" ".join(effect[1:]).lower() for effect in client.call("DEBUG", "EFFECTS", "TAKE")]
    client.call("DEBUG", "EFFECTS", "OFF")
    assert told[0].startswith(b"set a 1") or b"set a 1" in told, told
    assert any(line.startswith(b"set a 1.5") for line in told), told
    assert not any(b"set b" in line or b"eval" in line for line in told), told
    assert any(line.startswith(b"set c 1") for line in told), told


def test_the_log_holds_what_scripts_did(start):
    first = start("--appendonly", "yes", "--appendfsync", "always")
    with first.client() as client:
        client.call("EVAL", "for i = 1, 10 do redis.call('rpush', KEYS[1], i * ARGV[1]) end",
                    1, "l", 3)
        client.call("EVAL", "redis.call('set', 'x', 1) error('stop')", 0)
        pushed = client.call("LRANGE", "l", 0, -1)
    first.process.kill()
    first.process.wait()
    second = start("--appendonly", "yes", "--dir", str(first.directory))
    with second.client() as client:
        assert client.call("LRANGE", "l", 0, -1) == pushed
        assert client.call("GET", "x") == b"1"


# --- scripts that take too long -------------------------------------------------------------------


@pytest.fixture
def impatient(start):
    return start("--lua-time-limit", "50", "--enable-debug-command", "yes")


class Running(threading.Thread):
    """A script in the background; `reply` is what it answers."""

    def __init__(self, server, text, *arguments):
        super().__init__(daemon=True)
        self.client = server.client(timeout=60)
        self.text, self.arguments, self.reply = text, arguments, None
        self.start()

    def run(self):
        try:
            self.reply = self.client.call("EVAL", self.text, *(self.arguments or (0,)))
        except OSError as error:
            self.reply = error

    def result(self):
        self.join(60)
        assert not self.is_alive()
        return self.reply


def wait_busy(client):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        reply = client.call("PING")
        if str(reply).startswith("BUSY"):
            return reply
        time.sleep(0.01)
    raise AssertionError("never busy")


ENDLESS = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "while true do redis.pcall('get', 'x') end",
    "return string.find(string.rep('a', 60), string.rep('a*', 60) .. 'b')",
    "local function f() while true do end end while true do xpcall(f, f) end",
    "local t = {} for i = 1, 200000 do t[i] = i end while true do cjson.encode(t) end",
    "local s = '[' .. string.rep('[],', 200000) .. '1]' while true do cjson.decode(s) end",
    "local t = {} for i = 1, 200000 do t[i] = i end while true do cmsgpack.pack(t) end",
    "local s = string.rep('\\144', 2000) while true do pcall(cmsgpack.unpack, s) end",
]

# One call of a function in C that takes longer than anybody waits.
LONG_CALLS = [
    "local t = {} for i = 1, 60 do t = {t, t} end return cjson.encode(t)",
    "local t = {} for i = 1, 15 do t = {t,t,t,t,t,t,t,t} end return cmsgpack.pack(t)",
    "return struct.size(string.rep('b', 250000000))",
]


@pytest.mark.parametrize("text", LONG_CALLS)
def test_a_long_call_is_killed(impatient, text):
    with impatient.client() as other:
        running = Running(impatient, text)
        deadline = time.monotonic() + 20
        while running.reply is None and time.monotonic() < deadline:
            other.call("SCRIPT", "KILL")
            time.sleep(0.02)
        reply = str(running.result())
        assert "Script killed by user" in reply or "not enough memory" in reply
        assert other.call("PING") == "PONG"


def test_what_scripts_hold_is_bounded_by_an_option(client, options):
    long = "local s = string.rep('x', 60 * 1024 * 1024) return #s"
    assert client.call("EVAL", long, 0) == 60 * 1024 * 1024
    options(script_memory_limit="16mb")
    assert "not enough memory" in str(client.call("EVAL", long, 0))
    assert client.call("EVAL", "return #string.rep('x', 1024)", 0) == 1024
    assert "must be between" in str(client.call("CONFIG", "SET", "script-memory-limit", "1mb"))


def test_garbage_of_functions_is_collected_between_commands(server):
    with server.client() as client:
        client.call("FUNCTION", "FLUSH")
        client.call("FUNCTION", "LOAD", "#!lua name=g\nredis.register_function('g', function() "
                    "local t = {} for i = 1, 20000 do t[i] = {i} end return #t end)")
        for _ in range(20):
            assert client.call("FCALL", "g", 0) == 20000
        memory = lambda: int(dict(line.split(b":") for line in client.call(
            "INFO", "memory").split(b"\r\n") if b":" in line)[b"used_memory_vm_functions"])
        deadline = time.monotonic() + 20
        while memory() > 1500000 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert memory() < 1500000
        client.call("FUNCTION", "FLUSH")


@pytest.mark.parametrize("text", ENDLESS)
def test_a_script_is_killed(impatient, text):
    with impatient.client() as other:
        running = Running(impatient, text)
        assert wait_busy(other) == ("BUSY Redis is busy running a script. You can only call SCRIPT "
                                    "KILL or SHUTDOWN NOSAVE.")
        assert other.call("GET", "x").startswith("BUSY")
        assert other.call("HELLO", 2)
        with impatient.client() as new:
            assert new.call("SET", "x", 1).startswith("BUSY")
            assert new.call("SCRIPT", "KILL") == "OK"
        assert "Script killed by user with SCRIPT KILL" in running.result()
        assert other.call("PING") == "PONG"
        assert running.client.call("PING") == "PONG"


def test_a_transaction_ends_while_a_script_takes_long(impatient):
    with impatient.client() as other, impatient.client() as third:
        other.call("MULTI"), other.call("SET", "a", 1)
        running = Running(impatient, "while true do end")
        busy = wait_busy(third)
        assert other.call("EXEC") == "EXECABORT Transaction discarded because of: " + busy
        assert other.call("DISCARD") == "ERR DISCARD without MULTI"
        assert third.call("SCRIPT", "KILL") == "OK"
        running.result()
        assert third.call("EXISTS", "a") == 0


def test_kill_comes_with_the_script(impatient):
    """Both requests may be parsed into one batch: the one behind must not wait for the first."""
    for _ in range(5):
        with impatient.client() as one, impatient.client() as other, impatient.client() as third:
            one.send("PING"), one.send("EVAL", "while true do end", 0), one.send("ECHO", "x")
            other.send("PING"), third.send("GET", "x"), other.send("SET", "y", 1)
            killed = wait_kill(impatient)
            assert killed == "OK"
            assert one.read() == "PONG" and "SCRIPT KILL" in one.read() and one.read() == b"x"
            for client, count in ((other, 2), (third, 1)):
                for _ in range(count):
                    client.read()
            assert third.call("PING") == other.call("PING") == "PONG"


def wait_kill(server):
    with server.client() as client:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            reply = client.call("SCRIPT", "KILL")
            if not str(reply).startswith("NOTBUSY"):
                return reply
            time.sleep(0.01)
    raise AssertionError("no script came")


def test_a_script_that_wrote_is_not_killed(impatient):
    with impatient.client() as other:
        running = Running(impatient, "redis.call('set', 'a', 1) "
                                     "for i = 1, 2e7 do local x = i * i end return 'done'")
        wait_busy(other)
        assert other.call("SCRIPT", "KILL").startswith("UNKILLABLE")
        assert running.result() == b"done"
        assert other.call("GET", "a") == b"1"


def test_shutdown_ends_a_script_that_wrote(impatient):
    with impatient.client() as other:
        Running(impatient, "redis.call('set', 'a', 1) while true do end")
        wait_busy(other)
        assert other.call("SHUTDOWN").startswith("BUSY")
        other.send("SHUTDOWN", "NOSAVE")
        assert impatient.process.wait(30) == 0


def test_many_are_told_busy(impatient):
    with impatient.client() as first:
        running = Running(impatient, "while true do end")
        wait_busy(first)
        clients = [impatient.client() for _ in range(50)]
        for _ in range(3):
            for client in clients:
                client.send("GET", "x"), client.send("INCR", "n")
            for client in clients:
                assert client.read().startswith("BUSY") and client.read().startswith("BUSY")
        for client in clients[:25]:
            client.close()
        clients[30].send("SET", "k", "v" * 300_000)
        assert clients[30].read().startswith("BUSY")
        assert clients[40].call("SCRIPT", "KILL") == "OK"
        assert "SCRIPT KILL" in running.result()
        for client in clients[25:]:
            assert client.call("PING") == "PONG"
        assert first.call("EXISTS", "k", "n") == 0


def test_who_ran_the_script_goes_away(impatient):
    with impatient.client() as other, impatient.client() as gone:
        gone.send("EVAL", "while true do end", 0)
        wait_busy(other)
        gone.close()
        time.sleep(0.1)
        assert other.call("SCRIPT", "KILL") == "OK"
        assert other.call("PING") == "PONG"


def test_kill_without_a_script(client):
    assert client.call("SCRIPT", "KILL") == "NOTBUSY No scripts in execution right now."


def test_a_script_within_a_transaction(both):
    both.call("MULTI")
    both.call("SET", "a", 1)
    both.call("EVAL", "return {redis.call('incr', 'a'), redis.call('nope')}", 0)
    both.call("EVAL", "return redis.call('incr', 'a')", 0)
    both.call("EXEC")


def test_a_script_within_a_transaction_is_killed(impatient):
    with impatient.client() as one, impatient.client() as other:
        for request in (["MULTI"], ["ECHO", "x"], ["EVAL", "while true do end", 0], ["ECHO", "y"],
                        ["EXEC"]):
            one.send(*request)
        wait_busy(other)
        assert other.call("MULTI") == "OK"
        assert other.call("SET", "a", 1).startswith("BUSY")
        with impatient.client() as third:
            assert third.call("SCRIPT", "KILL") == "OK"
        replies = [one.read() for _ in range(5)]
        assert replies[-1][0] == b"x" and "SCRIPT KILL" in replies[-1][1] and replies[-1][2] == b"y"
        assert other.call("EXEC").startswith("EXECABORT")
