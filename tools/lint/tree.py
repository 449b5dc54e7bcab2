"""The tree a check looks at: the repository, or one of the small bad ones in tests/lint."""

import functools
import os
import re
import subprocess

SAMPLES = "tests/lint"  # trees that are wrong on purpose
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A comment, a string or a character of C, whichever begins first.
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


class Tree:
    """Files by path relative to the root; `made` is where the build put objects and docs."""

    def __init__(self, root, made):
        self.root = root
        self.made = made
        self.paths = sorted(self._list())

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            command = ["git", "-C", self.root, "ls-files", "--cached", "--others",
                       "--exclude-standard"]
            listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            return [path for path in listed.stdout.splitlines()
                    if not path.startswith(SAMPLES + "/") and os.path.isfile(self.full(path))]
        return self._walk()

    def _walk(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders
                          if not name.startswith((".", "build", "__pycache__"))]
            for name in names:
                found.append(os.path.relpath(os.path.join(folder, name), self.root))
        return [path for path in found if not path.startswith(SAMPLES + "/")]

    def full(self, path):
        return os.path.join(self.root, path)

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        with open(self.full(path), encoding="utf-8", errors="replace", newline="") as file:
            return file.read()

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """The text of a C file with comments and strings blanked, line by line as before."""
        return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), self.text(path))

    def c_files(self, *prefixes):
        """C sources and headers under the prefixes, or all."""
        return [path for path in self.paths
                if path.endswith((".c", ".h")) and (not prefixes or path.startswith(prefixes))]

    def rooms(self):
        return sorted({path.split("/")[1] for path in self.paths
                       if path.startswith("src/") and path.count("/") > 1})


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def rows(name):
    """The rows of a list beside this file: what stands before ` # `, comments left out."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return [line.split(" # ")[0].strip() for line in file
                if line.strip() and not line.startswith("#")]
