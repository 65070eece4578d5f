"""A server that speaks like S3 and knows no conditions: it overwrites whatever it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_MODIFIED = "Sun, 22 Nov 2026 12:00:00 GMT"


class _Careless(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_GET(self) -> None:
        self._answer(self.objects.get(self.path))

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"", tagged=self.objects[self.path])

    def log_message(self, *_: object) -> None:
        """Keep still."""

    def _answer(self, body: bytes | None, tagged: bytes = b"") -> None:
        self.send_response(404 if body is None else 200)
        tag = md5(body or tagged, usedforsecurity=False).hexdigest()
        self.send_header("ETag", f'"{tag}"')
        self.send_header("Last-Modified", _MODIFIED)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")


@contextmanager
def careless_server() -> Iterator[tuple[dict[str, str], dict[str, bytes]]]:
    """Run one; gives the environment that finds it, and what it keeps by path."""
    objects: dict[str, bytes] = {}
    handler = type("Handler", (_Careless,), {"objects": objects})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield (
            {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": "nobody",
                "AWS_SECRET_ACCESS_KEY": "nothing",
            },
            objects,
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
