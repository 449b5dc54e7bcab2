"""Real clients against a running server; SNUG_SERVER=/usr/bin/redis-server proves a test right."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SERVER_TESTS = HERE.parent / "server"
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(SERVER_TESTS))

import serving  # noqa: E402  how servers are started and ended

snug_program = serving.snug_program
start = serving.start


def pytest_configure(config):
    """What the packages of the distribution call deprecated is not ours to change."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def module_server(snug_program, tmp_path_factory):
    """One server for a module, with a unix socket too."""
    directory = tmp_path_factory.mktemp("server")
    server = serving.running(snug_program, directory, "--unixsocket", directory / "socket")
    yield server
    serving.end(server)


@pytest.fixture
def server(module_server):
    """The module's server, empty."""
    assert module_server.alive(), f"an earlier test ended the server:\n{module_server.log()}"
    with module_server.client() as client:
        client.call("FLUSHALL")
    return module_server
