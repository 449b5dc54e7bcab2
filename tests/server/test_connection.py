"""Who a client is and how it is treated."""

import re
import time

import pytest

from resp import Client, Error, Pairs, Verbatim

LINE = re.compile(
    r"id=(\d+) addr=(\S+) laddr=(\S+) fd=(\d+) name=(\S*) age=(\d+) idle=(\d+) flags=(\w+) "
    r"db=(\d+) sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=(\d+) qbuf-free=(\d+) argv-mem=(\d+) "
    r"multi-mem=0 rbs=(\d+) rbp=(\d+) obl=(\d+) oll=(\d+) omem=(\d+) tot-mem=(\d+) events=(r|rw) "
    r"cmd=(\S+) user=default redir=-1 resp=([23]) lib-name=(\S*) lib-ver=(\S*)\n")


def fields(line):
    return dict(part.split("=", 1) for part in line.decode().strip().split(" "))


def test_refusals(both):
    both.lines("""
        ECHO
        ECHO a b
        PING a b
        SELECT
        SELECT x
        SELECT 16
        SELECT -1
        SELECT 99999999999999999999
        QUIT2
        AUTH
        AUTH x
        AUTH foo x
        AUTH a b c
        HELLO 4
        HELLO 1
        HELLO x
        HELLO 2 FOO
        HELLO 2 AUTH a
        HELLO 2 AUTH a b
        HELLO 2 SETNAME
        HELLO 2 SETNAME "a b"
        HELLO AUTH default x
        CLIENT
        CLIENT FOO
        CLIENT ID x
        CLIENT SETNAME
        CLIENT SETNAME "a b"
        CLIENT LIST TYPE
        CLIENT LIST TYPE foo
        CLIENT LIST TYPE master
        CLIENT LIST TYPE replica
        CLIENT LIST TYPE slave
        CLIENT LIST TYPE pubsub
        CLIENT LIST ID
        CLIENT LIST ID x
        CLIENT LIST ID 100000 200000
        CLIENT LIST FOO
        CLIENT LIST FOO BAR
        CLIENT KILL
        CLIENT KILL foo
        CLIENT KILL foo bar
        CLIENT KILL ID x
        CLIENT KILL ID 0
        CLIENT KILL ID 9999999
        CLIENT KILL ADDR foo
        CLIENT KILL LADDR foo
        CLIENT KILL TYPE foo
        CLIENT KILL TYPE master
        CLIENT KILL TYPE pubsub
        CLIENT KILL SKIPME foo
        CLIENT KILL USER foo
        CLIENT KILL ID
        CLIENT KILL ID 1 TYPE
        CLIENT KILL ID 1 FOO 2
        CLIENT REPLY
        CLIENT REPLY foo
        CLIENT PAUSE x
        CLIENT PAUSE -1
        CLIENT PAUSE 0 foo
        CLIENT NO-EVICT foo
        CLIENT MAINT_NOTIFICATIONS ON
        """)


def test_simple_replies(both):
    both.lines("""
        PING
        PING hello
        ping ""
        ECHO hello
        ECHO ""
        SELECT 3
        AUTH default x
        CLIENT GETNAME
        CLIENT SETNAME foo
        CLIENT GETNAME
        CLIENT SETNAME ""
        CLIENT GETNAME
        CLIENT NO-EVICT on
        CLIENT NO-EVICT OFF
        CLIENT GETREDIR
        CLIENT TRACKINGINFO
        CLIENT PAUSE 0
        CLIENT UNPAUSE
        CLIENT REPLY ON
        RESET
        """)


def test_unknown_commands(both):
    both.lines("""
        foo
        FOO bar
        foo "bar" "a b" ""
        "" x
        """)
    both.call("foo\nbar", "x\ry")
    both.call("foo\0bar", "x\0y")
    both.call("x" * 300, "y" * 100, "z" * 100)
    both.call("foo", *["y" * 60] * 5)
    both.call("foo", *[""] * 100)
    both.call("get")
    both.call("GET", "a", "b")
    both.call("client", "x" * 300)
    both.call("cOnFiG", "WhAt")


def test_hello(client):
    reply = client.call("HELLO")
    assert reply[:2] == [b"server", b"redis"] and reply[5] == 2
    reply = client.call("HELLO", 3, "SETNAME", "me")
    assert isinstance(reply, Pairs)
    assert reply.names() == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
    assert reply["version"].startswith(b"7.2.")
    assert (reply["proto"], reply["mode"], reply["role"], reply["modules"]) == (
        3, b"standalone", b"master", [])
    assert reply["id"] == client.call("CLIENT", "ID")
    assert client.call("CLIENT", "GETNAME") == b"me"
    assert client.call("GET", "none") is None
    assert isinstance(client.call("HELLO", 2), list)


