"""What the page shows is what the server says, and nothing a key is called can change it."""

import json
import re
import time

import pytest

from browser import Trouble
from load import fragment, memory
from resp import Client
from serving import CHECKED_BUILD

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
MOVES = ["--active-defrag-ignore-bytes", "1mb", "--active-defrag-cycle-min", "5",
         "--active-defrag-cycle-max", "10"]


def bytes_of(text):
    """"62.2 MiB" as a number of bytes."""
    number, unit = text.split()
    return float(number) * UNITS[unit]


def sparse_pixels(browser):
    """Pixels of the map in the colours of spans that are less than half full."""
    ramp = browser.evaluate(script="""(() => {
        const ramp = document.getElementById('ramp').getContext('2d');
        const { data } = ramp.getImageData(0, 0, 256, 1);
        return Array.from({length: 256}, (_, at) => [...data.slice(4 * at, 4 * at + 3)].join(','));
    })()""")
    counts = browser.pixels()
    return sum(counts.get(colour, 0) for colour in set(ramp[1:128]))


def differences(browser, client):
    """Tiles that are not what INFO says, within 5 % and what buffers of clients come and go by."""
    info = memory(client)
    shown = {
        "used_memory_rss": bytes_of(browser.tile("Resident")),
        "used_memory": bytes_of(browser.tile("Used")),
        "mem_fragmentation_ratio": float(browser.tile("Fragmentation")),
        "heap_reclaimable_bytes": bytes_of(browser.tile("Reclaimable")),
    }
    slack = {"mem_fragmentation_ratio": 0.05}
    return {name: (value, info[name]) for name, value in shown.items()
            if value != pytest.approx(info[name], rel=0.05, abs=slack.get(name, 1 << 18))}


def agree(browser, client):
    """The page is a second behind INFO, and INFO goes on."""
    for _ in range(10):
        found = differences(browser, client)
        if not found:
            return
        time.sleep(0.5)
    assert not found


def test_a_server_is_fragmented_and_healed(start_http, browser):
    server = start_http("--activedefrag", "no", *MOVES)
    with server.client() as client:
        fragment(client, 120_000)
        browser.open(url=server.page)
        browser.wait(script="Number(document.getElementById('map').dataset.spans) > 300")
        browser.wait(script="document.querySelectorAll('#tiles .figure').length === 8")
        agree(browser, client)
        before, sparse = browser.map(), sparse_pixels(browser)
        assert before["perCell"] == 1 and before["cells"] >= before["spans"]
        assert "activedefrag yes" in browser.text("#reclaim")
        assert "activedefrag yes" in browser.text("#doctor")
        assert browser.tile("Mover") == "off"

        client.call("CONFIG", "SET", "activedefrag", "yes")
        browser.wait(script=f"Number(document.getElementById('map').dataset.spans) < "
                            f"{before['spans'] / 2}")
        browser.wait(script="!/running|off/.test(document.querySelector('#tiles').textContent)")
        browser.wait(script="document.getElementById('reclaim').textContent.includes('is on')")
        time.sleep(1.5)
        agree(browser, client)
        assert sparse_pixels(browser) < sparse / 4
        assert memory(client)["heap_drained_spans"] > 100


def test_the_table_of_size_classes_says_what_the_map_shows(start_http, browser):
    server = start_http("--activedefrag", "no")
    with server.client() as client:
        fragment(client, 30_000)
    browser.open(url=server.page)
    browser.wait(script="Number(document.getElementById('map').dataset.spans) > 50")
    browser.click(selector="#lanes-details summary")
    browser.wait(script="document.querySelectorAll('#lanes tbody tr').length > 5")
    rows = browser.evaluate(script="[...document.querySelectorAll('#lanes tbody tr')].map((row) => "
                                   "Number(row.cells[2].textContent.replaceAll(',', '')))")
    assert sum(rows) == browser.map()["spans"]


def test_latency_and_operations_are_of_the_last_moment(start_http, browser):
    server = start_http()
    browser.open(url=server.page)
    browser.wait_until_live()
    with server.client() as client:
        for _ in range(30):
            client.pipeline(*[("SET", f"k{at}", "v") for at in range(500)])
            time.sleep(0.05)
            shown = browser.tile("Latency") or ""
            if "µs" in shown and browser.tile("Operations") not in (None, "–", "0/s"):
                break
    assert re.fullmatch(r"[\d.]+ (µs|ms)", browser.tile("Latency"))
    sizes = browser.evaluate(script="[...document.querySelectorAll('#curves canvas')].map("
                                    "(one) => one.getAttribute('aria-label'))")
    assert len(sizes) == 6 and sizes[0].startswith("Memory, resident: now ")


