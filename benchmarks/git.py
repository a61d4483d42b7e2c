"""What a suite of conversations takes on the disk and in git, and what each answer that has changed adds to it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from vcr.request import Request
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from pytest_recorded.canonical import canonical, to_text
from pytest_recorded.job import Address, Row, job_id
from pytest_recorded.message import HttpRequest, HttpResponse
from pytest_recorded.store.build import Changes, build

from .result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .scale import Scale

__all__ = ["measure"]

_URL = "https://api.example.com/v1/chat/completions"
_MOMENT = "2030-01-01T00:00:00.000000Z"
_WORDS = 4_000
_MOST_TURNS = 10
_TOOLS = 8
# What an answer of a model has beside its text.
_HEADERS = (("content-type", "application/json"), ("x-ratelimit-remaining-requests", "4999"))


class Turn(NamedTuple):
    """One call of a conversation: its test, its place there, what was asked and what was answered."""

    test: str
    number: int
    request: dict[str, Any]
    answer: dict[str, Any]


class _Author:
    """Writes conversations: words of a vocabulary, some much more often than others, as in a language."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = ["".join(self._chance.choices(letters, k=self._chance.randint(2, 10))) for _ in range(_WORDS)]
        self._tools = [self._tool(number) for number in range(_TOOLS)]
        self._prompts = [self.text(3_000) for _ in range(5)]

    def text(self, size: int) -> str:
        """Return a text of about so many letters."""
        places = [int(self._chance.paretovariate(0.8)) % _WORDS for _ in range(size // 6 + 1)]
        return " ".join(self._words[place] for place in places)

    def _tool(self, number: int) -> dict[str, Any]:
        fields = {word: {"type": "string", "description": self.text(60)} for word in self._words[number * 5 :][:5]}
        parameters = {"type": "object", "properties": fields}
        return {"type": "function", "function": {"name": f"tool_{number}", "parameters": parameters}}

    def answer(self) -> dict[str, Any]:
        """Return what a model answers."""
        message = {"role": "assistant", "content": self.text(int(self._chance.lognormvariate(6.8, 0.9)))}
        name = self._chance.randbytes(12).hex()
        return {"id": f"chatcmpl-{name}", "choices": [{"index": 0, "message": message}], "model": "gpt-4o-mini"}

    def conversation(self, number: int) -> Iterator[Turn]:
        """Yield the calls of a test, each with all that was said before."""
        said = [{"role": "system", "content": self._prompts[number % len(self._prompts)]}]
        for turn in range(self._chance.randint(1, _MOST_TURNS)):
            said = [*said, {"role": "user", "content": self.text(self._chance.randint(30, 600))}]
            answer = self.answer()
            request = {"model": "gpt-4o-mini", "messages": said, "tools": self._tools}
            yield Turn(f"tests/test_agent_{number % 40:02}.py::test_talk[{number}]", turn, request, answer)
            said = [*said, answer["choices"][0]["message"]]


def measure(scale: Scale, folder: Path) -> Iterator[Result]:
    """Measure a suite in our cassette, and in files of vcrpy."""
    author, turns, cassette = _Author(), [], folder / "git" / "cassettes" / "jobs.db"
    plain = 0
    # The cassette has about a third of what its texts take; what is wanted is its size.
    while plain < scale.cassette_mb * 3.2e6:
        new = list(author.conversation(len({turn.test for turn in turns})))
        turns += new
        plain += sum(len(canonical([turn.request, turn.answer])) for turn in new)
    ours = _Repository(cassette.parents[1], partial(_write_ours, cassette))
    theirs = _Repository(folder / "git-vcrpy", partial(_write_vcrpy, folder / "git-vcrpy"))
    took = ours.write(turns)
    theirs.write(turns)
    what = f"{len(turns):,} calls of conversations, {plain / 1e6:.0f} MB of JSON: on the disk"
    yield Result(what, ours.size / 1e6, "MB", "vcrpy", theirs.size / 1e6, target=0.5)
    first = ours.pack(), theirs.pack()
    yield Result("  in git, packed", first[0] / 1e6, "MB", "vcrpy", first[1] / 1e6)
    yield Result("  written", took, "s")
    chance = random.Random(2)
    pages, seconds = [], []
    for _ in range(scale.commits):
        place = chance.randrange(len(turns))
        turns[place] = turns[place]._replace(answer=author.answer())
        before = cassette.read_bytes()
        seconds.append(ours.write(turns[place : place + 1]))
        pages.append(_differing(before, cassette.read_bytes()))
        theirs.write([turn for turn in turns if turn.test == turns[place].test])
    versions = ours.versions()
    yield Result("  one changed answer in git, packed, median", versions[len(versions) // 2] / 1e3, "kB", limit=10)
    grown = [(one.pack() - size) / 1e3 for one, size in zip((ours, theirs), first, strict=True)]
    what = f"  what {scale.commits} such commits add"
    yield Result(what, grown[0], "kB", "vcrpy", grown[1], note="git keeps a whole version after 50 differences")
    middle = sorted(pages)[len(pages) // 2]
    yield Result("  pages that differ, median", middle, "pages", "all", ours.size / _page(cassette.read_bytes()))
    yield Result("  one answer written", sorted(seconds)[len(seconds) // 2], "s")


def _differing(before: bytes, after: bytes) -> int:
    size = _page(after)
    starts = range(0, max(len(before), len(after)), size)
    return sum(before[start : start + size] != after[start : start + size] for start in starts)


def _page(content: bytes) -> int:
    """Return the size of the pages of a SQLite file."""
    size = int.from_bytes(content[16:18], "big")
    return 65_536 if size == 1 else size


class _Repository:
    """A repository of git with the recordings of one tool."""

    def __init__(self, folder: Path, write: Callable[[list[Turn]], None]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._write = write
        self._git("init", "--quiet")

    def write(self, turns: list[Turn]) -> float:
        """Write calls, commit, and return the seconds that writing took."""
        started = perf_counter()
        self._write(turns)
        took = perf_counter() - started
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "recorded")
        return took

    @property
    def size(self) -> int:
        """The bytes of the files."""
        return sum(
            file.stat().st_size for file in self._folder.rglob("*") if file.is_file() and ".git" not in file.parts
        )

    def pack(self) -> int:
        """Return the bytes of the history, packed as `git gc` does it."""
        self._git("gc", "--quiet", "--prune=now")
        return sum(file.stat().st_size for file in (self._folder / ".git" / "objects" / "pack").iterdir())

    def versions(self) -> list[int]:
        """Return the bytes that each version of each file takes in the packed history, the smallest first."""
        self.pack()
        listed = self._git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize:disk)")
        found = (line.split() for line in listed.splitlines())
        return sorted(int(size) for kind, size in found if kind == "blob")

    def _git(self, *arguments: str) -> str:
        author = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        environment = os.environ | author | alone
        done = subprocess.run(
            ["git", *arguments], cwd=self._folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


def _write_ours(cassette: Path, turns: list[Turn]) -> None:
    rows = [_row(turn) for turn in turns]
    workshop = cassette.parent / ".staging"
    workshop.mkdir(parents=True, exist_ok=True)
    build(cassette, Changes(fresh=[(row, ()) for row in rows], gone={row.address for row in rows}), workshop)


def _row(turn: Turn) -> Row:
    request = HttpRequest("POST", _URL, (("content-type", "application/json"),), json.dumps(turn.request).encode())
    response = HttpResponse(200, "OK", _HEADERS, json.dumps(turn.answer).encode())
    address = Address(turn.test, request.kind, f"turn-{turn.number}", 0)
    data = {"text": turn.answer["choices"][0]["message"]["content"], "model": turn.answer["model"]}
    return Row(
        job_id(address, 0), *address, 0, None, "completed", None, _MOMENT, _MOMENT, None, _MOMENT,
        to_text(request.tree()), to_text(response.tree()), to_text(data), None, None,
    )  # fmt: skip


def _write_vcrpy(folder: Path, turns: list[Turn]) -> None:
    tests: dict[str, list[Turn]] = {}
    for turn in turns:
        tests.setdefault(turn.test, []).append(turn)
    for test, calls in tests.items():
        requests = [
            Request("POST", _URL, json.dumps(turn.request).encode(), {"content-type": "application/json"})
            for turn in calls
        ]
        responses = [
            {
                "status": {"code": 200, "message": "OK"},
                "headers": {name: [value] for name, value in _HEADERS},
                "body": {"string": json.dumps(turn.answer).encode()},
            }
            for turn in calls
        ]
        name = "".join(letter if letter.isalnum() else "_" for letter in test)
        text = serialize({"requests": requests, "responses": responses}, yamlserializer)
        (folder / f"{name}.yaml").write_text(text)
