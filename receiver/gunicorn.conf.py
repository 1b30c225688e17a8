"""How gunicorn serves the receiver. Numbers that depend on the place are settings (`receiver check --list`)."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

# A platform that installs requirements.txt alone has `receiver/` as a folder, not as a package.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# gunicorn takes every name in this file that it knows for a setting, `config` among them.
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # gunicorn has no types

from receiver import logs
from receiver.build import utc_now
from receiver.config import load
from receiver.errors import ConfigurationError
from receiver.worker import DeadlineWorker

try:
    settings = load(os.environ, now=utc_now())
except ConfigurationError as error:
    sys.exit(f"receiver cannot start:\n{error}")

wsgi_app = "receiver.wsgi:app"

# Loopback unless told otherwise: `--bind 0.0.0.0:$PORT` in the Procfile, `receiver serve --host`.
bind = f"127.0.0.1:{settings.port}"

# Threads, not processes: a request mostly waits for the disk or for a handler, and SQLite wants one process. The worker
# is gunicorn's gthread, which would wait for a slow client for ever, with a deadline for handshake, headers and body.
worker_class = "receiver.worker.DeadlineWorker"
workers = settings.workers
threads = settings.threads

# A worker whose event loop gives no sign of life for this long is replaced. It does not bound a request:
# the handler's budget does.
timeout = 30

# On SIGTERM what is in hand is finished: a handler may use its whole budget, and its answer is stored after it.
graceful_timeout = int(settings.handler_budget.total_seconds()) + 10

# Longer than common proxies keep an idle connection (60 seconds): who closes first must be the one who sends, or a
# request meets a connection that is just being closed.
keepalive = 75

# Kaisa's request line and headers are short.
limit_request_line = 2048
limit_request_fields = 64
limit_request_field_size = 8190

# One JSON line for each request comes from the application.
accesslog = None
logger_class = "receiver.server_log.JsonLog"
logs.configure()

# No remote control.
control_socket_disable = True


def post_fork(server: Arbiter, worker: DeadlineWorker) -> None:  # noqa: ARG001 - gunicorn's hook
    """Tell the worker how long a client has, and how much it may send."""
    worker.read_timeout = settings.read_timeout.total_seconds()
    worker.max_body = settings.max_body


if settings.metrics_token:
    # Where each worker counts for itself; a scrape, whichever worker it meets, adds all of them up. A folder apart,
    # inside the one that is named, if one is: it begins empty and is removed at the end.
    own = "kaisa-receiver-metrics-"
    figures = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not figures or not Path(figures).name.startswith(own):  # on a reload this file is read again: they stay
        if figures:
            Path(figures).mkdir(parents=True, exist_ok=True)
        figures = tempfile.mkdtemp(prefix=own, dir=figures or None)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures

    def on_exit(server: Arbiter) -> None:  # noqa: ARG001 - gunicorn's hook
        """Leave nothing behind."""
        shutil.rmtree(figures, ignore_errors=True)


if settings.tls_cert and settings.tls_key:
    certfile = str(settings.tls_cert)
    keyfile = str(settings.tls_key)
