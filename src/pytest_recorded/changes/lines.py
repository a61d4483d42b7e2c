"""Recorded calls as lines of text that git compares: whatever may change has a line of its own, which says where it is.

::

    tests/test_shop.py::test_total POST https://api.example.com/orders
      request $.item: "tea"
      status: 200
      header content-type: application/json
      response $.price: 4

The law of this file: equal calls are equal lines, with no time, id or count in them; nothing that tells two answers
apart is cut; and whatever is stored, there are lines for it, which command no terminal.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..canonical import load_tree
from ..diff import ABSENT
from ..entry import read_entry
from ..errors import CassetteError
from ..job import Status, is_http
from ..jobs import Job
from ..message import HttpRequest
from ..miss import describe
from ..nodes import nodes
from ..outline import lines_of
from ..readable import media_in
from ..shown import clip, harmless, in_one_line
from ..store.schema import VERSION
from .views import OF_ONE_ANSWER, Side, answer_of, described, opened, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..job import Row
    from .files import Recorded

__all__ = ["FORMAT", "as_it_is", "lines_of_file"]

#: Of these lines: another one where equal calls are other lines than before, or more files can be read.
FORMAT: Final = f"1.{VERSION}"

_LONGEST_CALL: Final = 200
# A key that nobody has chosen is a digest of the request, whose lines are there.
_MADE_KEY: Final = re.compile("b2:[0-9a-f]{32}")
# Drawn anew for each upload.
_BOUNDARY: Final = re.compile(r"""\s*;\s*boundary=("[^"]*"|[^;\s]*)""", re.IGNORECASE)
# What a model gives to a tool: an id in it is what the tool is about.
_OF_TOOLS: Final = frozenset({"input", "args", "arguments"})
_FORMS: Final = ("json", "parts", "form", "text", "bytes")


class _Block(NamedTuple):
    """The lines of a call.

    Attributes:
        title: The first: whose call it is, and what was asked.
        request: What was asked, in full.
        answer: What came back.
        key: Of the call; `""` if it has none.
        seq: How often its test has asked the same before.

    """

    title: str
    request: list[str]
    answer: list[str]
    key: str
    seq: int

    def lines(self) -> Iterator[str]:
        yield f"{self.title} #{self.seq + 1}" if self.seq else self.title
        yield from self.request
        yield from self.answer

    def order(self) -> tuple[Any, ...]:
        return self.title, self.request, self.key, self.seq


def lines_of_file(recorded: Recorded) -> Iterator[str]:
    """Yield the lines of a file, call by call: by their tests, of a test by what they ask.

    So a request that has changed a little stays about where it was. Calls that tests share, of which there may be very
    many, come in the order in which they lie in the file. What cannot be read any more is the last line.

    Args:
        recorded: The file.

    """
    is_first = True
    try:
        for block in _blocks(recorded):
            if not is_first:
                yield ""
            yield from map(harmless, block.lines())
            is_first = False
        if is_first:
            yield "(no calls)"
    except CassetteError as error:
        yield f"(no further: {in_one_line(error.problem)})"


def _blocks(recorded: Recorded) -> Iterator[_Block]:
    for (scope, _), sides in groupby(recorded.sides(), key=lambda side: (side.row.scope, side.row.kind)):
        found = (_with_conflict(_block(side, recorded.users(side.row)), side.row, recorded) for side in sides)
        yield from sorted(found, key=_Block.order) if scope else found


def _block(side: Side, users: Sequence[str]) -> _Block:
    row = side.row
    whose = str(row.scope) or ("(shared)" if users else "(no test)")
    answer = [*(f"  used by: {in_one_line(test)}" for test in users), *_settled(row)]
    answer += _or_as_it_is(side, "response_json", _answer)
    answer += _or_as_it_is(side, "data_json", lambda side: _stored("data", side.row.data_json))
    answer += _or_as_it_is(side, "error_json", lambda side: _stored("error", side.row.error_json))
    return _Block(
        in_one_line(f"{whose} {_asked(row)}"),
        _or_as_it_is(side, "request_json", _request),
        answer,
        str(row.key or ""),
        row.seq if type(row.seq) is int else 0,
    )


def _with_conflict(block: _Block, row: Row, recorded: Recorded) -> _Block:
    """Return the lines of a call, and what two branches have made of it if nobody has chosen yet."""
    fact = recorded.fact(f"conflict:{row.id}")
    if fact is None:
        return block
    try:
        sides = json.loads(fact)
        entries = {name: read_entry(sides[name], name) for name in ("base", "theirs") if sides.get(name)}
    except Exception:  # noqa: BLE001 - a file may hold anything, and git has to show it
        return block._replace(answer=[*block.answer, *_leaf("conflict", fact)])
    ours, lines = {*block.request, *block.answer}, ["  conflict: ours is replayed; pytest-recorded resolve settles it"]
    for name, entry in entries.items():
        other = _block(Side(entry.row, entry.chunks), ())
        lines += [f"  {name}: {line.strip()}" for line in (*other.request, *other.answer) if line not in ours]
    return block._replace(answer=[*block.answer, *lines])


