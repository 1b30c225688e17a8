"""Writes what the documents say of the checks: their catalogue, and which defects they find.

`make checks-docs` (or `python -m tests.checks.table`) writes both; tests compare them.
"""

from collections.abc import Iterator
from pathlib import Path

from sender_sim.checks.catalogue import CHECKS, GROUPS
from tests.checks.defects import DEFECTS

DOCS = Path(__file__).parents[2] / "docs"
CATALOGUE = DOCS / "checks.md"
TABLE = DOCS / "checks-table.md"
BEGIN = "<!-- made by `make checks-docs` -->"

_HEAD = """\
# What the checks find

Endpoints that have one defect each, and the checks that say so. The tests examine each of them with all checks, and
fail where another check is broken than those named here, or one of these is not. Beside the checks meant for a defect
stand those that cannot but see it, and why. An endpoint without a defect keeps all checks, in both encodings, signed
and not, in process, over HTTP and over HTTPS; so does this kit's receiver. The endpoints are in
[`tests/checks/defects`](../tests/checks/defects).

`make checks-docs` writes this page.

| an endpoint that | is found by | and cannot but be seen by |
|---|---|---|
"""


def catalogue() -> str:
    """The checks, group by group."""
    return "\n".join(_catalogue())


def table() -> str:
    """The page with the defects."""
    order = [check.id for check in CHECKS]
    rows = "\n".join(
        f"| {defect.what} | {_names(defect.meant)} | {_names(defect.also)}{': ' if defect.also else ''}"
        f"{defect.because} |"
        for defect in sorted(DEFECTS, key=lambda defect: order.index(defect.meant[0]))
    )
    found = {check for defect in DEFECTS for check in defect.meant}
    return f"{_HEAD}{rows}\n\n{len(DEFECTS)} defects, {len(found)} of {len(CHECKS)} checks.\n"


def with_catalogue(page: str) -> str:
    """The page, with the catalogue as it is now below its mark."""
    head, mark, _ = page.partition(BEGIN)
    return f"{head}{mark}\n\n{catalogue()}"


def _catalogue() -> Iterator[str]:
    for group in GROUPS:
        yield f"### {group.title} (`{group.name}`)\n"
        yield "| id | | rule | what is expected |"
        yield "|---|---|---|---|"
        for check in group.checks:
            yield f"| `{check.id}` | {check.severity} | {check.rule} | {check.expected} |"
        yield ""


def _names(checks: tuple[str, ...]) -> str:
    return ", ".join(f"`{check}`" for check in checks)


if __name__ == "__main__":
    CATALOGUE.write_text(with_catalogue(CATALOGUE.read_text("utf-8")), "utf-8")
    TABLE.write_text(table(), "utf-8")
