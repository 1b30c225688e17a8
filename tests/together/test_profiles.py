"""C7: a signature of every profile is verified by a receiver set to the same one, and refused by one that is not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from receiver import config
from receiver.app import create_app
from receiver.wire import EventType
from sender_sim.certs import DevelopmentKeys
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered
from sender_sim.core.sign import Signer
from sender_sim.transports import WsgiTransport
from tests.together.deployed import START, a_call

Profile = tuple[str, str, str]
PROFILES = list(product(("sha256", "sha384", "sha512", "sha1"), ("pkcs1v15", "pss"), ("base64", "base64url", "hex")))
DEFAULT: Profile = ("sha256", "pkcs1v15", "base64")

Post = Callable[[Profile, Profile], int]


@pytest.fixture
def post(development_keys: DevelopmentKeys, tmp_path: Path) -> Post:
    """The status of a request signed with one profile, at a receiver set to another."""

    def status(signed: Profile, expected: Profile) -> int:
        digest, padding, encoding = expected
        environ = {
            "DATABASE_URL": f"sqlite:///{tmp_path}/inbox.sqlite3",
            "KAISA_TRUSTED_KEYS": str(development_keys.signing_certificate),
            "KAISA_SIGNATURE_DIGEST": digest,
            "KAISA_SIGNATURE_PADDING": padding,
            "KAISA_SIGNATURE_ENCODING": encoding,
        }
        app = create_app(config.load(environ, now=datetime.now(UTC)))
        signer = Signer(
            development_keys.signing_key.read_bytes(), digest=signed[0], padding_scheme=signed[1], encoding=signed[2]
        )
        integration = Integration(url="https://receiver.example/webhook", signer=signer)
        request = request_for(a_call("a"), EventType.POST_CALL, integration)
        outcome = asyncio.run(WsgiTransport(app).send(Attempt("a/post-call", 1, START, request)))
        assert isinstance(outcome, Answered)
        return outcome.status

    return status


@pytest.mark.parametrize("profile", PROFILES, ids="-".join)
def test_the_same_profile_on_both_sides_is_verified(post: Post, profile: Profile) -> None:
    assert post(profile, profile) == 200


@pytest.mark.parametrize(
    "other",
    [("sha512", "pkcs1v15", "base64"), ("sha256", "pss", "base64"), ("sha256", "pkcs1v15", "hex")],
    ids="-".join,
)
def test_different_profiles_are_refused(post: Post, other: Profile) -> None:
    assert post(DEFAULT, other) == 403
    assert post(other, DEFAULT) == 403
