"""`sender-sim certs`: keys and certificates for development."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sender_sim import certs
from sender_sim.certs import KeysExistError

__all__ = ["mint_certs"]


@click.command("certs")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("certs/dev"))
@click.option("--force", is_flag=True, help="Replace the keys that are there.")
def mint_certs(folder: Path, *, force: bool) -> None:
    """Mint a development CA, a certificate for localhost and a signing key pair."""
    try:
        keys = certs.mint(folder, now=datetime.now(UTC), force=force)
    except KeysExistError as error:
        raise click.UsageError(f"{error}; --force replaces them") from None
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be written: {error.strerror}") from None
    click.echo(f"trust this CA in clients:       {keys.ca}")
    click.echo(f"serve TLS on localhost with:    {keys.tls_certificate}, {keys.tls_key}")
    click.echo(f"sign with (--sign):             {keys.signing_key}")
    click.echo(f"verify with KAISA_TRUSTED_KEYS: {keys.signing_certificate}")
