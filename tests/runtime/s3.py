"""A bucket in memory that speaks as much of S3 as keeping and giving a file takes."""

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(slots=True)
class Bucket:
    """What it holds, and who called."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict[str, dict[int, bytes]])
    """Begun and not completed, in parts."""
    signers: set[str] = field(default_factory=set[str])
    is_closed: bool = False
    """Refuses everything, as a bucket does whose key is not valid."""


@contextmanager
def a_bucket() -> Generator[Bucket]:
    """Listen on a free port."""
    bucket = Bucket()

    class Handler(_Handler):
        held = bucket

    server = _Server(("127.0.0.1", 0), Handler)
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that lets go in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    held: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def do_PUT(self) -> None:
        body, key, query = self._read()
        if "uploadId" in query:
            self.held.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.held.objects[key] = body
        self._answer(200, headers={"ETag": f'"{len(body)}"'})

    def do_POST(self) -> None:
        _, key, query = self._read()
        if "uploadId" in query:
            parts = self.held.uploads.pop(query["uploadId"])
            self.held.objects[key] = b"".join(parts[number] for number in sorted(parts))
            answer = "<CompleteMultipartUploadResult><ETag>&quot;1&quot;</ETag>"
            self._answer(200, f"{answer}</CompleteMultipartUploadResult>".encode())
        else:
            upload = f"upload-{len(self.held.uploads)}"
            self.held.uploads[upload] = {}
            answer = f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            self._answer(200, f"<InitiateMultipartUploadResult>{answer}".encode())

    def do_DELETE(self) -> None:
        _, key, query = self._read()
        if "uploadId" in query:
            self.held.uploads.pop(query["uploadId"], None)
        else:
            self.held.objects.pop(key, None)
        self._answer(204)

    def do_GET(self) -> None:
        _, key, _ = self._read()
        if key in self.held.objects:
            dated = {"Last-Modified": "Mon, 02 Mar 2026 12:00:00 GMT", "ETag": '"1"'}
            self._answer(200, self.held.objects[key], dated)
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _read(self) -> tuple[bytes, str, dict[str, str]]:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = urlsplit(self.path)
        signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        self.held.signers.add(signed[1] if signed else "nobody")
        query = parse_qs(parts.query, keep_blank_values=True)
        return body, parts.path.lstrip("/"), {name: texts[0] for name, texts in query.items()}

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        if self.held.is_closed:
            status, body = 403, b"<Error><Code>AccessDenied</Code></Error>"
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
