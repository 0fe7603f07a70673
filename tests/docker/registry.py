"""A registry on this host's loopback, which Docker takes without TLS; and one that takes
connections and hangs.

Source: the read side of the OCI distribution API.
"""

import contextlib
import gzip
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.docker.engine import ENTRYPOINT, layer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Registry:
    """`bench` at any tag, and at its digest."""

    port: int
    digest: str
    requests: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}/bench"


@contextlib.contextmanager
def a_registry(mode: str) -> Iterator[Registry]:
    manifest, blobs = _image(mode)
    digest = _digest(manifest)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reference = self.path.rpartition("/")[2]
            if "/manifests/" in self.path:
                registry.requests += 1
                self._send(manifest, _MANIFEST, digest)
            elif reference in blobs:
                self._send(blobs[reference], "application/octet-stream", reference)
            else:
                self._send(b"{}", "application/json", "")

        do_HEAD = do_GET  # noqa: N815

        def _send(self, body: bytes, kind: str, content_digest: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if content_digest:
                self.send_header("Docker-Content-Digest", content_digest)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    registry = Registry(server.server_port, digest, blobs=blobs)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def a_hanging_registry() -> Iterator[str]:
    """An image's name at a registry that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}/bench"


def _image(mode: str) -> tuple[bytes, dict[str, bytes]]:
    """The manifest, and what it names."""
    plain = layer(mode)
    packed = gzip.compress(plain, 1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ENTRYPOINT, "WorkingDir": "/bench"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _described("application/vnd.docker.container.image.v1+json", config),
        "layers": [_described("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)],
    }
    return json.dumps(manifest).encode(), {_digest(config): config, _digest(packed): packed}


def _described(kind: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