def test_setinfo(client):
    assert client.call("CLIENT", "SETINFO", "lib-name", "snake") == "OK"
    assert client.call("CLIENT", "SETINFO", "LIB-VER", "1.2.3") == "OK"
    found = fields(client.call("CLIENT", "INFO"))
    assert (found["lib-name"], found["lib-ver"]) == ("snake", "1.2.3")
    assert client.call("CLIENT", "SETINFO", "what", "x") == "ERR Unrecognized option 'what'"
    assert client.call("CLIENT", "SETINFO", "lib-name", "a b") == (
        "ERR lib-name cannot contain spaces, newlines or special characters.")
    client.call("RESET")
    assert fields(client.call("CLIENT", "INFO"))["lib-name"] == "snake"
    client.call("CLIENT", "SETINFO", "lib-name", "")
    assert fields(client.call("CLIENT", "INFO"))["lib-name"] == ""


def test_line_of_a_client(any_client):
    any_client.call("SELECT", 5)
    any_client.call("CLIENT", "SETNAME", "tester")
    reply = any_client.call("CLIENT", "INFO")
    assert isinstance(reply, Verbatim) == (any_client.resp == 3)
    found = LINE.fullmatch(reply.decode())
    assert found, reply
    assert int(found[1]) == any_client.call("CLIENT", "ID")
    assert found[2] == "%s:%d" % any_client.socket.getsockname()
    assert found[3] == "%s:%d" % any_client.socket.getpeername()
    assert (found[5], found[8], found[9]) == ("tester", "N", "5")
    assert (found[20], found[21]) == ("client|info", str(any_client.resp))


def test_list(server, client):
    with Client(server.port) as other:
        other.call("CLIENT", "SETNAME", "other")
        other.call("CLIENT", "NO-EVICT", "on")
        other.call("CLIENT", "NO-TOUCH", "on")
        other_id = other.call("CLIENT", "ID")
        lines = client.call("CLIENT", "LIST").decode().splitlines(keepends=True)
        assert len(lines) == 2 and all(LINE.fullmatch(line) for line in lines)
        ids = [int(LINE.fullmatch(line)[1]) for line in lines]
        assert ids == sorted(ids) == [client.call("CLIENT", "ID"), other_id]
        found = fields(client.call("CLIENT", "LIST", "ID", other_id))
        assert (found["name"], found["flags"], found["cmd"]) == ("other", "eT", "client|id")
        assert client.call("CLIENT", "LIST", "TYPE", "normal").count(b"\n") == 2
        assert client.call("CLIENT", "LIST", "ID", 99999, other_id, other_id).count(b"\n") == 2


def test_unix_socket(start, tmp_path):
    path = str(tmp_path / "s")
    server = start("--unixsocket", path, "--unixsocketperm", "700")
    with Client(path=path) as client:
        found = fields(client.call("CLIENT", "INFO"))
        assert found["flags"] == "U" and found["addr"] == f"{path}:0"
    assert server.alive()


@pytest.mark.parametrize("how", ["old", "id", "addr", "laddr", "maxage"])
def test_kill_another(server, client, how):
    with Client(server.port) as victim:
        number = victim.call("CLIENT", "ID")
        address = "%s:%d" % victim.socket.getsockname()
        local = "%s:%d" % victim.socket.getpeername()
        if how == "maxage":
            assert client.call("CLIENT", "KILL", "MAXAGE", 100) == 0
            time.sleep(1.1)
        request, reply = {
            "old": ((address,), "OK"),
            "id": (("ID", number), 1),
            "addr": (("ADDR", address, "TYPE", "normal", "USER", "default"), 1),
            "laddr": (("LADDR", local), 1),
            "maxage": (("MAXAGE", 1, "SKIPME", "yes"), 1),
        }[how]
        assert client.call("CLIENT", "KILL", *request) == reply
        assert victim.closed()
    assert client.call("PING") == "PONG"


def test_kill_oneself(server):
    with Client(server.port) as client:
        assert client.call("CLIENT", "KILL", "ID", client.call("CLIENT", "ID")) == 0
        assert client.call("PING") == "PONG"
        number = client.call("CLIENT", "ID")
        assert client.call("CLIENT", "KILL", "ID", number, "SKIPME", "no") == 1
        assert client.closed()
    with Client(server.port) as client:
        assert client.call("CLIENT", "KILL", "%s:%d" % client.socket.getsockname()) == "OK"
        assert client.closed()


def test_kill_bad_ages(client):
    assert client.call("CLIENT", "KILL", "MAXAGE", "x") == (
        "ERR maxage is not an integer or out of range")
    assert client.call("CLIENT", "KILL", "MAXAGE", 0) == "ERR maxage should be greater than 0"


def test_quit_drops_what_follows(server):
    with Client(server.port) as client:
        client.send_raw(b"PING\r\nQUIT\r\nSET a 1\r\nPING\r\n")
        assert client.read_all() == b"+PONG\r\n+OK\r\n"
    with Client(server.port) as client:
        assert client.call("EXISTS", "a") == 0


