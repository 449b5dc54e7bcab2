"""Figures, collected once and shown twice: Markdown for people, JSON for tools."""

import json
import sys

from harness.goals import BY_NAME, GOALS


PREFACE = """# Benchmarks

One run of `make bench`, as it was printed. What the columns mean, and how to run it, is in
[bench/README.md](../bench/README.md). Compare within the run only.

"""


def number(value):
    """Three significant digits or so, no more than a measurement has."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


class Report:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.lines = []
        self.tables = []
        self.notes = []
        self.measured = {}

    def say(self, text=""):
        self.lines.append(text)
        print(text, file=self.out, flush=True)

    def note(self, text):
        self.notes.append(text)
        self.say(f"\n{text}")

    def table(self, title, head, rows):
        self.tables.append({"title": title, "head": head, "rows": rows})
        self.say(f"\n### {title}\n")
        self.say("| " + " | ".join(head) + " |")
        self.say("|" + "---|" * len(head))
        for row in rows:
            self.say("| " + " | ".join(number(cell) for cell in row) + " |")

    def figure(self, name, value):
        """Takes the subject's value for a goal; the worst stays when there are several."""
        assert name in BY_NAME, name
        self.measured[name] = max(value, self.measured.get(name, value))

    def verdict(self, goal, quiet):
        if goal.needs_quiet and not quiet:
            return "not judged: the machine was busy"
        return "met" if self.measured[goal.name] <= goal.limit else "**missed**"

    def verdicts(self, quiet=True):
        return [[goal.text, f"{number(goal.limit)} {goal.unit}",
                 f"{self.measured[goal.name]:.4g} {goal.unit}", self.verdict(goal, quiet)]
                for goal in GOALS if goal.name in self.measured]

    def finish(self, path, about, quiet, page=None):
        rows = self.verdicts(quiet)
        judged = [row[3] for row in rows if not row[3].startswith("not")]
        if rows:
            self.table(f"Goals: {judged.count('met')} of {len(judged)} judged are met",
                       ["goal", "at most", "measured", ""], rows)
        goals = [{"name": goal.name, "text": goal.text, "limit": goal.limit, "unit": goal.unit,
                  "measured": self.measured.get(goal.name)} for goal in GOALS]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"about": about, "tables": self.tables, "notes": self.notes,
                       "goals": goals}, file, indent=1)
        if page:
            with open(page, "w", encoding="utf-8") as file:
                file.write(PREFACE + "\n".join(self.lines) + "\n")
