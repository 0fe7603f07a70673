"""TLS for the server's commands, from the same settings as delivery."""

import ssl

from schemas.settings import ServerSettings


class TlsError(ValueError):
    """The settings name a certificate or key that can't be used."""


def context(server: ServerSettings) -> ssl.SSLContext | None:
    """None for a server without TLS. Raises TlsError."""
    if server.url is None or not server.url.startswith("https:"):
        return None
    try:
        made = ssl.create_default_context(cafile=server.ca_file)
        if server.client_certificate:
            # An empty passphrase: OpenSSL would ask for one at the terminal, and wait.
            made.load_cert_chain(server.client_certificate, server.client_key, password="")
    except (OSError, ssl.SSLError) as error:
        raise TlsError(
            f"server.ca_file or server.client_certificate can't be used: {error}"
        ) from error
    if not server.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made
