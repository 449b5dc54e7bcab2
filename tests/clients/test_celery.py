"""Celery with a worker process: broker and results in one server."""

import gc
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("celery", reason="python3-celery: tools/setup.sh test")

HERE = pathlib.Path(__file__).resolve().parent
RESULT_SECONDS = 40


@pytest.fixture(name="jobs", scope="module")
def worker(module_server, tmp_path_factory):
    """The module of the jobs, with a worker that has said it is ready."""
    os.environ["JOBS_URL"] = f"redis://127.0.0.1:{module_server.port}"
    import celery_jobs  # the URL must be known when it is imported
    directory = tmp_path_factory.mktemp("celery")
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_jobs", "worker", "--concurrency=2",
             "--loglevel=INFO", "--pool=threads"], stdout=log, stderr=log, cwd=directory,
            env=environment)
    try:
        replies = None
        for _ in range(60):
            replies = celery_jobs.app.control.ping(timeout=0.5, limit=1)
            if replies or process.poll() is not None:
                break
        assert replies, (directory / "log").read_text()
        yield celery_jobs
        gc.collect()  # results unsubscribe when they go, which needs the server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        celery_jobs.app.close()


def test_a_hundred_jobs(jobs):
    results = [jobs.add.delay(i, 1) for i in range(100)]
    assert [result.get(timeout=RESULT_SECONDS) for result in results] == list(range(1, 101))


def test_retried_and_failed(jobs):
    assert jobs.stubborn.delay().get(timeout=RESULT_SECONDS) == 2
    with pytest.raises(ValueError, match="never"):
        jobs.fail.delay().get(timeout=RESULT_SECONDS)


def test_chains_groups_and_chords(jobs):
    from celery import chain, chord, group
    assert chain(jobs.add.s(1, 2), jobs.add.s(10))().get(timeout=RESULT_SECONDS) == 13
    assert group(jobs.add.s(i, i) for i in range(5))().get(timeout=RESULT_SECONDS) == [
        0, 2, 4, 6, 8]
    assert chord((jobs.add.s(i, 1) for i in range(10)), jobs.total.s())().get(
        timeout=RESULT_SECONDS) == 55


def test_later_and_by_priority(jobs):
    assert jobs.add.apply_async((3, 4), countdown=0.2).get(timeout=RESULT_SECONDS) == 7
    results = [jobs.add.apply_async((i, 0), priority=i) for i in range(10)]
    assert [result.get(timeout=RESULT_SECONDS) for result in results] == list(range(10))


def test_control_reaches_the_worker(jobs):
    [(_, registered)] = jobs.app.control.inspect(timeout=10, limit=1).registered().items()
    assert "celery_jobs.add" in registered
