"""The way of an integration in Kaisa (C1): requested, approved, set up, active. Data flows only while it is active."""

from enum import StrEnum
from typing import Final

__all__ = ["OutOfOrder", "Stage", "Step", "after", "possible"]


class Stage(StrEnum):
    """How far an integration has come."""

    AVAILABLE = "available"
    REQUESTED = "requested"
    APPROVED = "approved"
    SET_UP = "set up"
    ACTIVE = "active"

    @property
    def has_settings(self) -> bool:
        """Whether a URL has been saved, so that a test request can be sent (C10)."""
        return self in (Stage.SET_UP, Stage.ACTIVE)


class Step(StrEnum):
    """What is done to an integration: by the customer, but for the approval."""

    REQUEST = "request"
    APPROVE = "approve"
    SAVE = "save"
    SAVE_AND_ACTIVATE = "save & activate"
    DEACTIVATE = "deactivate"


class OutOfOrder(ValueError):
    """A step that cannot be taken now; the message says which can."""


_WAY: Final = {
    (Stage.AVAILABLE, Step.REQUEST): Stage.REQUESTED,
    (Stage.REQUESTED, Step.APPROVE): Stage.APPROVED,
    (Stage.APPROVED, Step.SAVE): Stage.SET_UP,
    (Stage.APPROVED, Step.SAVE_AND_ACTIVATE): Stage.ACTIVE,
    (Stage.SET_UP, Step.SAVE): Stage.SET_UP,
    (Stage.SET_UP, Step.SAVE_AND_ACTIVATE): Stage.ACTIVE,
    (Stage.ACTIVE, Step.SAVE): Stage.ACTIVE,
    (Stage.ACTIVE, Step.SAVE_AND_ACTIVATE): Stage.ACTIVE,
    (Stage.ACTIVE, Step.DEACTIVATE): Stage.SET_UP,
}


def possible(stage: Stage) -> tuple[Step, ...]:
    """The steps that can be taken at a stage."""
    return tuple(step for at, step in _WAY if at is stage)


def after(stage: Stage, step: Step) -> Stage:
    """The stage a step leads to. Raises OutOfOrder."""
    try:
        return _WAY[stage, step]
    except KeyError:
        steps = " or ".join(f"'{each}'" for each in possible(stage))
        raise OutOfOrder(f"'{step}' is not possible: the integration is {stage}; possible is {steps}") from None
