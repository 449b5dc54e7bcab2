"""The browser of browser.js from Python: Debian's Chromium, without a window."""

import base64
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
CHROMIUMS = ["chromium", "chromium-browser", "google-chrome"]


class Trouble(Exception):
    """What the browser said went wrong."""


def chromium():
    """The program itself; the distribution's wrapper will do."""
    there = filter(None, map(shutil.which, CHROMIUMS))
    found = os.environ.get("SNUG_CHROMIUM") or next(there, None)
    assert found, "chromium is not installed: tools/setup.sh build test"
    return found


class Browser:
    """One Chromium. Its actions are methods: browser.open(url=...), browser.press(key="Tab")."""

    def __init__(self, directory):
        assert (HERE / "node_modules").is_dir(), "run tools/setup.sh build test"
        environment = {**os.environ, "SNUG_CHROMIUM": chromium(), "HOME": str(directory)}
        self.process = subprocess.Popen(["node", HERE / "browser.js"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, cwd=directory, env=environment,
                                        text=True)

    def __getattr__(self, action):
        def act(**arguments):
            self.process.stdin.write(json.dumps({"action": action, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "the browser ended"
            answer = json.loads(line)
            if "error" in answer:
                raise Trouble(f"{action} {arguments}: {answer['error']}"[:2000])
            return answer["value"]
        return act

    def text(self, selector):
        return self.evaluate(script=f"document.querySelector({json.dumps(selector)}).textContent")

    def give(self, path, body, type="application/octet-stream"):
        """From now on the page gets these bytes from `path`."""
        self.route(path=path, body=base64.b64encode(body).decode(), type=type)

    def wait_until_live(self):
        self.wait(script="document.getElementById('status').dataset.state === 'live' && "
                         "Number(document.getElementById('map').dataset.spans) >= 0")

    def tile(self, name):
        """The figure under a name in the row at the top."""
        return self.evaluate(script=f"""[...document.querySelectorAll('#tiles > div')]
            .find((one) => one.children[0].textContent === {json.dumps(name)})
            ?.children[1].textContent""")

    def map(self):
        """What the map says of itself: spans, cells, spans in a cell, milliseconds."""
        data = self.evaluate(script="({...document.getElementById('map').dataset})")
        return {name: float(value) for name, value in data.items()}

    def pixels(self):
        """How many pixels of the map have each colour, as {"r,g,b": count}."""
        return self.evaluate(script="""(() => {
            const map = document.getElementById('map');
            const data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
            const counts = {};
            for (let at = 0; at < data.length; at += 4) {
              const name = `${data[at]},${data[at + 1]},${data[at + 2]}`;
              counts[name] = (counts[name] ?? 0) + 1;
            }
            return counts;
        })()""")

    def end(self):
        try:
            self.close()
        except (AssertionError, BrokenPipeError, Trouble):
            pass
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
