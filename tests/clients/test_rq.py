"""RQ: jobs done by its workers, in this process and in one of its own."""

import datetime
import os
import pathlib
import subprocess
import sys

import pytest
import redis

pytest.importorskip("rq", reason="python3-rq: tools/setup.sh test")
from rq import Queue, Retry, SimpleWorker, Worker  # noqa: E402
from rq.job import Job  # noqa: E402
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry  # noqa: E402

import rq_jobs  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(name="connection")
def connected(server):
    with redis.Redis(host="127.0.0.1", port=server.port) as connection:
        yield connection


def work(connection, *queues):
    SimpleWorker(queues, connection=connection).work(burst=True, logging_level="ERROR")


def test_jobs_in_order_of_their_queues(connection):
    high, low = Queue("high", connection=connection), Queue("low", connection=connection)
    jobs = [queue.enqueue(rq_jobs.double, i) for i, queue in enumerate([low, high] * 10)]
    work(connection, high, low)
    assert [job.return_value() for job in jobs] == [2 * i for i in range(20)]
    for job in jobs:
        job.refresh()
    assert max(job.ended_at for job in jobs[1::2]) <= min(job.started_at for job in jobs[::2])
    assert len(FinishedJobRegistry(queue=high)) == 10 and high.count == low.count == 0


def test_failed_and_tried_again(connection, tmp_path):
    queue = Queue("q", connection=connection)
    failed = queue.enqueue(rq_jobs.fail)
    stubborn = queue.enqueue(rq_jobs.stubborn, str(tmp_path / "tries"), retry=Retry(max=3))
    work(connection, queue)
    assert failed.get_status() == "failed" and "never" in failed.latest_result().exc_string
    assert failed.id in FailedJobRegistry(queue=queue)
    assert stubborn.return_value() == 2


def test_a_job_waits_for_another(connection):
    queue = Queue("q", connection=connection)
    first = Job.create(rq_jobs.double, (1,), connection=connection)
    first.save()
    second = queue.enqueue(rq_jobs.double, 2, depends_on=first)
    assert second.get_status() == "deferred"
    queue.enqueue_job(first)
    work(connection, queue)
    first.refresh()
    second.refresh()
    assert second.return_value() == 4 and second.started_at >= first.ended_at


def test_many_at_once_in_a_transaction(connection):
    queue = Queue("q", connection=connection)
    with connection.pipeline() as pipeline:
        jobs = queue.enqueue_many([Queue.prepare_data(rq_jobs.double, (i,)) for i in range(50)],
                                  pipeline=pipeline)
        assert queue.count == 0
        pipeline.execute()
    assert queue.count == 50
    work(connection, queue)
    assert [job.return_value() for job in jobs] == [2 * i for i in range(50)]


def test_a_worker_of_its_own_with_a_scheduler(connection, server):
    queue = Queue("q", connection=connection)
    soon = queue.enqueue_in(datetime.timedelta(milliseconds=1), rq_jobs.double, 21)
    assert soon.id in ScheduledJobRegistry(queue=queue)
    jobs = [queue.enqueue(rq_jobs.double, i) for i in range(3)]
    done = subprocess.run(
        [sys.executable, "-m", "rq.cli", "worker", "--burst", "--with-scheduler", "--url",
         f"redis://127.0.0.1:{server.port}", "q"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout
    assert [job.return_value() for job in jobs] == [0, 2, 4], done.stdout
    assert soon.return_value() == 42, done.stdout
    assert not Worker.all(connection=connection)
