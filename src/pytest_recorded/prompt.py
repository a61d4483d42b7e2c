"""Recorded calls as context for a language model: Markdown of a size that is known beforehand.

The law of this file: the text is never longer than its budget, and content never ends the block that it stands in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .errors import UsageError
from .job import is_http
from .readable import error_part, request_part, response_part, value_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .job import Chunk
    from .jobs import Job
    from .readable import Part

__all__ = ["BUDGET", "chunks_of", "cut", "duration_of", "parts_of", "to_prompt"]

#: Characters; a token of English is about four of them.
BUDGET: Final = 20_000
_LEAST_BUDGET: Final = 1_000
# What is left of a text that is cut has to be worth reading.
_LEAST_TEXT: Final = 100
_LONGEST_LINE: Final = 200
_LONGEST_RUN: Final = 20
_RUNS: Final = re.compile("`{3,}")
_TOO_LONG: Final = re.compile(f"`{{{_LONGEST_RUN + 1},}}")
_LINE_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


class _Block(NamedTuple):
    """A slot: what stands around its text, and the text, which may be cut."""

    before: str
    text: str
    after: str

    @property
    def frame(self) -> int:
        return len(self.before) + len(self.after)


class _Section(NamedTuple):
    """A job: its heading and its slots."""

    heading: str
    blocks: list[_Block]

    @property
    def sizes(self) -> list[int]:
        return [len(block.text) for block in self.blocks]

    @property
    def least_sizes(self) -> list[int]:
        """The sizes of its texts, cut as far as may be."""
        return [min(size, _LEAST_TEXT) for size in self.sizes]

    @property
    def frame(self) -> int:
        """The size of what stands around its texts."""
        return len(self.heading) + sum(block.frame for block in self.blocks)


def to_prompt(jobs: Job | Iterable[Job], budget: int = BUDGET) -> str:
    """Return recorded calls as Markdown, as context for a language model.

    Each is a heading, some facts, and its request, response, data and error as blocks. Where they do not fit, long
    texts are cut in their middle, so that all have the same room; short ones stay whole. Where the calls are too many,
    the last ones are left out. What is left out is said.

    Args:
        jobs: One or several, in the order in which they are to appear.
        budget: The most characters; of English about four are a token.

    Raises:
        UsageError: The budget is no number of characters, or below 1,000.

    """
    if type(budget) is not int or budget < _LEAST_BUDGET:
        raise UsageError(f"budget={budget!r}: give a number of characters, {_LEAST_BUDGET} or more.")
    given: Any = [jobs] if hasattr(jobs, "request_json") else list(jobs)
    sections: list[_Section] = []
    # Room for the line that says how many are left out.
    needed, room = 0, budget - len(_left_out(len(given)))
    for job in given:
        section = _section(job)
        least = section.frame + sum(section.least_sizes)
        if needed + least > room:
            if not sections:
                sections = [_Section(f"{section.heading}… {sum(section.sizes):,} characters left out …\n\n", [])]
            break
        needed += least
        sections.append(section)
    missing = len(given) - len(sections)
    shown = _shown(sections, room if missing else budget)
    return (f"{shown}{_left_out(missing)}" if missing else shown).rstrip("\n")


def _left_out(count: int) -> str:
    return f"… {count:,} {'job' if count == 1 else 'jobs'} left out …\n"


def _shown(sections: list[_Section], room: int) -> str:
    fixed = sum(section.frame for section in sections)
    sizes = [sum(section.sizes) for section in sections]
    shares = _shares(sizes, room - fixed, [sum(section.least_sizes) for section in sections])
    lines: list[str] = []
    for section, share in zip(sections, shares, strict=True):
        lines.append(section.heading)
        parts = _shares(section.sizes, share, section.least_sizes)
        for block, size in zip(section.blocks, parts, strict=True):
            lines += (block.before, cut(block.text, size), block.after)
    return "".join(lines)


def _shares(sizes: list[int], room: int, least: list[int]) -> list[int]:
    """Return how much room each text gets: all that it takes, or as much as every other long one, but its least."""
    left = max(0, room - sum(least))
    shares = list(least)
    hungry = sorted((index for index in range(len(sizes))), key=lambda index: sizes[index] - least[index])
    for place, index in enumerate(hungry):
        more = min(sizes[index] - least[index], left // (len(hungry) - place))
        shares[index] += more
        left -= more
    return shares


def cut(text: str, size: int) -> str:
    """Return a text of at most a size: its beginning and its end, and between them what is left out."""
    if len(text) <= size:
        return text
    mark = f"\n… {len(text):,} characters left out …\n"
    kept = size - len(mark)
    end = kept // 3
    start = kept - end
    mark = f"\n… {len(text) - kept:,} characters left out …\n"
    return text[:start] + mark + (text[-end:] if end else "")


def _section(job: Job) -> _Section:
    took = duration_of(job)
    ended = "" if took is None else f" after {took:,.1f} ms"
    facts = {
        "test": job.scope,
        "status": f"{job.status.value}{ended}",
        "recorded": job.submitted_at,
        "key": job.key or "",
        "id": job.id,
    }
    lines = "".join(f"- {name}: {_line(value)}\n" for name, value in facts.items() if value)
    blocks = [_block(name, part) for name, part in parts_of(job).items() if part]
    return _Section(f"# {_line(job.kind)}\n\n{lines}\n", blocks)


def duration_of(job: Job) -> float | None:
    """Return how long a call took in milliseconds; None if it has not ended, or nobody can tell."""
    try:
        return job.duration_ms
    except (ValueError, TypeError):
        # Times in somebody else's file may be anything.
        return None


def parts_of(job: Job, *, whole: bool = False) -> dict[str, Part | None]:
    """Return the slots of a call as text; `whole`: see `readable`."""
    of_http = is_http(job.kind)
    return {
        "Request": request_part(job.request_json, is_http=of_http, whole=whole),
        "Response": response_part(job.response_json, lambda: chunks_of(job), is_http=of_http, whole=whole),
        "Data": value_part(job.data_json, whole=whole),
        "Error": error_part(job.error_json),
    }


def chunks_of(job: Job) -> Sequence[Chunk]:
    """Return the pieces of the answer of a call, as they are stored."""
    chunks = job._chunks  # noqa: SLF001 - of the job itself they are its response
    return chunks(job.id) if callable(chunks) else chunks


def _block(name: str, part: Part) -> _Block:
    text = _TOO_LONG.sub(lambda run: f"{'`' * _LONGEST_RUN}… {len(run[0]) - _LONGEST_RUN:,} more …", part.text)
    before = f"## {name}\n\n" + (f"{_line(part.line)}\n\n" if part.line else "")
    if not part.language:
        return _Block(before, _line(text), "\n\n" if text else "")
    fence = "`" * max([3, *(len(run) + 1 for run in _RUNS.findall(text))])
    return _Block(f"{before}{fence}{part.language}\n", text, f"\n{fence}\n\n")


def _line(text: str) -> str:
    """Return a text in one line that is not too long."""
    line = _LINE_BREAKS.sub(" ", str(text)).strip()
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
