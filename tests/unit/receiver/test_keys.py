"""Files and folders -> trusted keys; every mistake is noted and the rest is read."""

from pathlib import Path

import pytest

from receiver import keys, signature
from receiver.errors import Problem
from receiver.signature import TrustedKey
from tests.openssl import KeyPair

WHERE = "KAISA_TRUSTED_KEYS"


def read(places: str, *, allow_weak: bool = False) -> tuple[tuple[TrustedKey, ...], list[Problem]]:
    problems: list[Problem] = []
    return keys.read_all(places, allow_weak=allow_weak, problems=problems), problems


def fingerprint(pair: KeyPair) -> str:
    return signature.read_pem("x", pair.public.read_bytes(), allow_weak=True)[0].fingerprint


def test_files_are_read_in_the_order_they_are_named(key_pair: KeyPair, other_key_pair: KeyPair) -> None:
    found, problems = read(f" {other_key_pair.public} ,, {key_pair.public},")
    assert [key.name for key in found] == [str(other_key_pair.public), str(key_pair.public)]
    assert [key.fingerprint for key in found] == [fingerprint(other_key_pair), fingerprint(key_pair)]
    assert problems == []


def test_of_a_folder_the_files_with_a_key_suffix_are_read(
    key_pair: KeyPair, other_key_pair: KeyPair, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    (folder / "sub.pem").mkdir(parents=True)
    (folder / "b.pem").write_bytes(key_pair.public.read_bytes())
    (folder / "a.pub").write_bytes(other_key_pair.public.read_bytes())
    key_pair.certificate(folder / "c.crt")
    other_key_pair.certificate(folder / "d.cer")
    (folder / "README.md").write_text("no key")
    found, problems = read(str(folder))
    assert [Path(key.name).name for key in found] == ["a.pub", "b.pem", "c.crt", "d.cer"]
    assert problems == []


def test_a_key_in_several_files_is_taken_once(key_pair: KeyPair, tmp_path: Path) -> None:
    (tmp_path / "again.pem").write_bytes(key_pair.public.read_bytes() * 2)
    found, problems = read(f"{key_pair.public},{tmp_path}")
    assert [key.name for key in found] == [str(key_pair.public)]
    assert problems == []


def test_a_key_and_its_certificate_stay_two_for_their_validity_differs(key_pair: KeyPair, tmp_path: Path) -> None:
    found, _ = read(f"{key_pair.public},{key_pair.certificate(tmp_path / 'kaisa.crt')}")
    assert [key.not_after is None for key in found] == [True, False]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("")
    what = f"{tmp_path} holds no file that ends in .pem, .crt, .cer, .pub"
    assert read(str(tmp_path)) == ((), [Problem(WHERE, what, "put Kaisa's public key or certificate there")])


def test_a_place_that_does_not_exist_is_a_mistake_that_says_where_was_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    what = f"kaisa.pem does not exist (looked in {tmp_path})"
    remedy = "name the file with Kaisa's public key or certificate, or its folder"
    assert read("kaisa.pem") == ((), [Problem(WHERE, what, remedy)])


def test_a_file_that_may_not_be_read_is_a_mistake(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    what = f"{key_pair.public} cannot be read: Permission denied"
    assert read(str(key_pair.public)) == ((), [Problem(WHERE, what, "let the receiver read it")])


def test_what_cannot_be_trusted_with_is_noted_and_the_rest_is_read(
    key_pair: KeyPair, weak_key_pair: KeyPair, elliptic_key_pair: KeyPair
) -> None:
    wrong = (key_pair.private, weak_key_pair.public, elliptic_key_pair.public)
    found, problems = read(",".join(map(str, (*wrong, key_pair.public))))
    assert [key.fingerprint for key in found] == [fingerprint(key_pair)]
    remedy = "name Kaisa's key file alone, or mend or remove this one"
    assert [(problem.where, problem.remedy) for problem in problems] == [(WHERE, remedy)] * 3
    assert [problem.what.partition(" holds ")[0] for problem in problems] == [str(path) for path in wrong]


def test_a_weak_key_may_be_asked_for(weak_key_pair: KeyPair) -> None:
    found, problems = read(str(weak_key_pair.public), allow_weak=True)
    assert [key.fingerprint for key in found] == [fingerprint(weak_key_pair)]
    assert problems == []
