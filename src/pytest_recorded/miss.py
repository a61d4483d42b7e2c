"""What a miss says: which call of which test, why there is no recording for it, and what to type.

The law of this file: the message is found by look-ups, never by reading the whole cassette, and stays below 3,000
characters whatever is in it.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .canonical import canonical, load_tree
from .errors import SerializationError
from .job import is_http
from .modes import RecordMode
from .nodes import nodes
from .shown import LONGEST_VALUE, clip, cut_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .job import Address
    from .roll import Roll
    from .store.sqlite import CassetteFile

__all__ = ["Question", "explain_miss"]

LONGEST: Final = 2990
_CANDIDATES: Final = 200
_MOST_TEXT: Final = 5_000_000
_MOST_FIELDS: Final = 20_000
_SHOWN: Final = 3
_SHOWN_FIELDS: Final = 6
_LONGEST_NAME: Final = 240
_LONGEST_COMMAND: Final = 1_000
_SAME: Final = (
    "the same as far as it is stored:\n"
    "  match=, ignore= or redact= were others when it was recorded, or a header that match= names was."
)


class Question(NamedTuple):
    """A call that has no recording.

    Attributes:
        test: The scope's name: a test's node id, or the name of a block, which may be `""`.
        mode: The record mode.
        cassette: The path of the cassette, as the user writes it.
        file: The cassette; None if there is none.
        address: Where the call's recording would be.
        request_json: What was asked.
        is_shared: Whether calls belong to the whole suite.
        is_known: Whether there is a recording at the address, of another request.
        run: What pytest is to be asked to run, to record it; `""` for a block outside of tests.
        roll: Returns which tests there are; None where nobody knows.
        read_only: Why nothing may be recorded into the cassette; `""` if something may.
        is_replaced: Whether there is a recording, which would be replaced.
        option: What tells a command of ours to take the cassette; nothing where it does so by itself.
        typed: Likewise pytest.

    """

    test: str
    mode: RecordMode
    cassette: Path
    file: CassetteFile | None
    address: Address
    request_json: str | None
    is_shared: bool = False
    is_known: bool = False
    run: str = ""
    roll: Callable[[], Roll] | None = None
    read_only: str = ""
    is_replaced: bool = False
    option: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()

    @property
    def has_recordings(self) -> bool:
        """Whether anything is recorded in the scope."""
        if self.file is None:
            return False
        return self.file.has_uses(self.test) if self.is_shared else self.file.has_scope(self.test)


def explain_miss(question: Question) -> tuple[str, str]:
    """Return the reason in two words, and the message."""
    reason, why = _reason(question)
    lines = [
        f"No recording for {clip(describe(question.address.kind, question.request_json), _LONGEST_NAME)}",
        f"  test:     {clip(question.test or '(none)', _LONGEST_NAME)}",
        f"  cassette: {clip(str(question.cassette), _LONGEST_NAME)}, mode {question.mode}",
        f"  reason:   {why}",
    ]
    if question.file is not None:
        if reason in ("request changed", "no such call"):
            lines += _nearest(question, question.file)
        lines += _elsewhere(question, question.file)
    # Whatever has to be cut, it is not what to type.
    command = f"\n\nTo record it: {_command(question)}" if not question.read_only else _instead(question)
    return reason, clip("\n".join(lines), LONGEST - len(command)) + command


def describe(kind: str, request_json: str | None) -> str:
    """Return a call in one line."""
    try:
        tree = load_tree(request_json) if request_json else None
        if is_http(kind) and isinstance(tree, dict):
            return f"{tree.get('method')} {tree.get('url')}"
        if isinstance(tree, dict):
            arguments = ", ".join(f"{name}={canonical(value)}" for name, value in tree.items())
            return f"{kind}({arguments})"
    except SerializationError:
        pass
    return kind


def _reason(question: Question) -> tuple[str, str]:
    file, address = question.file, question.address
    if question.is_known or question.is_replaced:
        return _found(question)
    if file is None:
        return "no cassette", f"no cassette: {clip(str(question.cassette), _LONGEST_NAME)} does not exist"
    if not question.has_recordings and not (question.is_shared and file.has_scope("")):
        is_its_own = question.is_shared and file.has_scope(question.test)
        why = " among what the suite shares: its recordings are of this test alone"
        return "nothing for this test", f"nothing for this test{why if is_its_own else ': it has no recordings yet'}"
    served = file.count_seqs(address.scope, address.kind, address.key)
    if served:
        times = "once" if served == 1 else f"{served} times"
        return "all uses served", (f"all {served} uses served: this request is recorded {times}, and is made once more")
    if file.rows_of_kind(address.scope, address.kind, 1):
        return "request changed", "request changed: it is recorded, but with another request"
    kinds = clip(", ".join(file.kinds(address.scope)[:5]), _LONGEST_NAME)
    kind, whose = clip(address.kind, _LONGEST_NAME), "suite" if question.is_shared else "test"
    return "no such call", f"request changed: the {whose} has recordings, but none of {kind} (only {kinds})"


def _found(question: Question) -> tuple[str, str]:
    """Return the reason for which a recording that is there does not answer."""
    if question.is_replaced:
        return "read-only", f"read-only: it is recorded, and mode {question.mode} would replace that"
    key = clip(repr(question.address.key), _LONGEST_NAME)
    return "request changed", f"request changed: the key {key} is recorded with another request"


def _nearest(question: Question, file: CassetteFile) -> list[str]:
    now = dict(_leaves(question.address.kind, question.request_json))
    candidates: list[tuple[int, list[str], dict[str, str]]] = []
    read = 0
    for row in file.rows_of_kind(question.address.scope, question.address.kind, _CANDIDATES):
        read += len(row.request_json or "")
        if read > _MOST_TEXT and len(candidates) >= _SHOWN:
            break
        then = dict(_leaves(row.kind, row.request_json))
        differing = [path for path in {**then, **now} if then.get(path) != now.get(path)]
        candidates.append((len(differing), differing, then))
    candidates.sort(key=lambda candidate: candidate[0])
    lines = []
    for place, (_, differing, then) in enumerate(candidates[:_SHOWN]):
        title = "Nearest recorded request" if place == 0 else "Next nearest"
        shown = _SHOWN_FIELDS if place == 0 else 2
        lines += ["", f"{title}, {_fields(len(differing))}:"] if differing else ["", f"{title}, {_SAME}"]
        for path in differing[:shown]:
            recorded, asked = _pair(then.get(path), now.get(path))
            lines += [f"  {clip(path, 80)}", f"    recorded: {recorded}", f"    now:      {asked}"]
        if len(differing) > shown:
            lines.append(f"  … and {len(differing) - shown} more")
    return lines


def _fields(count: int) -> str:
    return "1 field differs" if count == 1 else f"{count} fields differ"


def _leaves(kind: str, request_json: str | None) -> Iterator[tuple[str, str]]:
    try:
        tree = load_tree(request_json) if request_json else None
    except SerializationError:
        return
    if not is_http(kind) or not isinstance(tree, dict):
        yield from _walk(tree)
        return
    url, _, query = str(tree.get("url", "")).partition("?")
    yield "method", str(tree.get("method"))
    yield "url", url
    yield from (("range", value) for name, value in tree.get("headers") or () if name.lower() == "range")
    for pair in sorted(query.split("&")) if query else ():
        name, _, value = pair.partition("=")
        yield f"query.{name}", canonical(value)
    for form in ("json", "form", "parts", "text", "bytes"):
        if form in tree:
            yield from _walk(tree[form])


def _walk(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a tree as text, each with its path; and the types of what is no JSON."""
    leaves = 0
    for path, node, is_leaf in nodes(tree):
        if is_leaf:
            leaves += 1
            yield path, canonical(node)
        elif type_of := _type_of(node):
            yield f"{path} (type)", type_of
        if leaves >= _MOST_FIELDS:
            return


