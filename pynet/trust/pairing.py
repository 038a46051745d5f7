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

Without a code, because a person has written the asker's id into a file of the asked machine,
both shares are empty and the signatures alone count. They cover the certificate seen in the TLS
handshake as well, so that the asked machine notices whoever stands in between; the asker can not,
unless it was told the other id.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgpack
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from spake2 import SPAKE2_A, SPAKE2_B

from pynet.errors import ConfigurationError, PairingError
from pynet.trust.identity import Identity, check_certificate, device_id
from pynet.trust.link import read_code
from pynet.trust.peers import Peer, Role, clean_name, now
from pynet.trust.store import Placed
from pynet.trust.talk import MOST_BYTES

VERSION = 1

CLOSED = (
    "no pairing window is open there: open one on that machine by `pi-agent pair`, or "
    "`pynet pair --serve`, and try again"
)

ASKER, ASKED = b"asker", b"asked"
_CONTEXT: Final = b"pynet pairing 1"


def fingerprint(certificate: bytes) -> bytes:
    """SHA-256 of a certificate's DER."""
    return hashlib.sha256(certificate).digest()


class _Side:
    """What both sides do.

    Args:
        identity: ours.
        asked: the certificate of the asked machine that the TLS connection shows.
    """

    def __init__(self, identity: Identity, asked: bytes) -> None:
        self._identity = identity
        self._said = hashlib.sha256(_CONTEXT + fingerprint(asked))
        self._key = b""
        self._step = 0

    def _go_on(self, step: int) -> None:
        """Each message has its turn, once."""
        if self._step != step:
            raise PairingError("the other machine says things out of turn; is it a pynet?")
        self._step += 1

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
                "the other machine shows a certificate whose key it does not have, or somebody "
                "stands in between; do not trust it"
            ) from None


class Asker(_Side):
    """The machine that the code is typed into.

    Args:
        identity: ours.
        name: what the other machine is to call us.
        code: as it was typed; None if the other machine has our id in a settings file.
        seen: the certificate that the TLS connection shows, DER.

    Raises:
        ConfigurationError: it cannot be a code, or nobody can be called so.
        PairingError: what is seen is no certificate of a pynet machine.
    """

    def __init__(self, identity: Identity, name: str, code: str | None, seen: bytes) -> None:
        super().__init__(identity, seen)
        _check(seen)
        self._seen = seen
        self._name = clean_name(name)
        self._spake = (
            None
            if code is None
            else SPAKE2_A(
                read_code(code).encode(), fingerprint(identity.certificate), fingerprint(seen)
            )
        )

    def begin(self) -> bytes:
        """Message 1."""
        return self._write(
            {
                "version": VERSION,
                "name": self._name,
                "certificate": self._identity.certificate,
                "share": b"" if self._spake is None else self._spake.start(),
            }
        )

    def prove(self, message: bytes) -> bytes:
        """Message 3, to message 2.

        Raises:
            PairingError: the other machine does not want to, or sends nonsense.
        """
        self._go_on(0)
        fields = _read(message, share=bytes, nonce=bytes)
        self._note(message)
        if self._spake is not None:
            self._key = _finish(self._spake, fields["share"])
        return self._write({"proof": self._prove(ASKER), "signature": self._sign(ASKER)})

    def finish(self, message: bytes) -> tuple[Peer, Role]:
        """Who the other machine is, of message 4, and what we may do there.

        It gets no role here: that it is called does not mean that it may call.

        Raises:
            PairingError: it does not know the code, or is not who it seems to be.
        """
        self._go_on(1)
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
        return Peer(name, Role.NONE, self._seen, now(), granted=role), role


