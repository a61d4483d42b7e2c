"""What is noted of a call at its end, besides its answer: its data, made of what is stored of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .codec import to_text
from .jobs import Job
from .llm import figures, price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .call import Ticket
    from .job import Answer, Chunk, Row
    from .jobs import Choose
    from .projection import Projection

__all__ = ["again", "with_data"]

# What a call has cost was said when it was recorded; prices that were corrected since change no recording.
_PRICED: Final = ("cost_usd", "prices")
# How a problem begins where it is told of a call that has just been made.
_NO_DATA: Final = "has no data. "


def with_data(answer: Answer, ticket: Ticket, own: Projection | None = None) -> tuple[Answer, str]:
    """Return an answer with its data; see `Call.projected`. `own`: the model of the function itself."""
    row = ticket.row(ticket.address.scope if ticket.address else "", answer)
    choose = lambda names: own or ticket.book.projection_of(names)  # noqa: E731 - the shortest name for it
    row, problem = _noted(row, answer.chunks, choose, {"attached": sorted(ticket.attached)} if ticket.attached else {})
    # Stored is the moment that a model has seen.
    answer = answer._replace(data_json=row.data_json, info_json=row.info_json, completed_at=row.completed_at)
    return answer, problem


def again(row: Row, chunks: Sequence[Chunk], choose: Choose) -> tuple[Row, str]:
    """Return a recorded row with the data and the notes that it would have if it were recorded with another model.

    Args:
        row: The row.
        chunks: The pieces of its answer.
        choose: Says by a call's names which model picks its data.

    Returns:
        The row, and what is wrong with its data, `""` if nothing is. Then it has its data as before.

    """
    try:
        attached = Job.of(row, chunks).attached
    except Exception as error:  # noqa: BLE001 - a file may hold anything
        return row, f"it cannot be read ({type(error).__name__}: {error})."
    bare = row._replace(data_json=to_text(attached) if attached else None)
    made, problem = _noted(bare, chunks, choose, {})
    return (made._replace(data_json=row.data_json), problem.removeprefix(_NO_DATA)) if problem else (made, "")


def _noted(row: Row, chunks: Sequence[Chunk], choose: Choose, notes: dict[str, Any]) -> tuple[Row, str]:
    """Return a row with its data, and what is wrong with that.

    It is made of the row, not of what the call returned: so it holds no secret, and can be made again at any time. A
    fault in it, of the user's model say, never costs the recording.
    """
    try:
        job = Job.of(row, chunks)
        info = {**job.info, **notes}
        if (call := job.llm) is not None:
            before = job.figures
            kept = {name: before[name] for name in _PRICED if name in before}
            info["llm"] = figures(call, None if kept else price(call, job.recorded_at)) | kept
        if info != job.info:
            row = row._replace(info_json=to_text(info))
        tree, problem = Job.of(row, chunks, choose).picked()
    except Exception as error:  # noqa: BLE001 - see above
        return row, f"has no data ({type(error).__name__}: {error})."
    return row._replace(data_json=None if tree is None else to_text(tree)), problem
