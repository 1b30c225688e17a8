"""Slow connections, in short: many more of them than there are threads."""

from pathlib import Path

from tests.acceptance.deployment import Deployment, copy_out
from tests.chaos.slow import slow_clients


def test_many_more_slow_connections_than_threads_keep_nobody_waiting(tmp_path: Path, free_port: int) -> None:
    settings = {"KAISA_ACCEPT_UNSIGNED": "true", "KAISA_THREADS": "2", "KAISA_READ_TIMEOUT": "2"}
    deployment = Deployment(copy_out(tmp_path), free_port, settings)
    try:
        outcome = slow_clients(deployment.until_ready(), seed=20260301, connections=100, seconds=4)
    finally:
        deployment.stop()
    assert outcome.findings == (), str(outcome)
    assert outcome.figures["good requests answered"] > 1
    assert outcome.figures["slow connections in all"] > 100  # the first of them were cut off
    assert "Traceback" not in deployment.output
