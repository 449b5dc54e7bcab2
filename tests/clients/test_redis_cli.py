"""redis-cli as people type it: words, pipes, inline commands, both protocols, its help."""

import json
import re
import socket
import subprocess

import pytest

from waiting import until


@pytest.fixture(name="cli")
def command_line(server):
    def run(*arguments, given="", fails=False):
        done = subprocess.run(["redis-cli", "-p", str(server.port), *map(str, arguments)],
                              input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", check=False, timeout=60)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout
    return run


def test_words_on_the_command_line(cli):
    assert cli("SET", "k", "a value") == "OK\n"
    assert cli("GET", "k") == "a value\n"
    assert cli("--no-raw", "GET", "k") == '"a value"\n'
    assert cli("--no-raw", "INCR", "n") == "(integer) 1\n"
    assert cli("--no-raw", "GET", "absent") == "(nil)\n"
    assert cli("RPUSH", "l", 1, 2) == "2\n" and cli("LRANGE", "l", 0, -1) == "1\n2\n"
    assert cli("-n", 3, "DBSIZE") == "0\n"
    assert cli("-r", 3, "INCR", "n") == "2\n3\n4\n"
    assert cli("-x", "SET", "from input", given="all of it") == "OK\n"
    assert cli("GET", "from input") == "all of it\n"


def test_errors(cli):
    cli("SET", "s", "x")
    assert cli("LPUSH", "s", "y").startswith("WRONGTYPE Operation against a key")
    assert cli("NOSUCH").startswith("ERR unknown command 'NOSUCH'")
    cli("-e", "LPUSH", "s", "y", fails=True)


def test_both_protocols(cli):
    cli("HSET", "h", "f", "v")
    cli("ZADD", "z", "1.5", "m")
    assert cli("--no-raw", "-2", "HGETALL", "h") == '1) "f"\n2) "v"\n'
    assert cli("--no-raw", "-3", "HGETALL", "h") == '1# "f" => "v"\n'
    assert cli("--no-raw", "-3", "ZSCORE", "z", "m") == "(double) 1.5\n"
    assert cli("--no-raw", "-3", "GET", "absent") == "(nil)\n"
    assert cli("--no-raw", "-3", "SMEMBERS", "absent") == "(empty set)\n"


def test_other_forms_of_output(cli):
    cli("HSET", "h", "f", "v", "g", "1")
    assert cli("--csv", "HGETALL", "h") == '"f","v","g","1"\n'
    assert json.loads(cli("-3", "--json", "HGETALL", "h")) == {"f": "v", "g": "1"}
    assert json.loads(cli("--json", "LRANGE", "absent", "0", "-1")) == []


def test_commands_from_a_pipe(cli):
    given = 'SET a "one two"\nGET a\n\nINCR n\nINCR n\nHSET h f "\\x00\\xff"\nHSTRLEN h f\n'
    assert cli(given=given) == "OK\none two\n1\n2\n1\n2\n"


def test_a_transaction_from_a_pipe(cli):
    given = "MULTI\nSET t 1\nINCR t\nEXEC\nMULTI\nDISCARD\nGET t\n"
    assert cli(given=given) == "OK\nQUEUED\nQUEUED\nOK\n2\nOK\nOK\n2\n"


def test_inline_commands(server):
    """What netcat would send: words, quotes, an empty line."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        link.sendall(b'PING\r\n\r\nset k "a \\"b\\" \\x41"\nGET k\r\nQUIT\r\n')
        said = b""
        while piece := link.recv(4096):
            said += piece
    assert said == b'+PONG\r\n+OK\r\n$7\r\na "b" A\r\n+OK\r\n'


def test_mass_insertion(cli, server):
    commands = "".join(f"*3\r\n$3\r\nSET\r\n$6\r\nk{i:05}\r\n$4\r\n{i:04}\r\n" for i in range(9999))
    assert re.search(r"errors: 0, replies: 9999", cli("--pipe", given=commands))
    assert cli("DBSIZE") == "9999\n" and cli("GET", "k01234") == "1234\n"


def test_scripts_from_a_file(cli, tmp_path):
    script = tmp_path / "add.lua"
    script.write_text("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}\n")
    assert cli("--eval", script, "counter", ",", "word") == "counter\nword\n1\n"


def test_scan_and_help(cli):
    cli(given="".join(f"SET scan:{i} {i}\n" for i in range(200)))
    assert len(cli("--scan", "--pattern", "scan:*").split()) == 200
    assert re.search(r"APPEND\S* \S*key value", cli("HELP", "@string"))
    assert re.search(r"# Server\n.*redis_version:7\.", cli("INFO").replace("\r", ""), re.S)


def test_subscribing(server, cli):
    listener = subprocess.Popen(["redis-cli", "-p", str(server.port), "SUBSCRIBE", "news"],
                                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        until(lambda: cli("PUBLISH", "news", "hello") == "1\n", "the subscription")
        lines = [listener.stdout.readline().strip() for _ in range(6)]
        assert lines == ["subscribe", "news", "1", "message", "news", "hello"]
    finally:
        listener.kill()
        listener.wait()