def _type_of(tree: Any) -> str | None:
    """Return which type of Python's a tree stands for, where it is none of JSON's."""
    tag = next(iter(tree)) if len(tree) == 1 and type(tree) is dict else ""
    if tag == "py:object" and type(tree[tag]) is dict:
        return str(tree[tag].get("class"))
    return tag.removeprefix("py:") if tag.startswith("py:") else None


def _pair(recorded: str | None, asked: str | None) -> tuple[str, str]:
    """Return two values, cut so that what differs between them is seen."""
    if recorded is None or asked is None:
        return tuple("(absent)" if value is None else clip(value, LONGEST_VALUE) for value in (recorded, asked))  # type: ignore[return-value]
    return cut_pair(recorded, asked)


def _elsewhere(question: Question, file: CassetteFile) -> list[str]:
    address = question.address
    if question.is_replaced:
        return []
    if question.is_shared and file.count_seqs(question.test, address.kind, address.key):
        return ["", 'This very request is recorded for this test alone: replay it with scope="test".']
    if question.is_shared or not question.run:
        return []
    others = file.other_scopes(address.scope, address.kind, address.key)
    if not others:
        return []
    if "" in others:
        return ["", 'This very request is recorded for all tests of the suite: replay it with scope="suite".']
    roll = question.roll() if question.roll else None
    gone = [other for other in others if roll and roll.is_gone(other)]
    other = (gone or others)[0]
    is_gone = ", which is not there any more" if gone else ""
    more = f"{',' if gone else ''} and {len(others) - 1} more" if len(others) > 1 else ""
    # Recordings of a test that is there are not to be taken from it.
    may_be_it = not (question.read_only or question.has_recordings or (roll and other in roll.tests))
    return [
        "",
        f"This very request is recorded for {clip(other, _LONGEST_NAME)}{is_gone}{more}.",
        *(_rename(question, other) if may_be_it else []),
    ]


def _rename(question: Question, old: str) -> list[str]:
    command = shlex.join(["pytest-recorded", "rename", *question.option, old, question.address.scope])
    # Half a command is worse than none.
    return [f"If that test was renamed: {command}"] if len(command) <= _LONGEST_COMMAND else []


def _instead(question: Question) -> str:
    """Return what to do where nothing may be recorded."""
    return (
        f"\n\nThe cassette is read-only: {clip(question.read_only, _LONGEST_COMMAND)}. Record into another one: "
        f"--record-cassette=…, cassette=… or the fixture recorded_cassette."
    )


def _command(question: Question) -> str:
    mode = RecordMode.NEW_EPISODES if question.has_recordings else RecordMode.ONCE
    if question.is_known:
        mode = RecordMode.REWRITE
    what = "the whole test" if question.run else "all of it"
    again = f"   (or rewrite, to record {what} again)" if mode is RecordMode.NEW_EPISODES else ""
    if not question.run:
        path = str(question.cassette)
        where = f'"{path}"' if len(path) <= _LONGEST_COMMAND else "…"
        return f'use_cassette({where}, mode="{mode}"){again}'
    pytest = clip(shlex.join(["pytest", f"--record-mode={mode}", *question.typed]), _LONGEST_COMMAND)
    return f"{pytest} {_shortest(question.run)}{again}"


def _shortest(run: str) -> str:
    """Return what pytest has to run: the test, or where its id is too long the test with all its parameters."""
    for name in (run, run.partition("[")[0], run.partition("::")[0]):
        if len(quoted := shlex.quote(name)) <= _LONGEST_COMMAND:
            return quoted
    return ""
