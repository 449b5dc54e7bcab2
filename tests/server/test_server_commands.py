"""The commands about the server as a whole."""

import signal
import time

from resp import Client, Verbatim


def test_refusals(both):
    both.lines("""
        DBSIZE x
        FLUSHALL FOO
        FLUSHALL ASYNC SYNC
        FLUSHDB FOO
        FLUSHDB SYNC x
        SWAPDB
        SWAPDB 0
        SWAPDB 0 99
        SWAPDB 0 -1
        SWAPDB x 1
        SWAPDB 0 x
        SWAPDB 99999999999 0
        TIME x
        ROLE
        ROLE x
        SHUTDOWN ABORT
        SHUTDOWN FOO
        SHUTDOWN SAVE NOSAVE
        SHUTDOWN ABORT NOW
        LOLWUT VERSION x
        """)


def test_databases(both):
    both.lines("""
        SET a 0
        SELECT 1
        SET a 1
        SET b 1
        DBSIZE
        SWAPDB 0 1
        DBSIZE
        GET a
        SELECT 0
        GET a
        SWAPDB 1 1
        FLUSHDB ASYNC
        DBSIZE
        SELECT 1
        DBSIZE
        FLUSHDB SYNC
        DBSIZE
        SET x 1
        FLUSHALL
        DBSIZE
        SET x 1
        flushall async
        DBSIZE
        """)


def test_time(client):
    seconds, micros = client.call("TIME")
    assert abs(int(seconds) - time.time()) < 5
    assert 0 <= int(micros) < 1000000


def test_lolwut(any_client):
    picture = any_client.call("LOLWUT")
    assert b"Redis ver. 7.2" in picture and b"Snug ver." in picture
    assert isinstance(picture, Verbatim) == (any_client.resp == 3)
    assert len(any_client.call("LOLWUT", "VERSION", 5, 10, 2)) < len(picture)
    assert len(any_client.call("LOLWUT", 10**12, 10**12)) < 100000
    assert b"Snug ver." in any_client.call("LOLWUT", "x", "-1")


def test_shutdown_ends_cleanly(start):
    for arguments in ((), ("NOSAVE",), ("NOW", "FORCE", "NOSAVE"), ("SAVE", "FORCE")):
        server = start()
        client = server.client()
        client.send("SHUTDOWN", *arguments)
        assert client.read_all() == b""
        assert server.process.wait(10) == 0


def test_signals_end_cleanly(start):
    for number in (signal.SIGTERM, signal.SIGINT):
        server = start()
        assert server.client().call("PING") == "PONG"
        assert server.stop(number) == 0
        assert "bye bye" in server.log()


def test_flush_frees_what_others_see(server):
    with Client(server.port) as one, Client(server.port) as other:
        one.call("SET", "a", 1)
        other.call("SELECT", 3)
        other.call("SET", "b", 1)
        one.call("FLUSHDB")
        assert one.call("DBSIZE") == 0 and other.call("DBSIZE") == 1
        one.call("FLUSHALL")
        assert other.call("DBSIZE") == 0
