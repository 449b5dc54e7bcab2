"""A heap of 100 GB, made up: the page counts and draws its 1.6 million spans in bounded work."""

import array
import random
import struct
import time

ROWS = 1_638_400
BLOCK_ROWS = 1024
CACHED, PARTLY, FULL, DRAINING, PINNED = 2, 4, 5, 6, 7
CELLS_MAX = 60_000


def picture(rows, word, start=1, sweep=7):
    """A reply of /api/heap whose rows have the words word(row)."""
    blocks = rows // BLOCK_ROWS
    head = struct.pack("<8sIIQIIII24x", b"SNUGHEAP", 1, 64, start, rows, sweep, BLOCK_ROWS, blocks)
    parts = [head]
    for block in range(blocks):
        words = array.array("I", (word(row) for row in
                                  range(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)))
        parts += [struct.pack("<I", block), words.tobytes()]
    return b"".join(parts)


def many(kinds=3, classes=40):
    draw = random.Random(1)
    choices = [fullness | size_class << 8 | kind << 17 | state << 23 | 63 << 26
               for fullness, state in ((255, FULL), (30, PARTLY), (128, PARTLY), (200, PARTLY),
                                       (9, DRAINING), (80, PINNED))
               for size_class in range(1, classes) for kind in range(kinds)]
    weights = draw.choices(choices, k=4096)
    return picture(ROWS, lambda row: weights[row * 2654435761 % 4093])


def test_a_hundred_gigabytes(start_http, browser):
    server = start_http()
    browser.give("/api/heap", many())
    browser.open(url=server.page)
    for order in ("place", "full", "heap"):
        browser.select(selector="#order", value=order)
        browser.wait(script=f"document.getElementById('map').dataset.spans === '{ROWS}'")
        time.sleep(1.5)
        drawn = browser.map()
        assert drawn["spans"] == ROWS
        assert drawn["cells"] <= CELLS_MAX
        assert drawn["perCell"] >= 16 and drawn["perCell"] in {2 ** bit for bit in range(28)}
        assert len(browser.pixels()) > 5
    assert "spans" in browser.text("#map-sum") or "64 KiB" in browser.text("#map-sum")


def test_one_class_alone_of_a_hundred_gigabytes(start_http, browser):
    server = start_http()
    word = 128 | 5 << 8 | PARTLY << 23 | 63 << 26
    browser.give("/api/heap", picture(ROWS, lambda _: word))
    browser.open(url=server.page, width=360, height=800)
    browser.wait(script=f"document.getElementById('map').dataset.spans === '{ROWS}'")
    drawn = browser.map()
    assert drawn["cells"] <= CELLS_MAX
    assert browser.evaluate(script="document.getElementById('map').clientHeight") < 2000


def test_what_stays_is_not_drawn_again(start_http, browser):
    server = start_http()
    word = 128 | 5 << 8 | PARTLY << 23 | 63 << 26
    browser.give("/api/heap", picture(BLOCK_ROWS, lambda _: word))
    browser.open(url=server.page)
    browser.wait(script="document.getElementById('map').dataset.spans === '1024'")
    browser.give("/api/heap", picture(BLOCK_ROWS, lambda _: word)[:36] + bytes(28))  # no block
    time.sleep(1.5)
    drawn = browser.map()["drawn"]
    time.sleep(2.5)
    assert browser.map()["drawn"] == drawn


def test_marks_of_spans(start_http, browser):
    """A span that is emptied, one that cannot be, and one that is free look like no other."""
    server = start_http()
    partly = 128 | 5 << 8 | PARTLY << 23 | 63 << 26
    colours = []
    for state in (PARTLY, DRAINING, PINNED, CACHED):
        other = 128 | 5 << 8 | state << 23 | 63 << 26
        browser.give("/api/heap", picture(BLOCK_ROWS, lambda row: other if row == 7 else partly))
        browser.open(url=server.page)
        browser.wait(script="Number(document.getElementById('map').dataset.spans) >= 1023")
        colours.append({name for name, count in browser.pixels().items() if count >= 4})
        said = browser.text("#map-sum")
        assert ("1 being emptied" in said) == (state == DRAINING)
        assert ("1 cannot be emptied" in said) == (state == PINNED)
        assert ("free and kept" in said) == (state == CACHED)
    assert colours[1] - colours[0] and colours[2] - colours[0] and colours[3] - colours[0]


def test_only_what_changed_is_asked_for(start_http, browser):
    server = start_http()
    with server.client() as client:
        client.call("SET", "a", "b")
    browser.open(url=server.page)
    browser.wait(script="Number(document.getElementById('map').dataset.spans) > 0")
    browser.seen()
    time.sleep(2.5)
    asked = [address for address in browser.seen()["addresses"] if "/api/heap" in address]
    assert asked and all("since=0" not in address for address in asked)
