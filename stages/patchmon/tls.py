"""TLS: the one rule for HTTP, for the WebSocket and for a proxy that is reached over TLS."""

import ssl

from schemas.settings import ServerSettings

_OTHER_NAME = "the certificate is for another name: set server.url to the name in the certificate"
_OWN_AUTHORITY = "set server.ca_file to the certificate of the authority that signed the server's"
_ACTIONS = {
    9: "the server's certificate is not yet valid: check this host's clock",
    10: "the server's certificate has expired: renew it there",
    **dict.fromkeys((2, 18, 19, 20, 21), _OWN_AUTHORITY),
    **dict.fromkeys((62, 64), _OTHER_NAME),
}
"""What to do, by OpenSSL's code of a certificate that can't be verified (x509_vfy.h)."""
_CLIENT_CERTIFICATE = (
    "the server requires another client certificate: "
    "set server.client_certificate and server.client_key"
)
_ALERT = "_ALERT_"
"""A part of the names of OpenSSL's reasons for a handshake that the server ended."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
_NO_TLS_ACTION = "the server does not use TLS there: check the port in server.url"
CHECK_TLS = "check the server's TLS, and server.ca_file and server.client_certificate here"
CHECK_FILES = (
    "check server.ca_file, server.client_certificate and server.client_key: path, owner and mode"
)
BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The connection ended in the middle. Servers also end it so where a client certificate is missing.
"""
INTERRUPTED = "the TLS connection was interrupted"
IF_INTERRUPTED_AGAIN = (
    "if this persists: does the server require a client certificate (server.client_certificate)?"
)


class TlsError(Exception):
    """The settings name a certificate or key that can't be used."""


def context(server: ServerSettings) -> ssl.SSLContext:
    """Whom to trust and which certificate to present. Reads the files anew. Raises TlsError.

    The certificates of `server.ca_file` are trusted instead of the system's, not in addition to
    them.
    """
    try:
        made = ssl.create_default_context(cafile=server.ca_file)
        if server.client_certificate:
            # An empty passphrase: OpenSSL would ask for one at the terminal, and wait.
            made.load_cert_chain(server.client_certificate, server.client_key, password="")
    except (OSError, ssl.SSLError) as error:
        raise TlsError(
            f"a certificate or key file can't be used: {error.strerror or error}"
        ) from error
    if not server.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's reason, in lower case."""
    reason = getattr(error, "verify_message", "") or error.reason or str(error)
    return str(reason).replace("_", " ").lower()


def action(error: ssl.SSLError) -> str:
    """What to do about a handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _ACTIONS.get(error.verify_code, CHECK_TLS)
    reason = error.reason or ""
    if _ALERT in reason:
        return _CLIENT_CERTIFICATE
    if reason in _NO_TLS:
        return _NO_TLS_ACTION
    return CHECK_TLS
