"""Real clients against a running server; SNUG_SERVER=/usr/bin/redis-server proves a test right."""

import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SERVER_TESTS = HERE.parent / "server"
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(SERVER_TESTS))

# How servers are started and ended stands with the tests of the server; two files of the name
# conftest cannot be imported as one, so it is loaded by its path.
_spec = importlib.util.spec_from_file_location("serving", SERVER_TESTS / "conftest.py")
serving = importlib.util.module_from_spec(_spec)
sys.modules["serving"] = serving
_spec.loader.exec_module(serving)

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
