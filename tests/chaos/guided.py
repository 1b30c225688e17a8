"""Mutated requests that are led by coverage (atheris, where it is installed): what chance alone does not find.

    python -m tests.chaos.guided FOLDER PUBLIC_KEY CORPUS -runs=N -seed=N

runs libFuzzer in a process of its own, because it ends the process it runs in.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.mutations import Corpus
from tests.chaos.outcome import Outcome
from tests.openssl import KeyPair

__all__ = ["guided"]

_TYPES = ("application/x-www-form-urlencoded", "application/json", "text/plain", "application/json; charset=utf-8")
_SEEDS = 500
_SECONDS = 180


def guided(pair: KeyPair, folder: Path, *, seed: int, requests: int) -> Outcome:
    """So many requests through the decoder, or as many as three minutes are enough for."""
    what = "mutated requests led by coverage"
    if find_spec("atheris") is None:
        return Outcome(what=f"{what}: not done, atheris is not installed", seed=seed, figures={"requests": 0})
    from tests.chaos.mutated import signing

    corpus = Corpus(Random(seed), signing(pair), signed_payloads=100)
    seeds = folder / "corpus"
    seeds.mkdir()
    for number in range(_SEEDS):
        content_type, body = corpus.request()
        first = _TYPES.index(content_type) if content_type in _TYPES else 0
        (seeds / f"{number}").write_bytes(bytes([first]) + body)
    options = [f"-runs={requests}", f"-seed={seed + 1}", f"-max_total_time={_SECONDS}", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.chaos.guided", str(pair.public), str(seeds), *options, "-rss_limit_mb=512"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=600)
    figures = {
        "requests": _last(r"stat::number_of_executed_units: (\d+)", done.stderr),
        "places reached at first": _first(r"INITED cov: (\d+)", done.stderr),
        "places reached at last": _last(r" cov: (\d+)", done.stderr),
        "MiB of memory at most": _last(r"stat::peak_rss_mb: +(\d+)", done.stderr),
    }
    findings = () if done.returncode == 0 else (done.stderr[-1500:],)
    return Outcome(what=what, seed=seed, figures=figures, findings=findings)


def _first(pattern: str, text: str) -> int:
    return int((re.findall(pattern, text) or ["0"])[0])


def _last(pattern: str, text: str) -> int:
    return int((re.findall(pattern, text) or ["0"])[-1])


def _target(public: Path) -> Callable[[bytes], None]:
    from receiver.errors import Refusal
    from receiver.store.records import Arrival
    from tests.chaos.mutated import Books, decoders
    from tests.clock import NOON

    strict, lenient = decoders(public, Books())

    def one(data: bytes) -> None:
        content_type, body = _TYPES[data[0] % len(_TYPES)] if data else "", data[1:]
        for receiver in (strict, lenient):
            try:
                receiver.receive(Arrival(content_type, body, NOON))
            except Refusal as refusal:
                if refusal.status >= 500:
                    raise RuntimeError("a refusal of 500 and more") from refusal

    return one


def _fuzz(arguments: list[str]) -> None:
    fuzzer: Any = import_module("atheris")  # it has no types, and need not be there
    public, *others = arguments
    with fuzzer.instrument_imports(include=["receiver"]):
        target = _target(Path(public))
    fuzzer.Setup([sys.argv[0], *others], target)
    fuzzer.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1:])
