"""The scenarios that are shipped, by name, and those in files of one's own."""

from importlib import resources
from pathlib import Path
from typing import Final

from sender_sim.reading import SettingsError, near_miss
from sender_sim.scenarios import reader
from sender_sim.scenarios.model import Scenario

__all__ = ["found", "shipped"]

_SUFFIX: Final = ".toml"


def shipped() -> tuple[Scenario, ...]:
    """All that are shipped, by name."""
    folder = resources.files(__package__)
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    return tuple(reader.read(folder.joinpath(name).read_text("utf-8"), name.removesuffix(_SUFFIX)) for name in names)


def found(name: str) -> Scenario:
    """The scenario of this name, or in this file (NAME.toml). Raises SettingsError."""
    if name.endswith(_SUFFIX):
        return reader.read(_file(Path(name)), name)
    scenarios = {scenario.name: scenario for scenario in shipped()}
    if name not in scenarios:
        raise SettingsError([f"{name!r} is no scenario; {near_miss(name, scenarios)} A file of your own is NAME.toml"])
    return scenarios[name]


def _file(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path} is not TOML: {error}"]) from None
