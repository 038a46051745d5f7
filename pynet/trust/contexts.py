"""TLS 1.3 between machines that know each other's certificates: no authority, no host names."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from pynet.errors import ConfigurationError
from pynet.io.tls import PROTOCOL
from pynet.trust.identity import Identity


def server_context(identity: Identity, certificates: Iterable[bytes]) -> ssl.SSLContext:
    """For whoever is called: only who has one of these certificates, and its key, gets through.

    Certificates cannot be taken out of a context: who is revoked needs a new one.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity)
    # A ticket would be a second way in, and is sent when nobody reads.
    context.num_tickets = 0
    _pin(context, certificates)
    return context


def client_context(identity: Identity, certificates: Iterable[bytes]) -> ssl.SSLContext:
    """For whoever calls: only machines with these certificates are taken for the right one."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, identity)
    _pin(context, certificates)
    return context


def stranger_context(identity: Identity, *, server: bool) -> ssl.SSLContext:
    """For pairing: encrypted, but with whom is still to be proved."""
    purpose = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    context = _context(purpose, identity)
    context.verify_mode = ssl.CERT_NONE
    return context


def _context(purpose: int, identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.set_alpn_protocols([PROTOCOL])
    try:
        context.load_cert_chain(identity.path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"the identity in {identity.path} cannot be used: {error}"
        ) from error
    return context


def _pin(context: ssl.SSLContext, certificates: Iterable[bytes]) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    # The certificate itself is what is trusted, not who has signed it.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    together = b"".join(certificates)
    if together:
        context.load_verify_locations(cadata=together)
