"""The pictures of docs/images: a server that is being healed. usage: screenshots.py DIRECTORY"""

import pathlib
import sys
import tempfile
import time

import conftest as tests
from browser import Browser
from load import fragment

KEYS = 500_000
PICTURES = [  # name, width, height, colour scheme
    ("page-light", 1280, 1180, "light"), ("page-dark", 1280, 1180, "dark"),
    ("page-phone", 360, 780, "light"),
]
# Slow, so that a picture is of the middle of it.
MOVES = ["--active-defrag-ignore-bytes", "1mb", "--active-defrag-cycle-min", "1",
         "--active-defrag-cycle-max", "1", "--active-defrag-cycle-us", "100"]


def fill(client):
    """Sessions, and a few keys that are large."""
    for at in range(5):
        fields = [f"{part}-{at}" for part in range(8000 - at * 1200)]
        client.call("HSET", f"catalogue:{at}", *fields)
    for at in range(40):
        client.pipeline(*[("ZADD", "leaderboard", score, f"player:{at}:{score}")
                          for score in range(500)])
        client.call("RPUSH", "queue:mail", *[f"message {at} {part}" for part in range(400)])


def reads(client, draws):
    client.pipeline(*[("GET", f"session:{draws * 7919 % KEYS}") for _ in range(200)])


def picture(directory, name, width, height, scheme, scratch):
    port = tests.serving.free_port()
    server = tests.serving.running(tests.serving.SNUG_SERVER, scratch, "--http-port", port,
                                   "--activedefrag", "no", *MOVES)
    browser = Browser(scratch)
    try:
        client = server.client()
        fill(client)
        fragment(client, KEYS)
        browser.open(url=f"http://127.0.0.1:{port}/", width=width, height=height, scheme=scheme)
        browser.wait(script="Number(document.getElementById('map').dataset.spans) > 300")
        spans = browser.map()["spans"]
        for draws in range(60):
            reads(client, draws)
            time.sleep(0.08)
        client.call("CONFIG", "SET", "activedefrag", "yes")
        while browser.map()["spans"] > spans * 0.62:
            reads(client, 1)
        browser.screenshot(path=str(directory / f"{name}.png"))
    finally:
        browser.end()
        server.stop()


def main():
    directory = pathlib.Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    for one in PICTURES:
        with tempfile.TemporaryDirectory() as scratch:
            picture(directory, *one, pathlib.Path(scratch))
        print(directory / f"{one[0]}.png")


if __name__ == "__main__":
    main()
