"""Arguments and configuration at start, beside redis-server: what ends it, and what is in force."""

import re
import subprocess
import time

import pytest

from conftest import REDIS_SERVER, SNUG_SERVER, free_port
from resp import Client, Pairs

# Each ends the start with code 1 and the same block (but for the name) from both.
REFUSED = [
    ["--bogus", "1"],
    ["--port"],
    ["--port", "abc"],
    ["--port", "1", "2"],
    ["--port \"7"],
    ["--timeout", "--port"],
    ["--", "7"],
    ["-v2"],
    ["--maxmemory=5"],
    ["--port", "7", "-", "--loglevel", "verbose"],
    ["--save", "1", "2", "3"],
    ["--save", "", ""],
    ["--logfile", "/nonexistent/x"],
    ["--dir", "/nonexistent/x"],
    ["--include", "/nonexistent*", "--port", "x"],
    ["--unixsocketperm", "0955"],
    ["--unixsocketperm", "1777"],
    ["--requirepass", "a", "b"],
    ["--dbfilename", "a/b"],
    ["--appenddirname", ""],
    ["--io-threads", "200"],
    ["--replicaof", "no"],
    ["--replicaof", "127.0.0.1 99999"],
    ["--cluster-enabled", "yes", "--replicaof", "a", "1"],
    ["--cluster-announce-hostname", "a b"],
    ["--hz", "-1"],
    ["--rename-command", "bogus", "x"],
    ["--rename-command", "get", "set"],
    ["--user"],
    ["--a.b"],
    ["--client-output-buffer-limit", "normal 1 2 3 slave"],
    ["--oom-score-adj-values", "1", "2"],
    ["--latency-tracking-info-percentiles", "101"],
    ["--notify-keyspace-events", "q"],
    ["--bind", *map(str, range(17))],
]

# Arguments, standard input, and the options to look at.
TAKEN = [
    (["--save", ""], "", ["save"]),
    (["--save"], "", ["save"]),
    (["--save", "--timeout", "3"], "", ["save", "timeout"]),
    (["--save", "7", "7", "--save", "8", "8"], "", ["save"]),
    (["--save", "7", "7", "--save", ""], "", ["save"]),
    (["--save", "7 7 8 8"], "", ["save"]),
    (["-"], "save 100 1\nsave 50 2\ntimeout 5", ["save", "timeout"]),
    (["--timeout", "9", "-"], "timeout 5\ntcp-keepalive 7", ["timeout", "tcp-keepalive"]),
    (["--masterauth", "--foo", "--timeout", "3"], "", ["masterauth", "timeout"]),
    (["--timeout 7"], "", ["timeout"]),
    (["--timeout \"7\"", "--TCP-KEEPALIVE", "8"], "", ["timeout", "tcp-keepalive"]),
    (["--bind", "127.0.0.1", "-::1"], "", ["bind"]),
    (["--bind", "127.0.0.1 -::1"], "", ["bind"]),
    (["--hz", "0"], "", ["hz"]),
    (["--hz", "1000"], "", ["hz"]),
    (["--shutdown-on-sigint", "nosave force"], "", ["shutdown-on-sigint"]),
    (["--shutdown-on-sigint", "nosave", "force"], "", ["shutdown-on-sigint"]),
    (["--list-max-ziplist-entries", "5"], "", ["list-max-*"]),
    (["--unixsocketperm", "0755", "--maxmemory-clients", "5%"], "", ["unixsocketperm", "*clients"]),
    (["--enable-debug-command", "local"], "", ["enable-debug-command"]),
    (["--proc-title-template", "--my--{title}"], "", ["proc-title-template"]),
    (["--latency-tracking-info-percentiles", ""], "", ["latency-tracking*"]),
    (["--rename-command", "get", "fetch"], "", ["timeout"]),
    (["--dir", "/tmp"], "", ["dir"]),
]


@pytest.fixture(autouse=True)
def needs_redis():
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")


def refusal(program, arguments, directory):
    ended = subprocess.run([program, *arguments], cwd=directory, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=20, check=False)
    return ended.returncode, re.sub(r"\((Redis|Snug) [\d.]+\)", "(x)", ended.stderr)


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_refused(arguments, tmp_path):
    ours = refusal(SNUG_SERVER, arguments, tmp_path)
    assert ours == refusal(REDIS_SERVER, arguments, tmp_path)
    assert ours[0] == 1 and "*** FATAL CONFIG FILE ERROR (x) ***" in ours[1]


def in_force(program, arguments, text, options, directory):
    port = free_port()
    first = ["-"] if arguments[0] == "-" else []
    rest = arguments[len(first):]
    with subprocess.Popen([program, *first, "--port", str(port), *rest], cwd=directory,
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            process.stdin.write(text.encode())
            process.stdin.close()
            reply = ask(port, options, process)
        finally:
            process.kill()
    return sorted(reply if isinstance(reply, Pairs) else zip(reply[::2], reply[1::2]))


def ask(port, options, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with Client(port, timeout=5) as client:
                return client.call("CONFIG", "GET", *options)
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"no answer; exit code {process.poll()}")


@pytest.mark.parametrize("arguments, text, options", TAKEN,
                         ids=[" ".join(row[0]) for row in TAKEN])
def test_in_force(arguments, text, options, tmp_path):
    ours = in_force(SNUG_SERVER, arguments, text, options, tmp_path)
    assert ours == in_force(REDIS_SERVER, arguments, text, options, tmp_path)
    assert ours


def test_version_and_help():
    told = subprocess.run([SNUG_SERVER, "-v"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"Snug server v=\S+ malloc=\S+ bits=64 build=[0-9a-f]+\n", told.stdout)
    told = subprocess.run([SNUG_SERVER, "--help"], capture_output=True, text=True, check=False)
    assert told.returncode == 1 and told.stderr.startswith("Usage: ")
