"""The table in docs/resilience.md."""

from tests.chaos.outcome import Outcome
from tests.chaos.table import PAGE, replaced

PAGE_OF_TWO = "# Hard\n\n| one | 1 kills | nothing |\n| two | 2 kills | nothing |\n"


def test_an_experiment_that_was_done_again_replaces_its_row_and_no_other() -> None:
    again = Outcome(what="two", seed=1, figures={"kills": 3000, "seconds": 1.5}, findings=("lost", "twice"))
    assert replaced(PAGE_OF_TWO, again) == (
        "# Hard\n\n| one | 1 kills | nothing |\n| two | 3,000 kills, 1.5 seconds | lost; twice |\n"
    )


def test_nothing_was_wrong_in_the_table_as_it_stands() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 11
    assert [row for row in rows if not row.endswith("| nothing |")] == []
