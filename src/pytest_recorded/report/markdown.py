"""A report as Markdown, for pull requests and for the summary of a GitHub job.

The law of this file: recorded text is code, in a span or in a fence, and cannot leave it; so nothing of it becomes a
link, a mention or HTML. The whole is bounded in bytes, and says what it has left out.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from ..changes.model import ORDER, ChangeClass
from ..shown import clip, harmless, in_one_line
from .digest import MEANING, Digest, chained, groups_of, metric_lines, proposals, rows, title
from .values import alike, edit_of, in_words, place, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..changes.model import Change, Report
    from .digest import Shown

__all__ = ["render_markdown"]

#: A summary of more than 1 MiB is lost, and GitHub says so nowhere in the job.
LIMIT: Final = 900_000
_MOST_TESTS: Final = 10
_MOST_CHANGES: Final = 20
_MOST_CASSETTES: Final = 5
_LONGEST_SPAN: Final = 300
_LONGEST_VALUE: Final = 20_000
_LONGEST_SIDE: Final = 2_000
_AROUND: Final = 200
# For the sentence that says what was left out.
_RESERVE: Final = 200


def render_markdown(report: Report, limit: int = LIMIT) -> str:
    """Return a report as Markdown.

    Args:
        report: The report.
        limit: It has fewer bytes in UTF-8: those of GitHub's summaries, or of where it is to be shown.

    Raises:
        ValueError: The limit leaves no room for anything.

    """
    digest = Digest(report)
    head = "".join(_head(digest))
    left = limit - _RESERVE - len(head.encode())
    if left < 0:
        raise ValueError(f"{limit:,} bytes are too few for a report: give it 10,000 or more")
    parts, found = [head], list(digest.groups())
    for number, shown in enumerate(found):
        part = _group(digest, shown)
        left -= len(part.encode())
        if left < 0:
            cut = f"{len(found) - number:,} of {len(found):,} groups are left out, for want of room"
            parts.append(f"\n**Cut:** {cut}.\n")
            break
        parts.append(part)
    else:
        parts += [part for part in _end(digest) if (left := left - len(part.encode())) >= 0]
    return "".join(parts)


def _head(digest: Digest) -> Iterator[str]:
    report = digest.report
    yield f"## C{title(report)[1:]}\n"
    if report.cassettes:
        yield f"\n{_spans(report.cassettes, _MOST_CASSETTES)}\n"
    if not digest.changed:
        yield "\nNothing has changed.\n"
        return
    yield "\n| class | calls | groups | tests | what it means |\n|---|--:|--:|--:|---|\n"
    for row in rows(report):
        yield f"| {row.change_class} | {row.calls:,} | {row.groups:,} | {row.tests:,} | {MEANING[row.change_class]} |\n"
    if metrics := metric_lines(report.metrics, many=True):
        yield "\n" + " · ".join(f"{name} {text}" for name, text in metrics).replace("->", "→") + "\n"


def _group(digest: Digest, shown: Shown) -> str:
    group = shown.group
    what = ", ".join(dict.fromkeys(call.name or call.kind for call in shown.calls))
    number = f"{len(group.calls):,} call{'' if len(group.calls) == 1 else 's'}"
    body = "".join(_body(digest, shown))
    where = place(group.slot, group.path)
    if ORDER[group.change_class] <= ORDER[ChangeClass.PROJECTION]:
        head = (
            f"### {group.change_class}: {_span(where)}\n\n{number} of {_span(what)}, group {_span(group.fingerprint)}"
        )
        return f"\n{head}\n{body}"
    summary = f"{group.change_class}: {_code(where)}, {number} of {_code(what)}, group {_code(group.fingerprint)}"
    return f"\n<details>\n<summary>{summary}</summary>\n{body}\n</details>\n"


def _body(digest: Digest, shown: Shown) -> Iterator[str]:
    if shown.tests:
        yield f"\nTests: {_spans(shown.tests, _MOST_TESTS)}\n"
    if shown.chain is not None:
        request = f" {_span(digest.calls[shown.chain].request)}" if shown.chain in digest.calls else ""
        yield f"\nA {chained(shown)} {_span(shown.chain[:12])}{request}\n"
    if hint := next((call.hint for call in shown.calls if call.hint), ""):
        yield f"\n{_span(hint)}\n"
    if diff := "\n".join(line for change in shown.changes[:_MOST_CHANGES] for line in _diff(change)):
        yield f"\n{_fenced(diff, 'diff')}"
    if len(shown.changes) > _MOST_CHANGES:
        yield f"\nand {len(shown.changes) - _MOST_CHANGES:,} more\n"


def _diff(change: Change) -> Iterator[str]:
    """Yield a change as lines of a diff."""
    how = ", ".join(filter(None, (change.op, alike(change))))
    yield f"@@ {clip(place(change.slot, change.path), _LONGEST_SPAN)} ({how}) @@"
    if change.op == "invalid":
        yield f"! {clip(in_words(change) or '', _LONGEST_SIDE)}"
        return
    edit = edit_of(change, _LONGEST_VALUE)
    parts = shortened(edit.words, _AROUND)
    for sign in "-+":
        side = "".join(text for kind, text in parts if kind in ("=", sign))
        if change.has_old if sign == "-" else change.has_new:
            yield from (f"{sign} {line}" for line in clip(side, _LONGEST_SIDE).split("\n"))
    if (said := in_words(change)) is not None:
        yield f"  {said}"
    if edit.cut:
        yield f"  {edit.cut}"


def _end(digest: Digest) -> Iterator[str]:
    report = digest.report
    if counted := digest.counted():
        yield f"\nNot shown: {groups_of(counted)}.\n"
    if report.not_verified:
        reasons = ", ".join(f"{number:,} {_span(reason)}" for reason, number in report.not_verified.items())
        yield f"\nNot made again: {reasons}.\n"
    if found := proposals(report):
        lines = "\n".join(["record_ignore =", *(f"    {in_one_line(path)}" for path in found)])
        yield "\nThese vary from one live answer to the next. To ignore them, in the ini file:\n\n" + _fenced(
            lines, "ini"
        )


def _spans(texts: Sequence[str], most: int) -> str:
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(map(_span, texts[:most])) + more


def _fenced(text: str, language: str) -> str:
    """Return a text as a block of code that nothing in it can end."""
    fence = "`" * (1 + max([2, *(len(run) for run in re.findall("`+", text))]))
    return f"{fence}{language}\n{text}\n{fence}\n"


def _span(text: str) -> str:
    """Return a text as code in a line, which nothing in it can end."""
    text = clip(_bare(text), _LONGEST_SPAN)
    ticks = "`" * (1 + max([0, *(len(run) for run in re.findall("`+", text))]))
    around = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text else ""
    return f"{ticks}{around}{text}{around}{ticks}"


def _code(text: str) -> str:
    """Return a text as code in a line of HTML."""
    return f"<code>{escape(clip(_bare(text), _LONGEST_SPAN))}</code>"


def _bare(text: str) -> str:
    return in_one_line(harmless(text))
