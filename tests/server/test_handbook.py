"""What the handbook shows is there: its configuration starts a server, and its names are known."""

import re

import pytest

from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page):
    """Texts between fences without a language."""
    return re.findall(r"^ *```\n(.*?)^ *```$", page.read_text(), re.M | re.S)


def test_the_ten_lines_that_matter_start_a_server(start, tmp_path):
    text = next(block for block in blocks(ROOT / "docs/configure.md") if "requirepass" in block)
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    assert len(lines) == 10 and all(lines)
    wanted = dict(line.split(None, 1) for line in lines)
    wanted["requirepass"] = "secret"
    del wanted["bind"], wanted["http-port"]  # the test's own
    server = start(*[part for name, value in wanted.items() for part in
                     (f"--{name}", *value.replace('""', "").split())])
    with server.client() as client:
        client.call("AUTH", "secret")
        assert client.call("CONFIG", "GET", "maxmemory-policy")[1] == b"allkeys-lru"
        assert client.call("CONFIG", "GET", "save")[1] == b"3600 1 300 100"
        assert client.call("CONFIG", "GET", "maxmemory")[1] == b"80%"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    gone = [link for link in links if not link.startswith("http")
            and not (page.parent / link).exists()]
    assert gone == []


# Shapes of names that are neither a field nor a metric.
NOT_FIELDS = {"redis_db_keys_cached", "decode_array_with_array_mt"}


def test_fields_are_those_of_info_or_metrics(start):
    with start("--appendonly", "yes").client() as client:
        told = client.call("INFO", "everything").decode()
    known = set(re.findall(r"^(\w+):", told, re.M)) | NOT_FIELDS
    known |= set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/generated/metrics.md").read_text(),
                            re.M))
    for page in PAGES:
        named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", page.read_text()))
        assert named <= known, page


def test_options_named_there_are_options(start):
    """On the page of configuration; programs have names of that shape, too."""
    with start().client() as client:
        known = {name.decode() for name in client.call("CONFIG", "GET", "*")[::2]}
    text = (ROOT / "docs/configure.md").read_text()
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)\b[^`./]*`", text))
    assert {"maxmemory-clients", "snapshot-memory-limit", "tls-port"} <= named
    assert named - known <= {"snug-server", "snug-check"}


def test_each_part_of_the_resident_memory_is_explained(start):
    with start().client() as client:
        told = client.call("INFO", "memory").decode()
    parts = set(re.findall(r"^resident_(\w+):", told, re.M))
    text = (ROOT / "docs/memory.md").read_text()
    table = re.findall(r"^\| (`.*?) \|", text, re.M)
    named, group = set(), ""
    for cell in table:
        for name in re.findall(r"`([a-z.-]+)`", cell):
            group = name.split(".")[0] if not name.startswith(".") else group
            named.add((group + name if name.startswith(".") else name).replace(".", "_")
                      .replace("-", "_"))
    types = {part for part in parts if part.startswith("data_")}
    assert named >= parts - types and "data_string" in named
