"""Replies that prove nothing, by name, each with the row of the fault catalogue it belongs to."""

import gzip
import json
from socket import socket

from tests.omni.calling import JOB, MODEL
from tests.omni.fault_server import Fault, drip, raw, repeat, reply, reset, silence

OK = json.dumps({"jobId": JOB, "modelId": MODEL, "status": "running"})
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def bomb(connection: socket) -> None:
    reply(gzip.compress(b"0" * 50_000_000), headers=("Content-Encoding: gzip",))(connection)


IN_DOUBT: dict[str, tuple[str, Fault]] = {
    "reset after the request was read": ("N04", reset),
    "closed after the request was read": ("N04", raw(b"")),
    "no answer at all": ("N05", silence),
    "body shorter than its length": ("N07", reply(OK, length=5_000)),
    "chunked body cut": ("N07", raw(CHUNKED + b"20\r\n{")),
    "slow body": ("N08", drip(HEAD + b"Content-Length: 5000\r\n\r\n")),
    "slow headers": ("N08", drip(HEAD + b"X: ")),
    "endless headers": ("N09", repeat(HEAD, b"X-A: b\r\n" * 1000)),
    "one header of a megabyte": ("N09", raw(HEAD + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n")),
    "bad status line": ("N09", raw(b"HTTP/1.1 abc\r\n\r\n")),
    "garbage bytes": ("N09", raw(bytes(range(256)) * 8)),
    "body over a megabyte": ("N10", reply(b"x" * 1_100_000)),
    "endless body": ("N10", repeat(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n")),
    "gzip bomb": ("N11", bomb),
    "brotli": ("N11", reply(b"xx", headers=("Content-Encoding: br",))),
    "page of a proxy": ("N12", reply("<html><body>Sign in</body></html>")),
    "empty body": ("N12", reply("")),
    "no content": ("N12", raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False)),
    "list": ("N12", reply("[]")),
    "deeply nested": ("N13", reply("[" * 100_000)),
    "endless integer": ("N13", reply('{"jobId": ' + "1" * 900_000 + "}")),
    "not a number": ("N13", reply('{"jobId": "a", "x": NaN}')),
    "repeated key": ("N13", reply('{"jobId": "a", "jobId": "b"}')),
    "UTF-16": ("N13", reply(OK.encode("utf-16"))),
    "lone surrogate": ("N13", reply('{"jobId": "\\ud800"}')),
    "HTTP/0.9": ("N18", raw(OK.encode())),
    "HTTP/2 only": ("N18", raw(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18)),
    "flood of 1xx": ("N18", repeat(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)),
    "switching protocols": ("N18", raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")),
    "another model": ("N20", reply(OK.replace(MODEL, "0" * 8))),
    "request timeout": ("A09", reply("{}", status="408 Request Timeout")),
    "server error": ("A09", reply('{"detail":"boom"}', status="500 Oops")),
    "bad gateway": ("A09", reply("<h1>502</h1>", status="502 Bad Gateway")),
    "unavailable": ("A09", reply("", status="503 Service Unavailable")),
    "gateway timeout": ("A09", reply("", status="504 Gateway Timeout")),
    "job id of 10 KB": ("A11", reply(OK.replace(JOB, "a" * 10_000))),
    "job id that is a number": ("A23", reply('{"jobId": 7, "status": "running"}')),
}

REFUSALS = (
    *(300, 301, 302, 304, 305, 307, 308),
    *(400, 402, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423),
    *(424, 425, 426, 428, 431, 451, 499, 501, 505),
)
"""Statuses that say that nothing was done, beside those that also say why."""

REDIRECTS = [
    (code, location)
    for code in (301, 302, 303, 307, 308)
    for location in ("https://evil.example/api", "/api/v1/users")
] + [(302, "//evil.example/"), (302, "http://[broken")]
