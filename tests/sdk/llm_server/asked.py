"""A request as the server has read it, and an answer before it is delivered."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .frames import compact, parts

SSE = "text/event-stream"
JSON = "application/json"

_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)")


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        method: In capitals.
        path: Without the query, as it was sent.
        query: What follows the question mark.
        headers: By their names in lower case.
        body: Decoded from its transfer encoding.
        place: What the pattern of the route has found in the path.
        base: The URL of the server.

    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    place: dict[str, str] = field(default_factory=dict)
    base: str = ""

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def model(self) -> str:
        """The model: of the path or of the body."""
        return unquote(self.place.get("model") or "") or str(self.json.get("model"))

    @property
    def form(self) -> dict[str, tuple[str | None, bytes]]:
        """The parts of the body, which is multipart."""
        return parts(self.headers["content-type"], self.body)

    @property
    def digest(self) -> str:
        """The same for equal requests, whatever their boundaries, signatures and dates."""
        boundary = _BOUNDARY.search(self.headers.get("content-type", ""))
        body = self.body.replace(boundary[1].encode(), b"") if boundary else self.body
        return hashlib.sha256(f"{self.method} {self.path}?{self.query}\n".encode() + body).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes:
        frames: The body: one piece for an answer that comes whole, events or lines for one that is streamed.
        content_type: Of the body.
        status: Of the response.
        headers: Besides content-type and those of the delivery.
        is_stream: Whether it is sent piece by piece.
        encoding: What it is compressed with.

    """

    frames: tuple[bytes, ...]
    content_type: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    is_stream: bool = False
    encoding: str | None = None

    @classmethod
    def of(cls, value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
        """Return an answer of JSON."""
        return cls((compact(value),), JSON, status, headers)

    @classmethod
    def streamed(cls, *frames: bytes, content_type: str = SSE) -> Answer:
        """Return an answer that is streamed."""
        return cls(frames, content_type, is_stream=True)
