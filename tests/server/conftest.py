"""Servers for tests: each on a free loopback port in its own directory, ended whatever happens."""

import itertools
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time

import pytest

from resp import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNUG_SERVER = os.environ.get("SNUG_SERVER", str(ROOT / "build" / "snug-server"))
# What the build checks itself by changes how much memory it holds, and what moves when.
MOVE_ALL_BUILD = "move-all" in SNUG_SERVER
CHECKED_BUILD = MOVE_ALL_BUILD or "address" in SNUG_SERVER or "thread" in SNUG_SERVER
REDIS_SERVER = os.environ.get("REDIS_SERVER", shutil.which("redis-server") or "")
START_SECONDS = 30


# Ports below those that the kernel gives to connections, so that nobody takes one between the look
# and the server's start; tests that run side by side begin at different ones.
PORTS = range(11000, 32000)
next_ports = itertools.islice(itertools.cycle(PORTS), os.getpid() * 7919 % len(PORTS), None)


def free_port():
    for port in itertools.islice(next_ports, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise RuntimeError("no port is free")


class Server:
    """A running server. `client()` connects; what it prints stands in `log()`."""

    def __init__(self, program, directory, *options, config=None):
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        self.log_path = self.directory / "log"
        self.clients = []
        arguments = [] if config is None else [config]
        if config is None and "--save" not in options:
            arguments += ["--save", ""]
        arguments += ["--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, *options]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([program, *map(str, arguments)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.directory)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_until_ready(self, loaded=True):
        """Answers commands; with loaded=False it may answer that it is loading."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended ({self.process.returncode}):\n{self.log()}")
            try:
                with Client(self.port, timeout=2) as probe:
                    reply = probe.call("PING")
                    if not loaded or not str(reply).startswith("LOADING"):
                        return self
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the server did not answer:\n{self.log()}")

    def client(self, **options):
        client = Client(self.port, **options)
        self.clients.append(client)
        return client

    def alive(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Ends the server and returns its exit code; kills it when it does not want to."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def running(program, directory, *options, loaded=True, **more):
    server = Server(program, directory, *options, **more)
    try:
        return server.wait_until_ready(loaded)
    except BaseException:
        server.process.kill()
        server.process.wait()
        raise


def end(server):
    """For the end of a test: a crash or a report of a sanitizer is a failure of the test."""
    crashed = server.process.poll() is not None and server.process.returncode != 0
    try:
        code = server.stop()
    except subprocess.TimeoutExpired:
        pytest.fail(f"the server did not end by itself:\n{server.log()[-4000:]}")
    if crashed or code not in (0, -signal.SIGTERM, -signal.SIGKILL):
        pytest.fail(f"the server ended with {code}:\n{server.log()[-8000:]}")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures what takes all processors, so nothing else "
                                       "may run beside it")
    config.addinivalue_line("markers", "slow: takes long or much memory; SHORT=1 leaves it out")


@pytest.fixture(scope="session")
def snug_program():
    if not os.access(SNUG_SERVER, os.X_OK):
        pytest.exit(f"{SNUG_SERVER} is not there; build it, or say where it is by SNUG_SERVER")
    return SNUG_SERVER


@pytest.fixture(scope="module")
def shared_server(snug_program, tmp_path_factory):
    """One server for the tests of a module; `server` empties it for each."""
    server = running(snug_program, tmp_path_factory.mktemp("snug"), "--enable-debug-command", "yes")
    yield server
    end(server)


@pytest.fixture
def server(shared_server):
    """The module's server, empty and with its usual configuration."""
    assert shared_server.alive(), f"an earlier test ended the server:\n{shared_server.log()}"
    with Client(shared_server.port) as client:
        client.call("FLUSHALL", "SYNC")
        client.call("CONFIG", "RESETSTAT")
    return shared_server


@pytest.fixture
def client(server):
    with Client(server.port) as client:
        yield client


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def any_client(server, request):
    """The same test in both protocols."""
    with Client(server.port) as client:
        client.call("HELLO", request.param)
        client.resp = request.param
        yield client


@pytest.fixture
def start(snug_program, tmp_path):
    """Starts servers of the test's own: start("--requirepass", "x"), start(config=path);
    with ready=False it need not answer."""
    servers = []

    def start_one(*options, program=snug_program, ready=True, **more):
        directory = tmp_path / f"server{len(servers)}"
        directory.mkdir()
        if ready:
            servers.append(running(program, directory, *options, **more))
        else:
            servers.append(Server(program, directory, *options, **more))
        return servers[-1]

    yield start_one
    for server in servers:
        if server.process.poll() is None:
            end(server)


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """The redis-server of the distribution, to compare replies with."""
    if not REDIS_SERVER:
        pytest.fail("redis-server is not installed: tools/setup.sh build test")
    server = running(REDIS_SERVER, tmp_path_factory.mktemp("redis"), "--save", "", "--appendonly",
                     "no", "--enable-debug-command", "yes")
    yield server
    server.stop(signal.SIGKILL)


class Both:
    """The same requests to Snug and to redis-server; every reply must be the same."""

    def __init__(self, snug, redis, resp):
        self.snug, self.redis, self.resp = snug, redis, resp
        for client in (snug, redis):
            client.call("FLUSHALL", "SYNC")
            client.call("CONFIG", "RESETSTAT")  # the other one has served other tests
            client.call("HELLO", resp)

    def call(self, *arguments, sort=False):
        """The reply of both. `sort`: the order of an array is not promised."""
        ours, theirs = self.snug.call(*arguments), self.redis.call(*arguments)
        if sort and isinstance(ours, list) and isinstance(theirs, list):
            ours, theirs = sorted(ours), sorted(theirs)
        assert repr(ours) == repr(theirs), f"{arguments!r}: snug {ours!r}, redis {theirs!r}"
        return ours

    def lines(self, text):
        """A request a line, words as a shell would part them; '#' begins a remark."""
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                self.call(*words)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def both(server, oracle, request):
    with Client(server.port) as snug, Client(oracle.port) as redis:
        yield Both(snug, redis, request.param)


@pytest.fixture
def options(client):
    """CONFIG SET whose changes are taken back after the test."""
    before = {}

    def change(**values):
        for name, value in values.items():
            name = name.replace("_", "-")
            before.setdefault(name, client.call("CONFIG", "GET", name)[1])
            assert client.call("CONFIG", "SET", name, value) == "OK"
    yield change
    for name, value in before.items():
        client.call("CONFIG", "SET", name, value)
