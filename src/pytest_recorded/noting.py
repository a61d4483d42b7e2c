"""What is noted of a call at its end, besides its answer: its data, made of what is stored of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .codec import to_text
from .jobs import Job
from .llm import figures, price

if TYPE_CHECKING:
    from .call import Ticket
    from .job import Answer
    from .projection import Projection

__all__ = ["with_data"]


def with_data(answer: Answer, ticket: Ticket, own: Projection | None = None) -> tuple[Answer, str]:
    """Return an answer with its data; see `Call.projected`. `own`: the model of the function itself.

    It is made of the row, not of what the call returned: so it holds no secret, and can be made again at any time. A
    fault in it, of the user's model say, never costs the recording.
    """
    try:
        return _noted(answer, ticket, own)
    except Exception as error:  # noqa: BLE001 - see above
        return answer, f"has no data ({type(error).__name__}: {error})."


def _noted(answer: Answer, ticket: Ticket, own: Projection | None) -> tuple[Answer, str]:
    row = ticket.row("", answer)
    job = Job.of(row, answer.chunks)
    info = job.info
    if ticket.attached:
        info["attached"] = sorted(ticket.attached)
    if (call := job.llm) is not None:
        info["llm"] = figures(call, price(call, job.recorded_at))
    if info:
        row = row._replace(info_json=to_text(info))
    job = Job.of(row, answer.chunks, lambda names: own or ticket.book.projection_of(names))
    tree, problem = job.picked()
    return answer._replace(data_json=None if tree is None else to_text(tree), info_json=row.info_json), problem
