"""The page for whoever has no mouse, no colour, no light, little width or a screen reader."""

import json
import time

import pytest

from load import fragment

KEYS_TO_MAP_MAX = 12


@pytest.fixture
def page(start_http, browser):
    """A page with something to see."""
    server = start_http("--activedefrag", "no")
    with server.client() as client:
        fragment(client, 30_000)

    def open_it(**how):
        browser.open(url=server.page, **how)
        browser.wait(script="Number(document.getElementById('map').dataset.spans) > 50")
        browser.wait(script="document.querySelectorAll('#tiles .figure').length === 8")
        return browser
    return open_it


def focused(browser):
    return browser.evaluate(script="document.activeElement.id || document.activeElement.className")


def test_keyboard_alone(page):
    browser = page()
    browser.press(key="Tab")
    assert focused(browser) == "skip"
    browser.press(key="Enter")
    assert focused(browser) == "map-title"
    for _ in range(KEYS_TO_MAP_MAX):
        browser.press(key="Tab")
        if focused(browser) == "map":
            break
    assert focused(browser) == "map"
    outline = browser.evaluate(script="getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

    browser.press(key="ArrowRight")
    first = browser.text("#facts-said")
    assert "cells of" in first and "% " in first
    seen = {first}
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowLeft", "ArrowUp", "Home", "PageDown"):
        browser.press(key=key)
        seen.add(browser.text("#facts-said"))
    assert len(seen) >= 5
    browser.press(key="Escape")
    assert browser.text("#facts").startswith("Point at a span")


def test_keys_are_shown_by_a_question_mark(page):
    browser = page()
    browser.press(key="?")
    assert browser.evaluate(script="document.getElementById('keys').open")
    browser.press(key="Escape")
    assert not browser.evaluate(script="document.getElementById('keys').open")
    browser.press(key="?")
    browser.press(key="?")
    assert not browser.evaluate(script="document.getElementById('keys').open")


def test_a_pointer_reads_spans(page):
    browser = page()
    box = browser.evaluate(script="""(() => { const box = document.getElementById('map')
        .getBoundingClientRect(); return [box.left, box.top]; })()""")
    for y in range(24, 200, 12):
        browser.hover(x=box[0] + 70, y=box[1] + y)
        if "cells of" in browser.text("#facts"):
            break
    assert "cells of" in browser.text("#facts")
    assert browser.text("#facts-said") == ""


def test_it_has_landmarks_headings_and_names(page):
    browser = page()
    tree = browser.tree(selector="body")
    for part in ("banner:", "main:", "contentinfo:", 'heading "Snug" [level=1]',
                 'heading "Map of the heap" [level=2]', 'heading "Curves" [level=2]',
                 'heading "What the doctor says" [level=2]', 'combobox "Order"',
                 'columnheader "Memory"', 'button "Pause"'):
        assert part in tree, tree
    nameless = browser.evaluate(script="""[...document.querySelectorAll('canvas, button, select')]
        .filter((one) => one.getAttribute('aria-hidden') !== 'true')
        .filter((one) => !one.getAttribute('aria-label') && !one.textContent.trim())
        .filter((one) => !one.labels?.length).length""")
    assert nameless == 0
    live = browser.evaluate(script="[...document.querySelectorAll('[aria-live], [role=status]')]"
                                   ".map((one) => one.id)")
    assert sorted(live) == ["facts-said", "status"]


def test_what_is_spoken_does_not_change_by_itself(page):
    browser = page()
    browser.evaluate(script="""window.spoken = 0; for (const id of ['status', 'facts-said'])
        new MutationObserver(() => window.spoken++).observe(document.getElementById(id),
          { childList: true, characterData: true, subtree: true })""")
    time.sleep(3)
    assert browser.evaluate(script="window.spoken") == 0


CONTRASTS = """(() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const found = {};
  for (const ink of ['ink', 'quiet', 'focus', 'good', 'bad', 'line-0', 'line-1', 'line-2'])
    for (const ground of ['--panel', '--ground'])
      found[ink + ground] = contrast(value(`--${ink}`), value(ground));
  const ground = `oklch(${value('--map-ground')})`;
  for (const mark of ['--ramp-full', '--map-draining', '--map-quiet'])
    found[mark] = contrast(`oklch(${value(mark)})`, ground);
  const ramp = document.getElementById('ramp').getContext('2d').getImageData(0, 0, 256, 1).data;
  found.ramp = Array.from({ length: 256 }, (_, at) =>
    luminance(`rgb(${ramp[4 * at]} ${ramp[4 * at + 1]} ${ramp[4 * at + 2]})`));
  return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, scheme):
    """4.5 to 1 for text, and fullness by luminance alone: it falls all the way."""
    found = page(scheme=scheme).evaluate(script=CONTRASTS)
    ramp = found.pop("ramp")
    marks = {name: found.pop(name) for name in ("--ramp-full", "--map-draining")}
    assert {name: value for name, value in found.items() if value < 4.5} == {}
    assert {name: value for name, value in marks.items() if value < 2} == {}
    assert all(before > after for before, after in zip(ramp[::8], ramp[8::8]))
    assert ramp[0] > 5 * ramp[255]


def test_themes(page):
    browser = page(scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = browser.evaluate(script=ground)
    browser.click(selector="#theme")
    assert browser.text("#theme") == "Theme: light"
    light = browser.evaluate(script=ground)
    assert light != dark
    browser.click(selector="#theme")
    assert browser.evaluate(script=ground) == dark
    browser.click(selector="#theme")
    assert browser.text("#theme") == "Theme: system"


@pytest.mark.parametrize("width", [320, 390, 768, 1920])
def test_no_width_is_too_small(page, width):
    browser = page(width=width, height=800)
    assert browser.evaluate(script="document.documentElement.scrollWidth") <= width
    clipped = browser.evaluate(script="""
        [...document.querySelectorAll('#tiles dd.figure, button, select')]
        .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
        .map((one) => one.textContent)""")
    assert clipped == []


@pytest.mark.parametrize("touch, least", [(False, 24), (True, 44)], ids=["mouse", "finger"])
def test_what_is_pressed_is_large_enough(page, touch, least):
    """WCAG 2.2: 24 pixels at least; 44 where it is fingers that point."""
    browser = page(width=390, height=800, touch=touch)
    heights = browser.evaluate(script="""Object.fromEntries(
        [...document.querySelectorAll('button, select, summary, footer a')]
        .filter((one) => one.clientHeight > 0 || one.getClientRects().length)
        .map((one) => [one.id || one.textContent.trim(), one.getBoundingClientRect().height]))""")
    assert len(heights) >= 7
    inline = {"/metrics", "/api/state.json"} if not touch else set()
    assert {name: height for name, height in heights.items()
            if height < least and name not in inline} == {}
    assert browser.evaluate(script="document.documentElement.scrollWidth") <= 390


def test_less_motion_means_fewer_pictures(page):
    browser = page(motion="reduce")
    browser.seen()
    time.sleep(4.1)
    asked = [address for address in browser.seen()["addresses"] if "/api/heap" in address]
    assert len(asked) <= 3, json.dumps(asked)
