"""The page in a real browser, beside a real server."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SERVER_TESTS = HERE.parent / "server"
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(SERVER_TESTS))

from browser import Browser  # noqa: E402
import serving  # noqa: E402  how servers are started and ended

snug_program = serving.snug_program
start = serving.start
pytest_configure = serving.pytest_configure


@pytest.fixture
def start_http(start):
    """start(...) with the page on; its address is server.page."""
    def start_one(*options, http_port=None, **more):
        http_port = http_port or serving.free_port()
        server = start("--http-port", http_port, *options, **more)
        server.http_port = http_port
        server.page = f"http://127.0.0.1:{http_port}/"
        return server
    return start_one


@pytest.fixture(scope="module")
def module_browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.end()


@pytest.fixture
def browser(module_browser):
    """The module's browser. After each test: no error in the page, and nothing asked elsewhere."""
    module_browser.seen()
    module_browser.expected = ["willReadFrequently"]  # it is the tests that read the map's pixels
    yield module_browser
    for path in ("/api/heap", "/api/state.json", "/api/history"):
        module_browser.route(path=path, body=None)
    seen = module_browser.seen()
    module_browser.evaluate(script="location.replace('about:blank')")
    unexpected = [line for line in seen["console"]
                  if not any(word in line for word in module_browser.expected)]
    assert (unexpected, seen["errors"]) == ([], [])
    elsewhere = [address for address in seen["addresses"]
                 if not address.startswith(("http://127.0.0.1:", "about:"))]
    assert not elsewhere
