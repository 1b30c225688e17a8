"""`python -m sender_sim`, and the `sender-sim` command."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; say what to install where the simulator's own packages are missing."""
    try:
        from sender_sim.cli import main as command
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("aiohttp", "rich", "trustme", "yarl"):
            raise
        sys.stderr.write(f"sender-sim needs {package}: pip install 'kaisa-webhook-kit[sim]'\n")
        sys.exit(2)
    command(prog_name="sender-sim")


if __name__ == "__main__":
    main()
