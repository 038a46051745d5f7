"""Two machines become acquainted by a code that one shows and a person types into the other. Pure.

SPAKE2 (RFC 9382) makes a key of the code that neither who listens nor who stands in between
learns anything of; whoever tries a code has tried one of a hundred million. Both certificates'
fingerprints are part of it: of the asked machine's, the one *seen in the TLS handshake*, so that
somebody in between, who has to show another one, ends with another key. The asker proves first
that it knows the code, and each signs all that was said with the key of its certificate.

====  ======  =======================================================================
step  from    fields
====  ======  =======================================================================
1     asker   ``version``, ``name``, ``certificate``, ``share``
2     asked   ``share``, ``nonce``
3     asker   ``proof``, ``signature``
4     asked   ``proof``, ``signature``, ``name``, ``role``
any   asked   ``error``, ``message``, ``left``: instead, and then it hangs up
====  ======  =======================================================================
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

import msgpack
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError

from pynet.errors import ConfigurationError, PairingError
from pynet.trust.identity import Identity
from pynet.trust.peers import Peer, Role, clean_name, now

VERSION = 1
DIGITS = 8
MOST_BYTES = 4096
"""Of one message."""

WINDOW = 300.0
"""Seconds for which a code is good."""

STRIKES = 3
"""Wrong codes after which it no longer is."""

ASKER, ASKED = b"asker", b"asked"
_CONTEXT: Final = b"pynet pairing 1"


def new_code() -> str:
    """Eight digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def read_code(text: str) -> str:
    """A code as a person has typed it, with spaces or hyphens or without.

    Raises:
        ConfigurationError: it cannot be one.
    """
    digits = "".join(letter for letter in text if letter not in " -\t")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise ConfigurationError(f"a pairing code has {DIGITS} digits, such as 1234 5678")
    return digits


def fingerprint(certificate: bytes) -> bytes:
    """SHA-256 of a certificate's DER."""
    return hashlib.sha256(certificate).digest()


