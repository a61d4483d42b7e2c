"""A local API in a process of its own: chat answers of 2,048 bytes, and streams of server-sent events.

Run as a script it prints its port and serves until its standard input is closed.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_BYTES = 2_048
EVENTS = 10
PAUSE_SECONDS = 0.02


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise the system waits with the second small packet of an answer.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked.get("stream"):
            self._stream()
        else:
            self._answer(answer_to(asked["messages"][-1]["content"]))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(EVENTS):
            event = b'data: {"delta": "token %d"}\n\n' % number
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            time.sleep(PAUSE_SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def answer_to(prompt: str) -> bytes:
    """Return an answer of 2,048 bytes."""
    tree = {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini", "choices": []}
    tree["choices"] = [{"index": 0, "message": {"role": "assistant", "content": f"About: {prompt} "}}]
    missing = ANSWER_BYTES - len(json.dumps(tree))
    words = ("The answer is long and says little. " * (missing // 36 + 1))[:missing]
    tree["choices"][0]["message"]["content"] += words
    return json.dumps(tree).encode()


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own; give its address."""
    process = subprocess.Popen([sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def main() -> None:
    """Serve until standard input is closed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