class Asked(_Side):
    """The machine that shows the code; one object for each attempt.

    Args:
        identity: ours, whose certificate the TLS connection shows.
        name: ours.
        code: shown; None if none is.
        role: what who knows the code may do here.
        expected: what a settings file says of the machine with an id.
    """

    def __init__(
        self,
        identity: Identity,
        name: str,
        code: str | None,
        role: Role,
        expected: Callable[[str], Placed | None] | None = None,
    ) -> None:
        super().__init__(identity, identity.certificate)
        self._name, self._code, self._role = clean_name(name), code, role
        self._expected = expected
        self._peer: Peer | None = None

    def answer(self, message: bytes) -> bytes:
        """Message 2, to message 1.

        Raises:
            PairingError: nonsense, another version, or we wait for nobody like that.
        """
        self._go_on(0)
        fields = _read(message, version=int, name=str, certificate=bytes, share=bytes)
        if fields["version"] != VERSION:
            raise PairingError(
                f"it pairs by version {fields['version']}, this machine by {VERSION}; install the "
                "same pynet release on both sides"
            )
        self._note(message)
        certificate = fields["certificate"]
        _check(certificate)
        if certificate == self._identity.certificate:
            raise PairingError("it is this machine itself, which needs no pairing")
        try:
            name = clean_name(fields["name"])
        except ConfigurationError as error:
            raise _torn() from error
        share = b""
        if fields["share"]:
            if self._code is None:
                raise PairingError(CLOSED)
            spake = SPAKE2_B(
                self._code.encode(),
                fingerprint(certificate),
                fingerprint(self._identity.certificate),
            )
            share = spake.start()
            self._key = _finish(spake, fields["share"])
            self._peer = Peer(name, self._role, certificate, now())
        else:
            placed = self._expected(device_id(certificate)) if self._expected else None
            if placed is None:
                raise PairingError(
                    "your id is not in the settings of this machine, or was revoked here; put it "
                    "there and start it anew, or pair with a code"
                )
            self._peer = Peer(placed.name, placed.role, certificate, now(), placed=True)
        return self._write({"share": share, "nonce": secrets.token_bytes(16)})

    def finish(self, message: bytes) -> tuple[bytes, Peer]:
        """Message 4, to message 3, and who has proved to know the code.

        Raises:
            WrongCode: it has tried another one.
            PairingError: nonsense, or a certificate without its key.
        """
        self._go_on(1)
        fields = _read(message, proof=bytes, signature=bytes)
        assert self._peer is not None
        if not hmac.compare_digest(fields["proof"], self._prove(ASKER)):
            raise WrongCode(
                "this is not the code that is shown; if it is, somebody stands in between"
            )
        self._check_signature(ASKER, self._peer.certificate, fields["signature"])
        self._note(message)
        message = msgpack.packb(
            {
                "proof": self._prove(ASKED),
                "signature": self._sign(ASKED),
                "name": self._name,
                "role": self._peer.role.word,
            }
        )
        return message, self._peer


class WrongCode(PairingError):
    """Another code than the one that is shown was tried.

    Attributes:
        left: how many codes may still be tried.
    """

    def __init__(self, message: str, left: int = 0) -> None:
        super().__init__(message)
        self.left = left


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
        raise _refused(fields)
    if not good:
        raise _torn()
    return dict(fields)


def _refused(fields: dict[str, Any]) -> PairingError:
    """Why the other machine does not go on, in its words, which may be anybody's."""
    told = fields.get("message")
    told = told[:300] if isinstance(told, str) else ""
    reason = "".join(letter for letter in told if letter.isprintable()) or "it gives no reason"
    left = fields.get("left")
    if fields["error"] == "WrongCode":
        return WrongCode(reason, left if type(left) is int and 0 <= left <= 9 else 0)
    return PairingError(reason)


def _finish(spake: Any, share: bytes) -> bytes:
    try:
        key: bytes = spake.finish(share)
    except Exception as error:  # for what is no point of the curve: of many unrelated classes
        raise _torn() from error
    return key


def _check(certificate: bytes) -> None:
    try:
        check_certificate(certificate)
    except ConfigurationError as error:
        raise PairingError(f"the other machine shows what cannot be used: {error}"[:300]) from error


def _torn() -> PairingError:
    return PairingError("the other machine sent nonsense; is it a pynet that pairs?")
