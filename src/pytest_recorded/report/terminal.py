"""A report in the style of pytest's own summary: groups, the worst first, in few lines.

The law of this file: it is bounded in lines and in width however large the report is, says nothing when nothing has
changed, and can be read without colours.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..changes.model import ORDER, ChangeClass
from ..shown import in_one_line
from .columns import fitted, wrapped
from .digest import COUNTED_ONLY, Digest, chained, groups_of, metric_lines, proposals, rows, title
from .values import alike, edit_of, in_words, place, shortened, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..changes.model import Call, Change, Group, Report
    from .columns import Markup, Piece
    from .digest import Shown

__all__ = ["change_lines", "terminal_lines"]

_NARROWEST: Final = 40
_MOST_GROUPS: Final = 20
# They are of one kind, and of one place: a few show it.
_MOST_CHANGES: Final = 4
# What follows from another change is no news.
_MOST_CHAINED: Final = 2
_MOST_TESTS: Final = 4
_MOST_LINES: Final = 4
_MOST_PROPOSALS: Final = 20
# Of a value, before its words are compared; and around those that differ.
_LONGEST_VALUE: Final = 4_000
_AROUND: Final = 40
_LONGEST_SCALAR: Final = 200
_SIGNS: Final = {"add": "+", "remove": "-", "replace": "~", "reorder": "~", "invalid": "!"}
_PLAIN: Final[Markup] = {}
_COLOURS: Final[dict[str, Markup]] = {"-": {"red": True}, "+": {"green": True}, "=": {}}


def terminal_lines(
    report: Report,
    *,
    width: int = 80,
    written: Iterable[str] = (),
    accept: str | None = "pytest --record-accept=",
    option: str = "--record-report",
) -> Iterator[Piece]:
    """Yield a report as texts with their markup, for `TerminalReporter.write(text, **markup)`; line breaks are there.

    Nothing is yielded when nothing has changed but what is ignored, and nothing is known to vary by itself.

    Args:
        report: The report.
        width: Of the terminal, in columns.
        written: The files that the report was written to.
        accept: What takes the new answers of a group into the cassette, up to its fingerprint; None if nothing can.
        option: What writes a report into a file.

    """
    digest = Digest(report)
    width = max(width, _NARROWEST)
    files = ", ".join(written) or f"none was written; see {option}=changes.html"
    for line in _lines(digest, width, files, accept if report.mode == "verify" else None):
        yield from fitted(line, width)
        yield "\n", _PLAIN


def change_lines(call: Call, *, width: int = 80) -> Iterator[Piece]:
    """Yield what has changed in one call, a line for each of the worst changes, as `terminal_lines` does.

    Args:
        call: The call.
        width: Of the terminal, in columns.

    """
    width = max(width, _NARROWEST)
    lines = [line for change in call.changes[:_MOST_CHANGES] for line in _wrapped_change(change, "", width)]
    left = len(call.changes) - _MOST_CHANGES + call.more
    if left > 0:
        lines.append([(f"    ... and {left:,} more", _PLAIN)])
    for line in lines:
        yield from fitted(line, width)
        yield "\n", _PLAIN


def _lines(digest: Digest, width: int, files: str, accept: str | None) -> Iterator[list[Piece]]:
    report = digest.report
    if not report.noise and all(row.change_class is ChangeClass.VOLATILE for row in rows(report)):
        return
    yield [(_separator(title(report), width), _markup_of(_worst(report)))]
    if digest.changed:
        yield from _table(report)
        yield from _groups(digest, width)
    yield from _not_verified(report)
    yield from _proposals(report)
    if digest.changed and accept is not None:
        # A live call that has failed has no answer to accept.
        groups = (shown.group for shown in digest.groups() if shown.group.change_class != ChangeClass.ERROR)
        for group in islice(groups, 1):
            yield [(f"accept: {accept}{in_one_line(group.fingerprint)}   all: {accept}all", _PLAIN)]
    if digest.changed:
        yield [("report: ", _PLAIN), (in_one_line(files), _PLAIN)]


def _separator(text: str, width: int) -> str:
    fill = "=" * max(1, (width - len(text) - 2) // 2)
    return f"{fill} {text} {fill}"


def _worst(report: Report) -> ChangeClass:
    return next((row.change_class for row in rows(report)), ChangeClass.VOLATILE)


def _markup_of(change_class: ChangeClass) -> Markup:
    if ORDER[change_class] <= ORDER[ChangeClass.PROJECTION]:
        return {"red": True, "bold": True}
    return {"cyan": True} if change_class in COUNTED_ONLY else {"yellow": True, "bold": True}


def _table(report: Report) -> Iterator[list[Piece]]:
    """Yield the classes with their numbers, beside them what the calls have used."""
    beside = [f"{name:<12} {text}" for name, text in metric_lines(report.metrics, many=True)]
    yield [(f" {'class':<11}{'calls':>7}{'groups':>8}{'tests':>7}", {"bold": True})]
    found = rows(report)
    for at in range(max(len(found), len(beside))):
        numbers = " " * 34
        markup = _PLAIN
        if at < len(found):
            row = found[at]
            numbers = f" {row.change_class:<11}{row.calls:>7,}{row.groups:>8,}{row.tests:>7,}"
            markup = _markup_of(row.change_class)
        yield [(numbers, markup), ("    " + beside[at] if at < len(beside) else "", _PLAIN)]


def _groups(digest: Digest, width: int) -> Iterator[list[Piece]]:
    found = digest.groups()
    for shown in islice(found, _MOST_GROUPS):
        yield from _group(digest, shown, width)
    left: dict[ChangeClass, int] = {}
    for shown in found:
        left[shown.group.change_class] = left.get(shown.group.change_class, 0) + 1
    if left:
        yield [(f"... and {groups_of(left)}", _PLAIN)]
    if counted := digest.counted():
        yield [(f"not shown: {groups_of(counted)}", _PLAIN)]


def _group(digest: Digest, shown: Shown, width: int) -> Iterator[list[Piece]]:
    group, kinds = shown.group, list(dict.fromkeys(call.name or call.kind for call in shown.calls))
    times = f" x{len(group.calls):,}" if len(group.calls) > 1 else ""
    what = in_one_line(", ".join(kinds[:2]) + (", …" if len(kinds) > 2 else ""))  # noqa: PLR2004 - as in the slice
    head: list[Piece] = [
        (f"{group.change_class}{times}", _markup_of(group.change_class)),
        (f"  {in_one_line(group.fingerprint)}  {what}  {place(group.slot, group.path)}{_types(group)}", {"bold": True}),
    ]
    yield from wrapped(head, width, indent=2, most=2)
    if shown.tests:
        more = f" and {len(shown.tests) - _MOST_TESTS:,} more" if len(shown.tests) > _MOST_TESTS else ""
        tests = ", ".join(map(in_one_line, _short(shown.tests[:_MOST_TESTS])))
        yield from wrapped([(f"    {tests}{more}", {"light": True})], width, indent=4, most=_MOST_LINES)
    if shown.chain is not None:
        yield from wrapped(_chain(digest, shown, shown.chain), width, indent=6, most=_MOST_LINES)
    if hint := next((call.hint for call in shown.calls if call.hint), ""):
        yield from wrapped([(f"    {in_one_line(hint)}", _PLAIN)], width, indent=4, most=_MOST_LINES)
    most = _MOST_CHANGES if shown.chain is None else _MOST_CHAINED
    for change in shown.changes[:most]:
        yield from _wrapped_change(change, group.slot, width)
    if len(shown.changes) > most:
        yield [(f"    ... and {len(shown.changes) - most:,} more", _PLAIN)]


def _short(tests: list[str]) -> list[str]:
    """Return names of tests; where the file is that of the one before, it is left out."""
    files = ["", *(test.partition("::")[0] for test in tests)]
    return [
        "::" + test.partition("::")[2] if "::" in test and file == test.partition("::")[0] else test
        for file, test in zip(files, tests, strict=False)
    ]


def _types(group: Group) -> str:
    # Of data that do not fit there is no new value, only the reason.
    if group.op == "invalid" or (group.old_type is None and group.new_type is None):
        return ""
    if group.old_type == group.new_type:
        return f"  {group.old_type}"
    return f"  {group.old_type or '(absent)'} -> {group.new_type or '(absent)'}"


def _chain(digest: Digest, shown: Shown, root: str) -> list[Piece]:
    request = f" {in_one_line(digest.calls[root].request)}" if root in digest.calls else ""
    return [(f"    {chained(shown)} {in_one_line(root[:12])}", {"yellow": True}), (request, _PLAIN)]


def _wrapped_change(change: Change, slot: str, width: int) -> Iterator[list[Piece]]:
    return wrapped(_change(change, slot), width, indent=6, most=_MOST_LINES)


def _change(change: Change, slot: str) -> list[Piece]:
    where = in_one_line(change.path) if change.slot == slot and change.path != "$" else place(change.slot, change.path)
    head = f"    {_SIGNS[change.op]} {where}  "
    if (said := in_words(change)) is not None:
        asked = change.new if change.has_new else change.old
        is_asked = change.slot == "call" and isinstance(asked, str)
        return [(head + said + (f": {in_one_line(asked)}" if is_asked else ""), _PLAIN)]
    edit = edit_of(change, _LONGEST_VALUE)
    if edit.is_prose and change.has_old and change.has_new:
        head += f"{how}: " if (how := alike(change)) else ""
        return [(head, _PLAIN), *_marked(shortened(edit.words, _AROUND))]
    pieces: list[Piece] = [(head, _PLAIN)]
    if change.has_old:
        pieces.append((_scalar(change.old), _COLOURS["-"]))
    if change.has_old and change.has_new:
        pieces.append((" -> ", _PLAIN))
    if change.has_new:
        pieces.append((_scalar(change.new), _COLOURS["+"]))
    return pieces


def _scalar(value: Any) -> str:
    text = in_one_line(text_of(value))
    return text if len(text) <= _LONGEST_SCALAR else f"{text[:_LONGEST_SCALAR]}… ({len(text):,} characters)"


def _marked(parts: list[tuple[str, str]]) -> Iterator[Piece]:
    for sign, text in parts:
        line = in_one_line(text)
        yield (line if sign == "=" else f"[-{line}-]" if sign == "-" else f"{{+{line}+}}"), _COLOURS[sign]


def _not_verified(report: Report) -> Iterator[list[Piece]]:
    if report.not_verified:
        reasons = ", ".join(f"{number:,} {in_one_line(reason)}" for reason, number in report.not_verified.items())
        yield [(f"not made again: {reasons}", {"yellow": True})]


def _proposals(report: Report) -> Iterator[list[Piece]]:
    found = proposals(report)
    if not found:
        return
    yield [("varies from one live answer to the next; to ignore it, in the ini file:", _PLAIN)]
    yield [("record_ignore =", {"bold": True})]
    for path in found[:_MOST_PROPOSALS]:
        yield [(f"    {in_one_line(path)}", {"bold": True})]
    if len(found) > _MOST_PROPOSALS:
        yield [(f"... and {len(found) - _MOST_PROPOSALS:,} more", _PLAIN)]
