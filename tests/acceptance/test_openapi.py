"""The document that `receiver openapi` prints, held against the receiver as it is deployed, over real connections."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given

from tests.acceptance.deployment import Deployment, copy_out
from tests.unit.receiver.test_openapi import BOUNDED, CHECKS


@pytest.fixture
def deployment(tmp_path: Path, free_port: int) -> Iterator[Deployment]:
    deployed = Deployment(copy_out(tmp_path), free_port, {"KAISA_ACCEPT_UNSIGNED": "true"}).until_ready()
    yield deployed
    deployed.stop()


def printed(deployment: Deployment) -> dict[str, Any]:
    command = [sys.executable, "-m", "receiver", "openapi"]
    environ = deployment.environment()
    done = subprocess.run(command, cwd=deployment.folder, env=environ, capture_output=True, check=True, timeout=60)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_running_receiver_answers_as_its_document_says(deployment: Deployment) -> None:
    operation: Any = schemathesis.openapi.from_dict(printed(deployment))["/webhook"]["POST"]
    seen = set()

    @BOUNDED
    @given(case=operation.as_strategy())
    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=f"http://127.0.0.1:{deployment.port}")
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    check()
    assert 200 in seen
    assert "Traceback" not in deployment.output
