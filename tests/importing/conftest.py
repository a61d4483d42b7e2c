"""An API on loopback that counts, and projects that are run by a plugin alone."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest


class _Api(http.server.ThreadingHTTPServer):
    count = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.count += 1
        asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        body = f'{{"number": {self.server.count}, "path": "{self.path}", "asked": "{asked}"}}'.encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def api():
    """An API that answers each request with its number."""
    with _Api(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Project:
    """A folder with tests."""

    folder: object

    def write(self, **files):
        """Write modules: `tests__test_a="…"` is tests/test_a.py."""
        for name, text in files.items():
            path = self.folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, plugin, *args):
        """Run pytest with one plugin; return what it printed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != "CI"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", "-q", *args],
            cwd=self.folder,
            env=env | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path):
    """A project in a folder of this test."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Project(tmp_path)
