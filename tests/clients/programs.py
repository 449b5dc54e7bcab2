"""Programs in other languages that check what a client does with a server.

A program is told the port by SNUG_PORT and says `ok NAME` or `not ok NAME: why` for each of its
checks, a line each. The names are read from its source, check("NAME", so that each is one test, and
one that the program did not come to fails.
"""

import os
import pathlib
import re
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MADE = ROOT / "build" / "clients"
NAMES = re.compile(r"\bcheck\(\s*\"([^\"]+)\"")
PROGRAM_SECONDS = 150


class Program:
    """A source with checks and how it is run: `command` gets the source's path at its end."""

    def __init__(self, source, *command, build=None):
        self.source = HERE / source
        self.command = command
        self.build = build

    def names(self):
        return NAMES.findall(self.source.read_text())

    def run(self, port, directory):
        """The outcome of each check by name: None when it passed, otherwise why not."""
        command = [*self.command, self.source]
        if self.build:
            MADE.mkdir(parents=True, exist_ok=True)
            command = [self.build(self.source)]
        environment = {**os.environ, "SNUG_PORT": str(port), "NO_COLOR": "1"}
        said, code = said_by([str(word) for word in command], directory, environment)
        outcomes = {}
        for line in said.splitlines():
            if line.startswith("ok "):
                outcomes[line[3:]] = None
            elif line.startswith("not ok "):
                name, _, reason = line[7:].partition(": ")
                outcomes[name] = reason
        for name in self.names():
            outcomes.setdefault(name, f"not come to; exit code {code}\n{said[-6000:]}")
        return outcomes


def said_by(command, directory, environment):
    """What it printed, and its exit code. What it has started is ended with it."""
    with open(directory / "output", "w+b") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, cwd=directory, env=environment,
                                   start_new_session=True)
        try:
            code = process.wait(PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            code = f"none in {PROGRAM_SECONDS} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        return output.read().decode(errors="replace"), code


def built(target, *command):
    """Compiles a source to build/clients/`target`; SOURCE, TARGET and CACHE in it are paths."""
    def build(source):
        program = MADE / target
        places = {"SOURCE": source, "TARGET": program, "CACHE": MADE / "cache"}
        words = [re.sub("SOURCE|TARGET|CACHE", lambda match: str(places[match[0]]), word)
                 for word in command]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, cwd=source.parent)
        assert done.returncode == 0, done.stdout
        return program
    return build