def test_reply_modes(client):
    client.send("CLIENT", "REPLY", "OFF")
    client.send("SET", "a", 1)
    client.send("nonsense")
    client.send("CLIENT", "REPLY", "SKIP")
    assert client.call("CLIENT", "REPLY", "ON") == "OK"
    assert client.call("GET", "a") == b"1"
    client.send("CLIENT", "REPLY", "SKIP")
    client.send("SET", "a", 2)
    assert client.call("GET", "a") == b"2"
    client.send_raw(b"CLIENT REPLY SKIP\r\nPING\r\nPING\r\n"
                    b"CLIENT REPLY SKIP\r\nnonsense\r\nECHO x\r\n")
    assert [client.read(), client.read()] == ["PONG", b"x"]


def test_reset(server):
    with Client(server.port) as client:
        client.call("HELLO", 3, "SETNAME", "me")
        client.call("SELECT", 4)
        client.call("CLIENT", "NO-EVICT", "on")
        assert client.call("RESET") == "RESET"
        found = fields(client.call("CLIENT", "INFO"))
        assert (found["name"], found["db"], found["flags"], found["resp"]) == ("", "0", "N", "2")
        client.send("CLIENT", "REPLY", "OFF")
        assert client.call("RESET") == "RESET"
        assert client.call("PING") == "PONG"


def test_password(start):
    server = start("--requirepass", "sesame")
    no_auth = Error("NOAUTH Authentication required.")
    wrong = Error("WRONGPASS invalid username-password pair or user is disabled.")
    with Client(server.port) as client:
        assert client.call("PING") == no_auth
        assert client.call("nonsense").startswith("ERR unknown command")
        assert client.call("GET") == "ERR wrong number of arguments for 'get' command"
        assert client.call("AUTH", "open") == wrong
        assert client.call("AUTH", "") == wrong
        assert client.call("AUTH", "sesame2") == wrong
        assert client.call("AUTH", "other", "sesame") == wrong
        assert client.call("HELLO", 3).startswith("NOAUTH HELLO must be called with the client")
        assert client.call("HELLO", 3, "AUTH", "default", "x") == wrong
        assert client.call("GET", "a") == no_auth
        assert client.call("AUTH", "sesame") == "OK"
        assert client.call("PING") == "PONG"
        assert client.call("RESET") == "RESET"
        assert client.call("PING") == no_auth
        assert client.call("HELLO", 3, "AUTH", "default", "sesame")["proto"] == 3
        assert client.call("PING") == "PONG"
        assert client.call("CONFIG", "SET", "requirepass", "") == "OK"
        with Client(server.port) as free:
            assert free.call("PING") == "PONG"
            client.call("CONFIG", "SET", "requirepass", "new")
            assert free.call("PING") == "PONG"
            assert free.call("RESET") == "RESET"
            assert free.call("PING") == no_auth
    with Client(server.port) as client:
        client.send_raw(b"PING\r\nQUIT\r\n")
        assert client.read_all() == b"-NOAUTH Authentication required.\r\n+OK\r\n"


def test_pause_of_all(server, client):
    with Client(server.port) as other:
        other.call("PING")
        begun = time.monotonic()
        assert client.call("CLIENT", "PAUSE", 400) == "OK"
        assert other.call("GET", "a") is None
        assert 0.3 < time.monotonic() - begun < 5


def test_pause_of_writes(server, client):
    with Client(server.port) as other:
        assert client.call("CLIENT", "PAUSE", 60000, "WRITE") == "OK"
        begun = time.monotonic()
        assert other.call("GET", "a") is None
        other.send("SET", "a", 1)
        time.sleep(0.1)
        assert client.call("EXISTS", "a") == 0
        assert fields(client.call("CLIENT", "LIST", "ID", other_id(client)))["flags"] == "b"
        assert client.call("CLIENT", "UNPAUSE") == "OK"
        assert other.read() == "OK"
        assert time.monotonic() - begun < 10


def other_id(client):
    own = client.call("CLIENT", "ID")
    ids = [int(fields(line)["id"]) for line in client.call("CLIENT", "LIST").splitlines()]
    return next(number for number in ids if number != own)


def test_pause_holds_what_follows_in_a_pipeline(client):
    client.send_raw(b"CLIENT PAUSE 300 WRITE\r\nGET a\r\nSET a 1\r\nGET a\r\n")
    begun = time.monotonic()
    assert [client.read(), client.read()] == ["OK", None]
    assert time.monotonic() - begun < 0.25
    assert [client.read(), client.read()] == ["OK", b"1"]
    assert time.monotonic() - begun > 0.2


def test_help(client):
    lines = client.call("CLIENT", "HELP")
    assert lines[0] == "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[-2] == "HELP" and all(len(line) < 90 for line in lines)
