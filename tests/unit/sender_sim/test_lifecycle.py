"""C1: an integration is requested, approved, set up and activated, in this order."""

import pytest

from sender_sim.core.lifecycle import OutOfOrder, Stage, Step, after, possible

# One row for each stage: what each step leads to; a dash where it cannot be taken.
TABLE = """
               request    approve    save       save & activate  deactivate
    available  requested  -          -          -                -
    requested  -          approved   -          -                -
    approved   -          -          set up     active           -
    set up     -          -          set up     active           -
    active     -          -          active     active           set up
"""
STAGES = tuple(Stage)
ROWS = [line[15:].rstrip() for line in TABLE.strip("\n").splitlines()[1:]]
COLUMNS = (0, 11, 22, 33, 50)
CELLS = [
    (stage, step, row[begin:end].strip())
    for stage, row in zip(STAGES, ROWS, strict=True)
    for step, begin, end in zip(Step, COLUMNS, (*COLUMNS[1:], None), strict=True)
]


@pytest.mark.parametrize(("stage", "step", "expected"), CELLS)
def test_a_step_leads_to_the_next_stage_or_cannot_be_taken(stage: Stage, step: Step, expected: str) -> None:
    if expected == "-":
        with pytest.raises(OutOfOrder, match=f"^'{step}' is not possible: the integration is {stage}; possible is '"):
            after(stage, step)
        assert step not in possible(stage)
    else:
        assert after(stage, step) == expected
        assert step in possible(stage)


def test_there_are_settings_once_they_were_saved() -> None:
    assert [stage for stage in Stage if stage.has_settings] == [Stage.SET_UP, Stage.ACTIVE]


def test_the_error_names_every_step_that_can_be_taken() -> None:
    with pytest.raises(OutOfOrder, match=r"possible is 'save' or 'save & activate'$"):
        after(Stage.APPROVED, Step.DEACTIVATE)
