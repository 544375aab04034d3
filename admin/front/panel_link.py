"""Joins the front server and the panel's process: a Unix socket, and a header that names the client's address.

The panel believes the header only with a token that both derive from SECRET_KEY. The front server removes what a client sends
under that name, so the panel sees the address that the client's connection came from, and nobody can claim another.
"""

import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.core.socket_path import private_socket_path
from models.errors import OperatorError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PEER_HEADER = "X-Hark-Peer"
_PEER_KEY = "HTTP_X_HARK_PEER"
_PURPOSE = b"the front server of hark"


def panel_socket(var_dir: Path) -> Path:
    """Return the socket of the panel's process. Creates its directory. Raises OperatorError if that cannot be used."""
    directory = var_dir / "panel"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        return private_socket_path(directory, "panel.sock")
    except OSError as error:
        raise OperatorError(
            "cannot keep the panel's socket in {directory}: {reason}", directory=directory, reason=error.strerror
        ) from error


def peer_token(secret_key: str) -> str:
    """Return the token that proves a request to be the front server's."""
    return hmac.digest(secret_key.encode(), _PURPOSE, "sha256").hex()


def with_peer_address(app: "WSGIApplication", secret_key: str) -> "WSGIApplication":
    """Wrap the panel's application so that REMOTE_ADDR is what the front server says. From others its header counts for nothing."""
    token = peer_token(secret_key) if secret_key else None

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        claim = environ.pop(_PEER_KEY, None)
        if claim and token:
            address, _, given = claim.partition(" ")
            if hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
                environ["REMOTE_ADDR"] = address
        return app(environ, start_response)

    return serve
