"""The jobs of test_celery.py, as a worker of Celery loads them."""

import os

from celery import Celery

app = Celery("jobs", broker=os.environ["JOBS_URL"] + "/0", backend=os.environ["JOBS_URL"] + "/1")
app.conf.broker_transport_options = {"visibility_timeout": 60}
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(x, y):
    return x + y


@app.task(bind=True, max_retries=5)
def stubborn(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def fail():
    raise ValueError("never")


@app.task
def total(numbers):
    return sum(numbers)
