"""docs/performance.md has a row for each benchmark, in order, and no row of another."""

from tests.benchmarks.__main__ import FIGURES
from tests.benchmarks.document import DOCUMENT, row, with_table
from tests.benchmarks.figure import Figure, Measured

FIGURE = Figure(name="a thing / another", measure=lambda _: Measured(1.5), at_most=1.5)


def test_every_benchmark_has_its_row() -> None:
    lines = DOCUMENT.read_text("utf-8").splitlines()
    head, end = lines.index("|---|---|---|---|---|"), lines.index("<!-- to here -->")
    rows = [line.split(" | ") for line in lines[head + 1 : end] if line]
    assert [(name.removeprefix("| "), goal) for name, goal, *_ in rows] == [(each.name, each.goal) for each in FIGURES]


def test_a_goal_is_reached_up_to_its_limit_and_not_beyond() -> None:
    assert (
        row(FIGURE, Measured(1.5, "3 and 2 ms")) == "| a thing / another | at most 1.50x | 1.50x | yes | 3 and 2 ms |"
    )
    assert "| **no** |" in row(FIGURE, Measured(1.51))
    faster = Figure(name="a", measure=lambda _: Measured(1), at_least=2)
    assert (faster.goal, faster.verdict(Measured(2)), faster.verdict(Measured(1.9))) == (
        "at least 2.00x",
        "yes",
        "**no**",
    )
    assert Figure(name="a", measure=lambda _: Measured(1)).goal == ""


def test_a_new_table_replaces_the_old_one_and_leaves_the_words_around_it() -> None:
    text = "before\n<!-- make bench writes from here -->\nold\n<!-- to here -->\nafter\n"
    once = with_table(text, "here\n", ["| one |"])
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert with_table(once, "here\n", ["| one |"]) == once