def _asked(row: Row) -> str:
    """Return the call in one line; of arguments, which the lines of the request have, a part."""
    try:
        said = describe(row.kind, row.request_json)
        return said if is_http(row.kind) else clip(said, _LONGEST_CALL)
    except Exception:  # noqa: BLE001 - a file may hold anything
        return str(row.kind)


def _settled(row: Row) -> Iterator[str]:
    """Yield what is to be said of a call besides what was asked and what came back."""
    if row.key is not None and not _MADE_KEY.fullmatch(str(row.key)):
        yield f"  key: {in_one_line(str(row.key))}"
    if type(row.attempt) is int and row.attempt:
        yield f"  attempts: {row.attempt + 1}"


def _or_as_it_is(side: Side, slot: str, lines: Callable[[Side], Iterable[str]]) -> list[str]:
    """Return the lines of a slot, or where none can be made what is stored, as it stands."""
    try:
        return list(lines(side))
    except Exception:  # noqa: BLE001 - a file may hold anything, and git has to show it
        stored = getattr(side.row, slot)
        chunks = [str(chunk.body) for chunk in side.chunks] if slot == "response_json" else []
        return [line for text in (str(stored), *chunks) for line in _leaf(f"stored {slot}", text)]


def _request(side: Side) -> Iterator[str]:
    row = side.row
    if row.request_json is None:
        return
    tree = load_tree(row.request_json)
    if not is_http(row.kind) or not isinstance(tree, dict) or "method" not in tree:
        yield from _tree("request", tree)
        return
    request = HttpRequest.from_tree(tree)
    for name, value in request.headers:
        yield f"  request header {in_one_line(name)}: {in_one_line(_BOUNDARY.sub('', value))}"
    form = next((form for form in _FORMS if form in tree), "")
    if form == "bytes" and isinstance(tree[form], str):
        yield from _leaf("request", described(request.content, request.header("content-type") or "bytes"))
    elif form:
        yield from _tree("request", tree[form], _part if form == "parts" else _seen)


def _answer(side: Side) -> Iterator[str]:
    answer, is_of_model = answer_of(side), len(Job.of(side.row, side.chunks).names) > 1
    if answer.status != Status.COMPLETED:
        yield f"  status: {in_one_line(str(answer.status))}"
    if answer.end != "complete":
        yield f"  body ended: {in_one_line(str(answer.end))}"
    yield from (f"  header {in_one_line(name)}: {in_one_line(value)}" for name, value in answer.headers.items())
    if answer.body is not ABSENT:
        body = without(answer.body, OF_ONE_ANSWER, _OF_TOOLS) if is_of_model else answer.body
        yield from _tree("response", body)


def _stored(slot: str, text: str | None) -> Iterator[str]:
    if text is not None:
        yield from _tree(slot, load_tree(text))


def _seen(_path: str, value: Any) -> Any:
    """Return a value; one that is content for programs as what it is, with its digest."""
    if type(value) is str and (media := media_in(value)) is not None:
        media_type, encoded = media
        return described(encoded.encode(), media_type or "base64")
    return value


def _part(path: str, value: Any) -> Any:
    """Return a value of a multipart body, where the bytes of a file are stored as a letter each."""
    if path.endswith(".bytes") and type(value) is str:
        return described(value.encode("latin-1"), "bytes")
    return _seen(path, value)


def _tree(slot: str, tree: Any, seen: Callable[[str, Any], Any] = _seen) -> Iterator[str]:
    for path, node, is_leaf in nodes(tree):
        if is_leaf:
            yield from _leaf(slot if path == "$" else f"{slot} {path}", seen(path, opened(node)))


def _leaf(where: str, value: Any) -> Iterator[str]:
    """Yield the line of a value; of a text of several lines as many, so that one that has changed is one."""
    lines = lines_of(value)
    if len(lines) == 1:
        yield f"  {where}: {lines[0]}"
    else:
        yield from (f"  {where} {line}" for line in lines)


def as_it_is(where: str, content: bytes, *, most: int) -> Iterator[str]:
    """Yield the lines of a short text, of anything else or longer than `most` bytes one with its digest."""
    try:
        text: Any = content.decode() if len(content) <= most and b"\0" not in content else None
    except UnicodeDecodeError:
        text = None
    yield from map(harmless, _leaf(where, described(content, "bytes") if text is None else text))
