"""RAMCloud's workloads W1 to W8 (bench/load/mode_workload.c), in small, over the protocol: what the
server holds over what lives, at its peak and at rest. The full size is bench/run.py --only w."""

import json
import os
import pathlib
import subprocess
import time

import pytest

from conftest import CHECKED_BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD = ROOT / "build" / "snug-load"
LIVE = 24 << 20
# The reserve of free spans, half a span in each size class, and what the sockets and the loop hold.
CONSTANT = 1 << 20

# Over live payload and 20 B an object. The goal is 1.08 at full size, whatever the effort may be at
# most. Objects of kilobytes are of some hundred size classes, each with a span of up to half a MiB
# that is not full, which is much where 24 MiB live.
#
# The mover falls behind for as long as the machine takes the processor away, so there is some room
# for the peak, and the least of three runs counts: it is 0.98 to 1.11 here, and 1.13 to 1.29 with
# W7 and W8. A server that moves nothing has 1.6 (W7) to 2.9 (W8).
MOST, ATTEMPTS = 1.18, 3
MANY_CLASSES, MANY_CLASSES_SHARE = ("W7", "W8"), 0.17
# At rest, when the mover has done what it can: under the goal, since it begins at 5 %. These bytes
# repeat to some hundredths.
REST, REST_OF = 1.08, {"W7": 1.12, "W8": 1.40}

pytestmark = [pytest.mark.alone,
              pytest.mark.skipif(CHECKED_BUILD, reason="bytes are those of the plain build"),
              pytest.mark.skipif(os.cpu_count() < 2, reason="server and load take a core each")]


@pytest.fixture(name="load", scope="module")
def load_fixture():
    if not LOAD.exists():
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")
                 and name not in ("MFLAGS", "MOVE_ALL", "SANITIZE", "FUZZ")}
        subprocess.run(["make", "-s", "-C", str(ROOT), "build/snug-load"], check=True, env=plain)
    return LOAD


def kernel_says(pid, file, field):
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{file} has no {field}")


def memory(client):
    text = client.call("INFO", "memory").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def come_to_rest(client):
    """The mover has stopped, and pages that were kept for reuse have gone back."""
    quiet = 0
    deadline = time.monotonic() + 30
    while quiet < 10:
        assert time.monotonic() < deadline, "it always ends"
        quiet = quiet + 1 if memory(client)["active_defrag_running"] == "0" else 0
        time.sleep(0.1)


def run(start, load, name, effort):
    server = start("--activedefrag", "yes", "--active-defrag-ignore-bytes", "1mb",
                   "--active-defrag-threshold-lower", "5", "--active-defrag-cycle-min", effort[0],
                   "--active-defrag-cycle-max", effort[1])
    pid = server.process.pid
    client = server.client()
    empty = kernel_says(pid, "smaps_rollup", "Rss") + CONSTANT
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    words = [load, "workload", "--port", str(server.port), "--workload", name, "--live-limit",
             str(LIVE), "--pipeline", "64"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["errors"] == figures["wrong"] == 0
    peak = kernel_says(pid, "status", "VmHWM") - empty
    come_to_rest(client)
    rest = kernel_says(pid, "smaps_rollup", "Rss") - empty
    assert int(memory(client)["heap_moved_bytes"]) <= figures["written_bytes"] * 0.25
    assert rest <= REST_OF.get(name, REST) * (figures["live_bytes"] + 20 * figures["live_objects"])
    return peak / figures["peak_goal_bytes"]


@pytest.mark.parametrize("effort", [("25", "75"), ("1", "25")], ids="/".join)
@pytest.mark.parametrize("name", [f"W{number}" for number in range(1, 9)])
def test_peak_over_what_lives(start, load, name, effort):
    most = MOST + (MANY_CLASSES_SHARE if name in MANY_CLASSES else 0)
    peaks = []
    while not peaks or (min(peaks) > most and len(peaks) < ATTEMPTS):
        peaks.append(run(start, load, name, effort))
    assert min(peaks) <= most, peaks
