"""What must never be in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written so that this file does not hold what it looks for.
SECRETS = {
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "a private key in JSON": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\\n[A-Za-z0-9+/=]{40}",
    "a PGP private key": rb"-----BEGIN PGP PRIVATE KEY BLOCK-----\s",
    "a cloud's access key": rb"\bAKIA[0-9A-Z]{16}\b",
    "a token of a code host": rb"\b(?:ghp|gho|ghs|github_pat|glpat)[_-][A-Za-z0-9_]{20,}",
    "a URL with a password": rb"\b(?:postgres(?:ql)?|https?)://[^\s:/@'\"<>{}]+:(?!password@|secret@|s3cret@)[^\s:/@'\"<>{}]{8,}@",
}


def committed() -> list[Path]:
    """Every file that git knows, or the working copy where there is no git (a source archive)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_in_git(pattern: bytes) -> None:
    found = [str(path.relative_to(ROOT)) for path in committed() if re.search(pattern, path.read_bytes())]
    assert found == []


def test_a_key_that_were_there_would_be_found(tmp_path: Path) -> None:
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", tmp_path / "x.pem"], check=True)
    assert re.search(SECRETS["a private key"], (tmp_path / "x.pem").read_bytes())


def test_what_holds_a_key_is_ignored_by_git() -> None:
    for name in ("kaisa-signing.key", "certs/dev/kaisa-signing.key", "certs/dev/ca.pem", "kaisa-webhook.sqlite3"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False)
        assert ignored.returncode == 0, name