def count_of(text):
    """"18.2 k/s" as a number."""
    number, *unit = text.removesuffix("/s").replace(",", "").split()
    return float(number) * {"k": 1e3, "M": 1e6}[unit[0]] if unit else float(number)


def described(browser):
    """What is said of each curve to who cannot see it, by its name."""
    labels = browser.evaluate(script="[...document.querySelectorAll('#curves canvas')].map("
                                     "(one) => one.getAttribute('aria-label'))")
    return {label.split(",")[0]: label for label in labels if "," in label}


def test_curves_begin_before_the_page_was_opened(start_http, browser):
    server = start_http()
    with server.client() as client:
        for _ in range(30):
            client.pipeline(*[("SET", f"k{at}", "v" * 1000) for at in range(2000)])
            time.sleep(0.1)
        client.call("FLUSHALL")
    time.sleep(3)
    browser.open(url=server.page)
    browser.wait_until_live()
    browser.wait(script="/between/.test(document.querySelector('#curves canvas')"
                        ".getAttribute('aria-label'))")
    said = described(browser)
    least, most = re.search(r"between (.*) and (.*)\.", said["Operations"]).groups()
    assert least == "0/s" and count_of(most) > 1000, said
    least, most = re.search(r"between (.*) and (.*)\.", said["Memory"]).groups()
    assert CHECKED_BUILD or bytes_of(most) > bytes_of(least) + (1 << 20), said


def an_hour(now_ms, resident):
    """As /api/history tells it: each ten seconds, and each second of the last five minutes."""
    columns = ["time_ms", "interval_ms", "resident", "committed", "used", "allocated", "active",
               "moved", "returned", "mover_us", "commands", "mean_ns", "p99_us"]
    ages = [*range(3600, 300, -10), *range(300, 0, -1)]
    samples = [[now_ms - 1000 * age, 10000 if age > 300 else 1000, resident(age), 5, 5, 5, 5,
                0, 0, 0, 10, None, None] for age in ages]
    return json.dumps({"time_ms": now_ms, "columns": columns, "samples": samples}).encode()


def test_a_server_without_data_says_so(start_http, browser):
    server = start_http()
    browser.open(url=server.page)
    browser.wait(script="/no data/.test(document.getElementById('map-sum').textContent)")
    browser.wait(script="/no keys/i.test(document.getElementById('biggest').textContent)")
    with server.client() as client:
        client.call("SET", "a", "b")
    browser.wait(script="/1 span/.test(document.getElementById('map-sum').textContent)")
    browser.wait(script="document.querySelectorAll('#biggest tbody th').length === 1")


def test_an_hour_can_be_looked_at(start_http, browser):
    server = start_http()
    with server.client() as client:
        seconds, _ = client.call("TIME")
    body = an_hour(int(seconds) * 1000, lambda age: (600 if age > 1000 else 300) << 20)
    browser.give("/api/history", body, type="application/json")
    browser.open(url=server.page)
    browser.wait_until_live()
    browser.wait(script="/300 MiB/.test(document.querySelector('#curves canvas')"
                        ".getAttribute('aria-label'))")
    assert "600 MiB" not in described(browser)["Memory"]
    browser.select(selector="#span", value="60")
    browser.wait(script="/600 MiB/.test(document.querySelector('#curves canvas')"
                        ".getAttribute('aria-label'))")


def test_what_was_while_nobody_looked_is_asked_for(start_http, browser):
    server = start_http()
    browser.open(url=server.page)
    browser.wait_until_live()
    browser.click(selector="#pause")
    with server.client() as client:
        for _ in range(20):
            client.pipeline(*[("SET", f"k{at}", "v") for at in range(5000)])
            time.sleep(0.1)
    time.sleep(5)
    browser.seen()
    browser.click(selector="#pause")
    browser.wait_until_live()
    time.sleep(1)
    assert any("/api/history" in address for address in browser.seen()["addresses"])
    said = described(browser)["Operations"]
    assert count_of(re.search(r"and (.*)\.", said).group(1)) > 1000, said


