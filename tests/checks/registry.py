"""What is known of a defect: how it is examined, which check is meant for it, and which others cannot but see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from receiver import wire
from tests.checks.endpoint import Endpoint
from tests.checks.servers import Serve

E = TypeVar("E", bound=type[Endpoint])


@dataclass(frozen=True, kw_only=True)
class Defect:
    """`serve` None: the endpoint is called in this process.

    `strangers_key`: it trusts another key than requests are signed with. `cause` is what the finding says of it.
    """

    what: str
    endpoint: type[Endpoint]
    meant: tuple[str, ...]
    also: tuple[str, ...] = ()
    because: str = ""
    serve: Serve | None = None
    signed: bool = False
    strangers_key: bool = False
    encoding: str = wire.FORM
    macro: str = wire.DEFAULT_MACRO
    timeout: float = 20.0
    cause: str = ""


DEFECTS: list[Defect] = []


def defect(what: str, *meant: str, **facts: Any) -> Callable[[E], E]:
    """Register an endpoint that has a defect; `facts` are those of Defect."""

    def register(endpoint: E) -> E:
        DEFECTS.append(Defect(what=what, endpoint=endpoint, meant=meant, **facts))
        return endpoint

    return register
