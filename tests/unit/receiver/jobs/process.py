"""A worker as `receiver worker` runs it: DATABASE_URL, concurrency, retries and backoff are arguments."""

import os
import signal
import sys
import threading
from datetime import timedelta

from receiver import logs
from receiver.jobs.engine import Worker
from receiver.store.records import JobSettings
from tests.unit.receiver.jobs import handlers

if __name__ == "__main__":
    url, concurrency, retries, backoff = sys.argv[1:]
    logs.configure()
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    settings = JobSettings(int(concurrency), int(retries), timedelta(seconds=float(backoff)))
    code = Worker(url, handlers.on.background, settings).run(told, patience=timedelta(seconds=10))
    os._exit(code)
