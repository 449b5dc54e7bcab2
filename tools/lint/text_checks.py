"""Checks of everything that is text: words, blanks, links, scripts, pages made from rows."""

import filecmp
import os
import re
import shutil
import subprocess

from tree import line_of, rows

WIDTH = 100
LINK = re.compile(r"\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"#!\s*/(usr/)?bin/(env )?(ba)?sh\b")


def is_text(path):
    return not path.startswith("tests/fuzz/seeds/") and not path.endswith((".png", ".svg", ".rdb"))


def forbidden_words(tree):
    """No unfinished work, no path of a machine."""
    patterns = [re.compile(row) for row in rows("words.txt")]
    for path in filter(is_text, tree.paths):
        if path == "tools/lint/words.txt":
            continue
        for pattern in patterns:
            for match in pattern.finditer(tree.text(path)):
                yield f"{path}:{line_of(tree.text(path), match.start())}: '{match[0]}'"


def blanks(tree):
    """No blank at the end, no tab (but in a Makefile or Go), no carriage return, a newline last."""
    for path in filter(is_text, tree.paths):
        text = tree.text(path)
        tabs = path.endswith(("Makefile", ".go"))
        pattern = r"[ \t]+$" if tabs else r"[ \t]+$|\t|\r"
        for match in re.finditer(pattern, text, re.M):
            yield f"{path}:{line_of(text, match.start())}: a blank at the end, a tab or a CR"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{path}:{text.count(chr(10))}: ends without a newline, or with several"


def width(tree):
    """Lines of code and comments are at most 100 characters wide."""
    for path in tree.paths:
        if path.endswith((".c", ".h", ".py", ".sh")):
            for number, line in enumerate(tree.text(path).splitlines(), 1):
                if len(line) > WIDTH:
                    yield f"{path}:{number}: {len(line)} characters, at most {WIDTH}"


def links(tree):
    """Links between pages lead to files."""
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        for match in LINK.finditer(tree.text(path)):
            target = match[1].partition("#")[0]
            if not target or "://" in target:
                continue
            full = os.path.join(os.path.dirname(tree.full(path)), target)
            if not os.path.exists(full):
                where = line_of(tree.text(path), match.start())
                yield f"{path}:{where}: no such file: {target}"


def room_readmes(tree):
    """Every room has a README.md."""
    for room in tree.rooms():
        if f"src/{room}/README.md" not in tree.paths:
            yield f"src/{room}:1: no README.md"


def scripts(tree):
    """shellcheck has nothing to say, where it is installed."""
    shell = [path for path in tree.paths
             if is_text(path) and SCRIPT.match(tree.text(path)[:40])]
    if not shell or not shutil.which("shellcheck"):
        return
    result = subprocess.run(["shellcheck", "--format=gcc", *shell], cwd=tree.root,
                            stdout=subprocess.PIPE, text=True, check=False)
    yield from result.stdout.splitlines()


def generated_docs(tree):
    """The pages made from rows are as the program just built makes them."""
    fresh, kept = os.path.join(tree.made, "docs"), tree.full("docs/generated")
    names = set(os.listdir(fresh)) if os.path.isdir(fresh) else set()
    names |= set(os.listdir(kept)) if os.path.isdir(kept) else set()
    for name in sorted(names):
        page = "docs/generated/" + name
        made, here = os.path.join(fresh, name), tree.full(page)
        if not os.path.exists(made):
            yield f"{page}:1: no longer made; remove it"
        elif not os.path.exists(here) or not filecmp.cmp(made, here, shallow=False):
            yield f"{page}:1: not fresh (make docs)"


CHECKS = [forbidden_words, blanks, width, links, room_readmes, scripts, generated_docs]
