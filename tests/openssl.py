"""Keys, certificates and signatures by the `openssl` command: an oracle that shares no code with this repository."""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path


def run(*arguments: str | Path, data: bytes = b"") -> bytes:
    """What `openssl` prints; its own words if it fails."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True)
class KeyPair:
    """The PEM files of one key."""

    private: Path
    public: Path

    def sign(self, payload: bytes, *, digest: str = "sha256", padding: str = "pkcs1v15") -> bytes:
        """The signature's bytes."""
        options = ["-sigopt", "rsa_padding_mode:pss"] if padding == "pss" else []
        return run("dgst", f"-{digest}", *options, "-sign", self.private, data=payload)

    def sign_base64(self, payload: bytes) -> str:
        """The signature as the default profile sends it."""
        return base64.b64encode(self.sign(payload)).decode()

    def certificate(self, path: Path, *, days: int = 1, subject: str = "/CN=localhost") -> Path:
        """A self-signed X.509 certificate, valid from now on."""
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        run("req", "-x509", "-new", "-key", self.private, "-days", str(days), "-subj", subject, *names, "-out", path)
        return path


def rsa(folder: Path, name: str, *, bits: int = 2048) -> KeyPair:
    """A new RSA key."""
    return _pair(folder, name, "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


def elliptic(folder: Path, name: str) -> KeyPair:
    """A new key that is not RSA."""
    return _pair(folder, name, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def _pair(folder: Path, name: str, *options: str) -> KeyPair:
    pair = KeyPair(folder / f"{name}-private.pem", folder / f"{name}-public.pem")
    run("genpkey", "-quiet", *options, "-out", pair.private)
    run("pkey", "-in", pair.private, "-pubout", "-out", pair.public)
    return pair
