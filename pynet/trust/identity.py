"""Who a machine is: an Ed25519 key made on first start, and a certificate of its own for it."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import os
import secrets
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from pynet.errors import ConfigurationError

KEY_FILE = "identity.pem"
"""Private key and certificate, for the eyes of its owner only."""

FROM, UNTIL = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
"""The certificate is as good as the key. A Raspberry Pi without network thinks it is long ago."""

GROUP = 7
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Identity:
    """What a machine proves who it is with.

    Attributes:
        path: of the file with key and certificate.
        certificate: DER.
    """

    path: Path
    certificate: bytes

    @property
    def id(self) -> str:
        """See :func:`device_id`."""
        return device_id(self.certificate)

    def sign(self, message: bytes) -> bytes:
        """Prove that we have the key."""
        key = serialization.load_pem_private_key(self.path.read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        return key.sign(message)


@functools.lru_cache(1024)
def device_id(certificate: bytes) -> str:
    """The name that nobody else can have: 56 letters and digits in groups of 7.

    SHA-256 of the public key in base32, with a check character after each 13 (Luhn mod 32), as
    Syncthing has it: what is read out wrongly is noticed.

    Args:
        certificate: DER.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(spki).digest()).decode().rstrip("=")
    quarters = [text[start : start + 13] for start in range(0, 52, 13)]
    checked = "".join(quarter + check_character(quarter) for quarter in quarters)
    return "-".join(checked[start : start + GROUP] for start in range(0, len(checked), GROUP))


ED25519_SIGNATURE = bytes.fromhex("300506032b6570034100")
"""What stands in a certificate between what is signed and the signature: its algorithm, and the
head of a bit string of 64 bytes (RFC 8410, 3; RFC 5280, 4.1)."""


def check_certificate(certificate: bytes) -> None:
    """A certificate that another machine shows may be anything: see that it can be pinned.

    It is signed by exactly the key that it is for, so that a device id stands for one machine only.

    Args:
        certificate: DER.

    Raises:
        ConfigurationError: it is none, or not one as pynet makes them.
    """
    try:
        read = x509.load_der_x509_certificate(certificate)
        key = read.public_key()
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("its key is no Ed25519 key")
        if read.signature_algorithm_oid != SignatureAlgorithmOID.ED25519:
            raise TypeError("it is signed otherwise than by Ed25519")
        if read.public_bytes(serialization.Encoding.DER) != certificate:
            raise ValueError("something is appended to it")
        # What follows the signed part is not signed itself, and could be written in several ways.
        signed = read.tbs_certificate_bytes
        if not certificate.endswith(signed + ED25519_SIGNATURE + read.signature):
            raise ValueError("its signature is written in another way")
        key.verify(read.signature, read.tbs_certificate_bytes)
        # What cryptography can read and OpenSSL cannot would keep everybody else out as well.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    except Exception as error:  # of a dozen unrelated classes, for bytes of a stranger
        raise ConfigurationError(
            f"this is no certificate of a pynet machine ({str(error) or type(error).__name__})"
        ) from error


def check_character(text: str) -> str:
    """Luhn mod N of base32 text, from the left."""
    factor, total = 1, 0
    for letter in text:
        value = factor * LETTERS.index(letter)
        total += value // len(LETTERS) + value % len(LETTERS)
        factor = 3 - factor
    return LETTERS[-total % len(LETTERS)]


def read_device_id(text: str) -> str:
    """A device id as a person has written it: any case, with or without hyphens.

    Raises:
        ConfigurationError: it is not one, or was misread.
    """
    plain = "".join(text.upper().split()).replace("-", "")
    plain = plain.translate(str.maketrans("018", "OIB"))
    quarters = [plain[start : start + 14] for start in range(0, len(plain), 14)]
    good = len(plain) == 56 and all(letter in LETTERS for letter in plain)
    if not good or any(check_character(q[:13]) != q[13] for q in quarters):
        raise ConfigurationError(
            f"{text!r:.80} is no device id; it has 56 letters and digits, and each mistake shows. "
            "`pynet id` on the other machine prints it"
        )
    return "-".join(plain[start : start + GROUP] for start in range(0, 56, GROUP))


def load_identity(folder: Path, name: str = "") -> Identity:
    """The identity kept in a folder, made if there is none yet.

    Args:
        folder: made if need be.
        name: for the certificate of a new one, which a person may see; the machine's by default.

    Raises:
        ConfigurationError: the file cannot be read, written, or is for everybody's eyes.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(path, name or socket.gethostname())
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"the identity of this machine cannot be kept in {path}: {error.strerror}; "
            "make the folder writable, or choose another one"
        ) from error


def _make(path: Path, name: str) -> None:
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None)
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(private + certificate.public_bytes(pem))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # whoever came first has made the identity
        except FileExistsError:
            return
        except OSError:
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> Identity:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"others on this machine may read the key in {path}; `chmod 600` it. If they may have "
            "read it already, delete it and pair anew"
        )
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise ConfigurationError(
            f"{path} holds no key and certificate ({error}); delete it, and pair anew"
        ) from error
    return Identity(path, certificate.public_bytes(serialization.Encoding.DER))
