"""Checks of C: who includes whom, what is not called, how long things are, what state hides."""

import os
import re
import shutil
import subprocess

from tree import ROOT, line_of, rows

FUNCTION_LINES = 70
FILE_LINES = 1000
LABELS = ["Model:", "Owner:", "Pointers:", "Threads:", "Failure:", "Cost:"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<][^">]*[">])', re.M)
BANNED = re.compile(r"(?<![\w.>])(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|atoi|atol"
                    r"|atoll|atof|strtok|alloca|system|popen|assert)\s*\(")
FORKS = re.compile(r"(?<![\w.>])(fork|vfork|clone|posix_spawnp?)\s*\(")
MALLOCS = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf"
                     r"|aligned_alloc|posix_memalign|memalign)\s*\(")
TYPEDEF = re.compile(r"\btypedef\s+(struct|union|enum)\b")


def read_rule():
    rule = {}
    with open(os.path.join(ROOT, "tools/include-rule.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                room, *others = line.split()
                rule[room] = set(others) | {room}
    return rule


def includes(tree):
    """Includes are "room/file.h" or <system.h>, and only of rooms the rule allows."""
    rule = read_rule()
    for path in tree.c_files("src/"):
        room = path.split("/")[1]
        if room not in rule:
            yield f"{path}:1: room {room} is not in tools/include-rule.txt"
            continue
        for match in INCLUDE.finditer(tree.text(path)):
            where = f"{path}:{line_of(tree.text(path), match.start(1))}"
            name = match[1][1:-1]
            if match[1][0] == "<":
                if os.path.exists(tree.full("src/" + name)):
                    yield f"{where}: <{name}> is ours, write \"{name}\""
            elif not re.fullmatch(r"[a-z]+/[a-z0-9_/]+\.h", name):
                yield f"{where}: \"{name}\" is not of the form \"room/file.h\""
            elif name.split("/")[0] not in rule[room]:
                yield f"{where}: {room}/ may not include {name.split('/')[0]}/"


def banned_calls(tree):
    """Calls without a bound, processes outside os/, memory outside base/memory.c, assert."""
    for path in tree.c_files("src/", "tools/", "bench/"):
        code = tree.code(path)
        patterns = [BANNED]
        if path.startswith("src/"):
            patterns += [MALLOCS] if path != "src/base/memory.c" else []
            patterns += [FORKS] if not path.startswith("src/os/") else []
        for pattern in patterns:
            for match in pattern.finditer(code):
                yield f"{path}:{line_of(code, match.start())}: {match[1]}() is not used here"


def typedefs(tree):
    """No typedef for a struct, union or enum."""
    for path in tree.c_files():
        for match in TYPEDEF.finditer(tree.code(path)):
            yield f"{path}:{line_of(tree.code(path), match.start())}: typedef {match[1]}"


def function_length(tree):
    """A function is at most 70 lines."""
    if not tree.c_files():
        return
    command = ["ctags", "-x", "--_xformat=%{input}:%{line}:%{end}:%{name}", "--kinds-C=f",
               "--languages=C", "--langmap=C:.c.h", "-L", "-"]
    listed = subprocess.run(command, cwd=tree.root, input="\n".join(tree.c_files()),
                            stdout=subprocess.PIPE, text=True, check=True)
    for row in listed.stdout.splitlines():
        path, first, last, name = row.split(":", 3)
        lines = int(last or first) - int(first) + 1
        if lines > FUNCTION_LINES:
            yield f"{path}:{first}: {name} is {lines} lines long, at most {FUNCTION_LINES}"


def file_length(tree):
    """A source file is at most 1,000 lines."""
    for path in tree.paths:
        if path.endswith((".c", ".h", ".py", ".sh")):
            lines = tree.text(path).count("\n")
            if lines > FILE_LINES:
                yield f"{path}:1: {lines} lines, at most {FILE_LINES}"


def header_labels(tree):
    """A header opens with a comment that names it and has the six labelled lines, in order."""
    for path in tree.c_files("src/"):
        if not path.endswith(".h"):
            continue
        opening = tree.text(path).partition("*/")[0]
        if not opening.startswith(f"/* {path[len('src/'):]} - "):
            yield f"{path}:1: does not open with \"/* {path[len('src/'):]} - \""
        found = re.findall(r"^ \* (\w+:)", opening, re.M)
        if [label for label in found if label in LABELS] != LABELS:
            yield f"{path}:1: lacks the lines {', '.join(LABELS)} in this order"


def mutable_globals(tree):
    """No writable data outside server/: neither globals nor function-local statics."""
    allowed = set(rows("globals.txt"))
    for path in tree.c_files("src/"):
        compiled = os.path.join(tree.made, "obj", path[:-2] + ".o")
        if not path.endswith(".c") or path.startswith("src/server/") or path in allowed:
            continue
        if not os.path.exists(compiled):
            yield f"{path}:1: not compiled, so not checked ({compiled})"
            continue
        for name in writable_symbols(compiled):
            yield f"{path}:1: '{name}' is mutable and outlives the call"


def writable_symbols(compiled):
    listed = subprocess.run(["objdump", "-t", compiled], stdout=subprocess.PIPE, text=True,
                            check=True)
    for row in listed.stdout.splitlines():
        parts = row.split()
        # value, flags, section, size, name; constants with pointers are in .data.rel.ro
        if len(parts) < 5 or parts[-1].startswith("."):
            continue
        section = parts[-3]
        if (re.match(r"\.(data|bss|tdata|tbss)\b|\*COM\*", section)
                and not section.startswith(".data.rel.ro")):
            yield parts[-1]


def formatting(tree):
    """clang-format has nothing to change; asked of version 14 alone, since versions differ."""
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout if program else ""
    if "version 14." not in version or not tree.c_files():
        return
    result = subprocess.run([program, "--dry-run", *tree.c_files()], cwd=tree.root,
                            stderr=subprocess.PIPE, text=True, check=False)
    for match in re.finditer(r"^(\S+:\d+):\d+: warning: code should be", result.stderr, re.M):
        yield f"{match[1]}: not as clang-format writes it (make format)"


def clang_warnings(tree):
    """clang warns of nothing either (the build is with gcc)."""
    if not shutil.which("clang"):
        return
    sources = [tree.full(path) for path in tree.c_files() if path.endswith(".c")]
    command = ["make", "--no-print-directory", "-s", "-C", ROOT, "CC=clang", "WERROR=1",
               "syntax", "SYNTAX=" + " ".join(sources)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if ": error:" in line]
        yield from lines or [result.stdout]


CHECKS = [includes, banned_calls, typedefs, function_length, file_length, header_labels,
          mutable_globals, formatting, clang_warnings]
