"""RAMCloud's workloads W1 to W8 (bench/load/mode_workload.c), in small, over the protocol: the peak
of what the server holds over what lives. The full size is bench/run.py --only w."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import CHECKED_BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD = ROOT / "build" / "snug-load"
LIVE = 24 << 20
# The reserve of free spans, half a span in each size class, and what the sockets and the loop hold.
CONSTANT = 1 << 20

# Peak over live payload and 20 B an object. The goal is 1.08 at full size, whatever the effort may
# be at most. Objects of kilobytes are of some hundred size classes, each with a span of up to half
# a MiB that is not full, which is much where 24 MiB live. The mover falls behind for as long as
# the machine takes the processor away, so there is some room: it is 0.98 to 1.11 here, and 1.13 to
# 1.29 with W7 and W8. A server that moves nothing has 1.6 (W7) to 2.9 (W8).
FULL_EFFORT, DEFAULT = ("25", "75"), ("1", "25")
MOST = 1.18
MANY_CLASSES, MANY_CLASSES_SHARE = ("W7", "W8"), 0.17

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


def run(start, load, name, effort):
    server = start("--activedefrag", "yes", "--active-defrag-ignore-bytes", "1mb",
                   "--active-defrag-threshold-lower", "5", "--active-defrag-cycle-min", effort[0],
                   "--active-defrag-cycle-max", effort[1])
    pid = server.process.pid
    client = server.client()
    empty = kernel_says(pid, "smaps_rollup", "Rss")
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    words = [load, "workload", "--port", str(server.port), "--workload", name, "--live-limit",
             str(LIVE), "--pipeline", "64"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["errors"] == figures["wrong"] == 0
    peak = kernel_says(pid, "status", "VmHWM") - empty
    end = kernel_says(pid, "smaps_rollup", "Rss") - empty
    told = memory(client)
    return {"peak": peak - CONSTANT, "end": end - CONSTANT, "goal": figures["peak_goal_bytes"],
            "moved": int(told["heap_moved_bytes"]) / figures["written_bytes"],
            "cpu": int(told["active_defrag_cpu_us"]) / 1e6 / figures["elapsed_s"]}


@pytest.mark.parametrize("effort", [FULL_EFFORT, DEFAULT], ids=["25/75", "1/25"])
@pytest.mark.parametrize("name", [f"W{number}" for number in range(1, 9)])
def test_peak_over_what_lives(start, load, name, effort):
    told = run(start, load, name, effort)
    most = MOST + (MANY_CLASSES_SHARE if name in MANY_CLASSES else 0)
    assert told["peak"] <= told["goal"] * most
    assert told["moved"] <= 0.25