class _Side:
    """What both sides do."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._said = hashlib.sha256(_CONTEXT)
        self._key = b""

    def _write(self, fields: dict[str, Any]) -> bytes:
        message: bytes = msgpack.packb(fields)
        self._note(message)
        return message

    def _note(self, message: bytes) -> None:
        self._said.update(len(message).to_bytes(4, "big") + message)

    def _prove(self, side: bytes) -> bytes:
        return hmac.digest(self._key, side + self._said.digest(), "sha256")

    def _sign(self, side: bytes) -> bytes:
        return self._identity.sign(_CONTEXT + side + self._said.digest())

    def _check_signature(self, side: bytes, certificate: bytes, signature: bytes) -> None:
        key = x509.load_der_x509_certificate(certificate).public_key()
        if not isinstance(key, Ed25519PublicKey):
            raise PairingError("the other machine's key is of a kind that is not known here")
        try:
            key.verify(signature, _CONTEXT + side + self._said.digest())
        except InvalidSignature:
            raise PairingError(
                "the other machine shows a certificate whose key it does not have; do not trust it"
            ) from None


class Asker(_Side):
    """The machine that the code is typed into.

    Args:
        identity: ours.
        name: what the other machine is to call us.
        code: as it was typed.
        seen: the certificate that the TLS connection shows, DER.

    Raises:
        ConfigurationError: it cannot be a code.
    """

    def __init__(self, identity: Identity, name: str, code: str, seen: bytes) -> None:
        super().__init__(identity)
        self._seen = seen
        self._name = name
        self._spake = SPAKE2_A(
            read_code(code).encode(), fingerprint(identity.certificate), fingerprint(seen)
        )

    def begin(self) -> bytes:
        """Message 1."""
        return self._write(
            {
                "version": VERSION,
                "name": self._name,
                "certificate": self._identity.certificate,
                "share": self._spake.start(),
            }
        )

    def prove(self, message: bytes) -> bytes:
        """Message 3, to message 2.

        Raises:
            PairingError: the other machine does not want to, or sends nonsense.
        """
        fields = _read(message, share=bytes, nonce=bytes)
        self._note(message)
        try:
            self._key = self._spake.finish(fields["share"])
        except (SPAKEError, ValueError, AssertionError) as error:
            raise _torn() from error
        return self._write({"proof": self._prove(ASKER), "signature": self._sign(ASKER)})

    def finish(self, message: bytes) -> tuple[Peer, Role]:
        """Who the other machine is, of message 4, and what we may do there.

        Raises:
            PairingError: it does not know the code, or is not who it seems to be.
        """
        fields = _read(message, proof=bytes, signature=bytes, name=str, role=str)
        if not hmac.compare_digest(fields["proof"], self._prove(ASKED)):
            raise PairingError(
                "the other machine does not know the code: somebody stands in between, "
                "or it is another machine; do not trust it"
            )
        self._check_signature(ASKED, self._seen, fields["signature"])
        try:
            name, role = clean_name(fields["name"]), Role.of(fields["role"])
        except ConfigurationError as error:
            raise _torn() from error
        return Peer(name, Role.OWNER, self._seen, now()), role


class Asked(_Side):
    """The machine that shows the code; one object for each attempt.

    Args:
        identity: ours, whose certificate the TLS connection shows.
        name: ours.
        code: shown.
        role: what the new peer may do here.
    """

    def __init__(self, identity: Identity, name: str, code: str, role: Role) -> None:
        super().__init__(identity)
        self._name, self._code, self._role = name, code, role
        self._peer: Peer | None = None

    def answer(self, message: bytes) -> bytes:
        """Message 2, to message 1.

        Raises:
            PairingError: nonsense, or another version.
        """
        fields = _read(message, version=int, name=str, certificate=bytes, share=bytes)
        if fields["version"] != VERSION:
            raise PairingError(
                f"it pairs by version {fields['version']}, this machine by {VERSION}; install the "
                "same pynet release on both sides"
            )
        self._note(message)
        certificate = fields["certificate"]
        try:
            x509.load_der_x509_certificate(certificate)
            self._peer = Peer(clean_name(fields["name"]), self._role, certificate, now())
            spake = SPAKE2_B(
                self._code.encode(),
                fingerprint(certificate),
                fingerprint(self._identity.certificate),
            )
            share = spake.start()
            self._key = spake.finish(fields["share"])
        except (SPAKEError, ValueError, AssertionError) as error:
            raise _torn() from error
        return self._write({"share": share, "nonce": secrets.token_bytes(16)})

    def finish(self, message: bytes) -> tuple[bytes, Peer]:
        """Message 4, to message 3, and who has proved to know the code.

        Raises:
            WrongCode: it has tried another one.
            PairingError: nonsense, or a certificate without its key.
        """
        fields = _read(message, proof=bytes, signature=bytes)
        assert self._peer is not None
        if not hmac.compare_digest(fields["proof"], self._prove(ASKER)):
            raise WrongCode("this is not the code that is shown")
        self._check_signature(ASKER, self._peer.certificate, fields["signature"])
        self._note(message)
        message = msgpack.packb(
            {
                "proof": self._prove(ASKED),
                "signature": self._sign(ASKED),
                "name": self._name,
                "role": self._role.word,
            }
        )
        return message, self._peer


class WrongCode(PairingError):
    """Another code than the one that is shown was tried."""


def refusal(error: PairingError, left: int) -> bytes:
    """What the asked machine says instead of going on.

    Args:
        error: why.
        left: how many codes may still be tried.
    """
    message: bytes = msgpack.packb(
        {"error": type(error).__name__, "message": str(error), "left": left}
    )
    return message


def _read(message: bytes, **kinds: type) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(message[:MOST_BYTES])
        refused = fields.get("error")
        good = refused is not None or all(type(fields[k]) is kind for k, kind in kinds.items())
    except Exception as error:  # msgpack raises half a dozen unrelated classes
        raise _torn() from error
    if refused is not None:
        kind = WrongCode if refused == "WrongCode" else PairingError
        raise kind(str(fields.get("message", "it refused without a reason"))[:200])
    if not good:
        raise _torn()
    return dict(fields)


def _torn() -> PairingError:
    return PairingError("the other machine sent nonsense; is it a pynet that pairs?")
