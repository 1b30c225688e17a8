"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from receiver import config, wire
from sender_sim import settings

ROOT = Path(__file__).resolve().parents[2]


def read(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def test_every_setting_stands_in_the_table_with_its_default_and_meaning() -> None:
    rows = [
        f"| `{each.name}` | {f'`{each.default}`' if each.default else '(empty)'} | {each.meaning} |"
        for each in config.listing()
    ]
    table = [line for line in read("docs/settings.md").splitlines() if line.startswith("| `")]
    assert table == rows


def test_every_refusal_code_stands_in_the_table() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "receiver").glob("*.py")]
    in_code = {code for source in sources for code in re.findall(r'\bcode ?= ?"([a-z0-9-]+)"', source)}
    in_table = set(re.findall(r"^\| \d{3} \| `([a-z0-9-]+)`", read("docs/refusals.md"), re.MULTILINE))
    generic = {"unreadable-body"}  # always told more exactly
    assert in_code - generic == in_table


def test_the_settings_file_shown_is_a_settings_file(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", read("docs/simulator.md"), re.DOTALL)
    file = tmp_path / "integration.toml"
    file.write_text(shown, "utf-8")
    with pytest.raises(settings.SettingsError) as error:
        settings.load(settings.read_file(file))
    # Only the key it names is not there.
    assert [problem.split(":")[0] for problem in error.value.problems] == ["signature.key"]


def test_the_contract_in_the_documents_gives_the_default_macro_and_every_field() -> None:
    contract = read("docs/contract.md")
    assert f"`{wire.DEFAULT_MACRO}`" in contract
    assert [field.name for field in wire.FIELDS if field.name not in contract] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("certs/*.md")]
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []
