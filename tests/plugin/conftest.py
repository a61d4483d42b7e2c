"""Example projects as values: files in, what pytest did with them out."""

from __future__ import annotations

import contextlib
import http.server
import importlib
import os
import pkgutil
import re
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import pytest_recorded
from pytest_recorded import converters, objects, recording, target, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# pytester forgets what a run has imported. Our own modules are imported before the first one, and stay.
for module in pkgutil.walk_packages(pytest_recorded.__path__, "pytest_recorded."):
    if not module.name.startswith(("pytest_recorded.cli", "pytest_recorded.__main__")):
        importlib.import_module(module.name)

# A world to be recorded: every real call of it leaves a line in calls.log, in whichever process it is made.
WORLD = """
import asyncio
from pathlib import Path

LOG = Path(__file__).with_name("calls.log")

def called(what):
    with LOG.open("a") as log:
        log.write(f"{what}\\n")

def ask(question):
    called(question)
    return {"answer": question.upper()}

async def aask(question):
    called(question)
    await asyncio.sleep(0)
    return {"answer": question.upper()}

def fail(question):
    called(question)
    raise ValueError(question)
"""

COUNTED = re.compile(r"(\d+) (replayed|recorded|live|missed|unused|kept|unchanged|changed|new)\b")
OUTCOME = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed|xpassed|rerun|deselected|warning|warnings)\b")


@dataclass(frozen=True)
class Result:
    """What a run of pytest did."""

    code: int
    output: str

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the verdict line that are not zero; the line must be there once."""
        lines = [line for line in self.output.splitlines() if re.match(r"recorded: \d+ replayed", line)]
        assert len(lines) == 1, self.output
        return {name: int(number) for number, name in COUNTED.findall(lines[0]) if int(number)}

    @property
    def outcomes(self) -> dict[str, int]:
        """The numbers of pytest's last line, without warnings."""
        last = [line for line in self.output.splitlines() if " in " in line and OUTCOME.search(line)][-1]
        found = {name.removesuffix("s") if name == "errors" else name: int(n) for n, name in OUTCOME.findall(last)}
        return {name: number for name, number in found.items() if not name.startswith("warning")}


@dataclass(frozen=True)
class Example:
    """A project in a folder of its own."""

    folder: Path
    pytester: pytest.Pytester
    env: dict[str, str] = field(default_factory=dict)

    def write(self, **files: str) -> Example:
        """Write modules: `test_a="…"` is test_a.py."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        return self

    def run(self, *args: str, plugins: tuple[str, ...] = ()) -> Result:
        """Run pytest in this process."""
        chosen = [part for plugin in ("pytest_recorded.plugin", *plugins) for part in ("-p", plugin)]
        with pytest.MonkeyPatch.context() as patch:
            # Each run is to know its own functions, classes and recorder only, as in a process of its own.
            for module, name in (
                (converters, "_converters"),
                (objects, "_registered"),
                (target, "_targets"),
                (wrap, "_wrapped"),
            ):
                patch.setattr(module, name, type(getattr(module, name))())
            patch.setattr(recording, "_default", None)
            result = self.pytester.runpytest_inprocess(*chosen, *args)
            recording._close_default()
        return Result(int(result.ret), "\n".join([*result.outlines, *result.errlines]))

    def command(self, *args: str, plugins: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs pytest in a process of its own."""
        chosen = [part for plugin in ("pytest_recorded.plugin", *plugins) for part in ("-p", plugin)]
        return [sys.executable, "-m", "pytest", *chosen, *args]

    def environment(self) -> dict[str, str]:
        """Return the environment of such a process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"} | self.env

    def spawn(self, *args: str, plugins: tuple[str, ...] = (), **env: str) -> Result:
        """Run pytest in a process of its own."""
        done = subprocess.run(
            self.command(*args, plugins=plugins),
            cwd=self.folder,
            env=self.environment() | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Result(done.returncode, done.stdout + done.stderr)

    @property
    def cassette(self) -> Path:
        """The cassette."""
        return self.folder / "cassettes" / "jobs.db"

    @property
    def calls(self) -> list[str]:
        """The real calls made so far."""
        log = self.folder / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    def forget_calls(self) -> None:
        """Begin to count real calls anew."""
        (self.folder / "calls.log").unlink(missing_ok=True)

    def rows(self, columns: str = "scope, kind, seq, response_json") -> list[tuple]:
        """Return the rows of the cassette, in the order of their addresses."""
        connection = sqlite3.connect(f"{self.cassette.as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(f"SELECT {columns} FROM jobs ORDER BY scope, kind, key, seq, attempt").fetchall()
        finally:
            connection.close()

    @property
    def staged(self) -> list[Path]:
        """The staging files that are left."""
        return sorted((self.folder / "cassettes" / ".staging").glob("*.db"))


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Example:
    """An empty project with a world to record."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return Example(pytester.path, pytester).write(world=WORLD)


class Handler(http.server.BaseHTTPRequestHandler):
    """What the servers of tests answer with: `answers` says status, type and body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, kind, body = self.server.answers(self.path, asked)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Callable[[str, bytes], tuple[int, str, bytes]]], str]]:
    """Start servers on the loopback: `serve(answers)` returns the URL of one.

    `answers` is called with the path and the body of a request, and returns status, content type and body.
    """
    with contextlib.ExitStack() as stack:

        def start(answers: Callable[[str, bytes], tuple[int, str, bytes]]) -> str:
            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            server.daemon_threads = True
            server.answers = answers  # type: ignore[attr-defined]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start
