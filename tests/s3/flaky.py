"""A store that has bad days: a proxy in front of an S3-compatible one that refuses, and loses answers, now and then."""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REFUSED = 0.05  # of all requests are answered with 503 and never reach the store
LOST = 0.02  # of all requests reach the store, but the answer is cut off
VERBS = ("GET", "HEAD", "PUT", "POST", "DELETE")
HOP = ("connection", "transfer-encoding", "keep-alive", "expect")  # headers between two neighbours
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class BadDays:
    """Where the proxy listens, and what it has done to requests so far."""

    endpoint: str
    store: str
    drawn: random.Random
    injected: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self) -> str:
        """What becomes of the next request."""
        with self.lock:
            number = self.drawn.random()
            fate = "refused" if number < REFUSED else "lost" if number < REFUSED + LOST else "passed"
            self.injected[fate] += 1
        return fate


@contextmanager
def flaky(store: str, seed: int) -> Iterator[BadDays]:
    """A proxy in front of the store at this address."""
    days = BadDays("", store, random.Random(seed))
    verbs = {f"do_{verb}": Passing.passed_on for verb in VERBS}
    handler = type("Handler", (Passing,), {"days": days, **verbs})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        days.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield days
        finally:
            server.shutdown()


class Passing(BaseHTTPRequestHandler):
    """Hands requests on to the store."""

    days: BadDays
    protocol_version = "HTTP/1.1"

    def passed_on(self) -> None:
        """One request, with the fate that is drawn for it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.days.fate()
        if fate == "refused":
            self.answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            return
        status, headers, content = self.asked(body)
        if fate == "lost":
            self.close_connection = True
            self.connection.close()
            return
        self.answer(status, headers, content)

    def asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What the store answers."""
        address = urlsplit(self.days.store)
        assert address.hostname is not None
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        """Send an answer; one to HEAD keeps the length that the store told, and has no content."""
        self.send_response_only(status)
        length = {} if self.command == "HEAD" and "Content-Length" in headers else {"Content-Length": str(len(content))}
        for name, value in {**headers, **length}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
