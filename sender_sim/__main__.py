"""`python -m sender_sim`, and the `sender-sim` command."""

import sys
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("aiohttp", "cattrs", "rich", "trustme", "yarl")


def main() -> None:
    """Run the command line; say what to install where the simulator's own packages are missing."""
    if missing := next((package for package in _NEEDED if find_spec(package) is None), None):
        sys.stderr.write(f"sender-sim needs {missing}: pip install 'kaisa-webhook-kit[sim]'\n")
        sys.exit(2)
    from sender_sim.cli import main as command

    command(prog_name="sender-sim")


if __name__ == "__main__":
    main()
