"""The inspector and the console stand side by side on a screen: what means the same has the same colour on both."""

import re
from pathlib import Path

import pytest

import receiver.inspector
import sender_sim.console

INSPECTOR = Path(receiver.inspector.__file__).parent / "static" / "inspector.css"
CONSOLE = Path(sender_sim.console.__file__).parent / "assets" / "console.css"
# The inspector's name of a colour, and the console's.
SAME = {
    "paper": "bg",
    "sheet": "panel",
    "sunk": "raised",
    "ink": "text",
    "dim": "muted",
    "line": "line",
    "link": "accent",
    "good": "good",
    "bad": "bad",
    "wait": "wait",
}


def colours(style_sheet: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Those of light and of dark, by name."""
    light, dark = re.findall(r":root \{(.*?)\}", style_sheet.read_text("utf-8"), re.DOTALL)
    return dict(_named(light)), dict(_named(dark))


def _named(block: str) -> list[tuple[str, str]]:
    return re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_means_the_same_has_the_same_colour_on_both_pages(scheme: int) -> None:
    ours, theirs = colours(INSPECTOR)[scheme], colours(CONSOLE)[scheme]
    assert {name: ours[name] for name in SAME} == {name: theirs[other] for name, other in SAME.items()}