HOSTILE = ["<img src=x onerror=\"document.title='taken'\">",
           "<script>document.title='taken'</script>",
           "\u202egnp.exe", "'\"><svg onload=alert(1)>", "a\x00b\nc\x1b[31m", "{{7*7}}${7*7}",
           "</table><iframe src=//example.org></iframe>"]


def test_names_of_keys_are_text(start_http, browser):
    server = start_http()
    with server.client() as client:
        for at, name in enumerate(HOSTILE):
            client.call("SET", name, "x" * (20_000 - at))
        client.call("SET", b"\xff\xfe", "x" * 30_000)
        client.call("SET", "long" * 200, "x" * 25_000)
    browser.open(url=server.page)
    browser.wait(script="document.querySelectorAll('#biggest tbody tr').length === 9")
    names = browser.evaluate(script="[...document.querySelectorAll('#biggest tbody th')].map("
                                    "(one) => [one.textContent, one.children.length])")
    assert all(children == 0 for _, children in names)
    shown = [name for name, _ in names]
    assert HOSTILE[0] in shown and HOSTILE[1] in shown and HOSTILE[6] in shown
    assert r"\xff\xfe" in shown and r"a\x00b\x0ac\x1b[31m" in shown
    assert any(name.endswith("… (800 B)") for name in shown)
    assert browser.evaluate(script="document.title") == "Snug"
    assert browser.evaluate(script="document.querySelectorAll('img, iframe, main svg, main script')"
                                   ".length") == 0


def test_a_server_that_goes_and_comes_back(start_http, browser):
    server = start_http()
    browser.expected.append("Failed to load resource")
    browser.open(url=server.page)
    browser.wait_until_live()
    server.stop()
    browser.wait(script="document.getElementById('status').dataset.state === 'gone'")
    assert "does not answer" in browser.text("#status")
    again = start_http(http_port=server.http_port)
    with again.client() as client:
        client.call("SET", "a", "b")
    browser.wait_until_live()
    browser.wait(script="document.querySelector('#tiles > :last-child').children[1].textContent "
                        "=== '1'")


def test_a_password_is_asked_for(start_http, browser):
    server = start_http("--http-password", "open sesame")
    browser.expected.append("401")
    with pytest.raises(Trouble, match="AUTH"):
        browser.open(url=server.page)
    assert browser.open(url=server.page,
                        credentials={"username": "any", "password": "open sesame"}) == 200
    browser.wait_until_live()


def test_nothing_is_asked_while_hidden_or_paused(start_http, browser):
    server = start_http()
    browser.open(url=server.page)
    browser.wait_until_live()

    def asked_in_two_seconds():
        browser.seen()
        time.sleep(2)
        return len(browser.seen()["addresses"])

    assert asked_in_two_seconds() >= 2
    browser.click(selector="#pause")
    time.sleep(0.5)
    assert asked_in_two_seconds() == 0
    assert browser.text("#status") == "Paused"
    browser.click(selector="#pause")
    browser.wait_until_live()
    assert asked_in_two_seconds() >= 2

    hide = "Object.defineProperty(document, 'visibilityState', {value: '%s', configurable: true})" \
           "; document.dispatchEvent(new Event('visibilitychange'))"
    browser.evaluate(script=hide % "hidden")
    time.sleep(0.5)
    assert asked_in_two_seconds() == 0
    browser.evaluate(script=hide % "visible")
    assert asked_in_two_seconds() >= 2


def test_broken_answers_are_told_and_outlived(start_http, browser):
    server = start_http()
    browser.open(url=server.page)
    browser.wait_until_live()
    for body in (b"", b"SNUGHEAP", b"SNUGHEAP" + b"\xff" * 56, b"x" * 5000):
        browser.give("/api/heap", body)
        browser.wait(script="document.getElementById('status').dataset.state === 'gone'")
        browser.route(path="/api/heap", body=None)
        browser.wait_until_live()
    browser.give("/api/state.json", b"{", type="application/json")
    browser.wait(script="document.getElementById('status').dataset.state === 'gone'")
    browser.route(path="/api/state.json", body=None)
    browser.wait_until_live()


def test_a_path_that_is_not_there_is_not_the_page(start_http, browser):
    server = start_http()
    browser.expected.append("404")
    assert browser.open(url=server.page + "page.py") == 404
    with pytest.raises(Trouble):
        browser.wait(script="document.getElementById('map') !== null", milliseconds=300)
    with Client(server.port) as client:
        assert json.dumps(str(client.call("PING")))
