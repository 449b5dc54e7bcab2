"""Sidekiq: a worker process does jobs from two queues, later ones and failed ones too."""

import os
import pathlib
import shutil
import subprocess

import pytest
import redis

from waiting import until

JOBS = pathlib.Path(__file__).resolve().parent / "ruby" / "sidekiq_jobs.rb"
SUM = 200 * 201 // 2 + 1_000_000


@pytest.fixture(name="worker")
def sidekiq(server, tmp_path):
    program = shutil.which("sidekiq")
    assert program, "ruby-sidekiq: tools/setup.sh test"
    environment = {**os.environ, "JOBS_URL": f"redis://127.0.0.1:{server.port}/0"}
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            ["/usr/bin/ruby", program, "-r", JOBS, "-q", "high", "-q", "low", "-c", "5"],
            stdout=log, stderr=log, cwd=tmp_path, env=environment)
    try:
        yield process, environment, tmp_path / "log"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_jobs(server, worker):
    process, environment, log = worker
    asked = subprocess.run(["/usr/bin/ruby", JOBS], stdout=subprocess.PIPE, text=True, check=False,
                           stderr=subprocess.STDOUT, env=environment, timeout=40)
    assert asked.returncode == 0, asked.stdout
    r = redis.Redis(host="127.0.0.1", port=server.port, decode_responses=True)
    until(lambda: process.poll() is not None or (
        r.get("sum") == str(SUM) and r.get("tries") == "2"), log.read_text)
    until(lambda: process.poll() is not None or r.get("stat:processed") == "203", log.read_text)
    assert process.poll() is None, log.read_text()
    assert r.get("stat:failed") == "1"
    assert r.llen("queue:low") == r.llen("queue:high") == 0
    assert r.zcard("retry") == r.zcard("schedule") == 0
