"""Assertions on calls: which were made, how often, in which order, and with what data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .data import Data
from .errors import ConfigurationError, SerializationError
from .projection import Projection, projection_for
from .shown import shown
from .unmet import out_of_order, too_few, too_many
from .wanted import Wanted, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .jobs import Job
    from .paths import Path

__all__ = ["Calls"]

Model = TypeVar("Model")


class Calls:
    """Calls in the order in which they were made, to be picked from and asserted on.

    All methods take calls by the same arguments. `kind` is a glob; a call of a language model is also called `llm.` and
    its operation. `status` is how it stands. `request` and `where_data` are compared in part: of dicts the named keys
    have to match, others are free; lists element by element; an object with an `__eq__` of its own, such as those of
    dirty-equals, decides for itself. `request` is compared with a function's arguments by name, or with an HTTP
    request's `method`, `url`, `path`, `query`, `headers`, and its `json`, `form`, `parts` or `text`; `where_data` with
    the projection, models as dicts of their fields.

    Args:
        jobs: The calls.

    """

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs = list(jobs)

    @property
    def jobs(self) -> list[Job]:
        """The calls."""
        return self._jobs

    def _beside(self) -> str:
        """Return what a failure is to say besides: about calls that are not among these."""
        return ""

    def _ignored(self, jobs: Iterable[Job]) -> Iterable[Path]:  # noqa: ARG002 - whoever knows more says more
        """Return what of the data of some calls does not matter."""
        return ()

    def calls(
        self, kind: str = "*", *, status: str | None = None, request: Any = None, where_data: Any = None
    ) -> list[Job]:
        """Return the calls that match, in the order in which they were made.

        Raises:
            ConfigurationError: The kind is no text, or the status none that a call can have.

        """
        wanted = Wanted.of(kind, status, request, where_data)
        return [job for job in self.jobs if wanted.is_met_by(job)]

    def one(self, kind: str = "*", *, status: str | None = None, request: Any = None, where_data: Any = None) -> Job:
        """Return the only call that matches.

        Raises:
            AssertionError: No call matches, or several do.
            ConfigurationError: See `calls`.

        """
        __tracebackhide__ = True
        return self._counted(Wanted.of(kind, status, request, where_data), 1, 1)[0]

    def assert_called(
        self,
        kind: str = "*",
        times: int | None = None,
        *,
        status: str | None = None,
        request: Any = None,
        where_data: Any = None,
    ) -> None:
        """Assert that calls were made: `times` of them, or at least one.

        Raises:
            AssertionError: They were not; it says what was called instead, nearest first.
            ConfigurationError: See `calls`; or `times` is no number of calls.

        """
        __tracebackhide__ = True
        if times is not None and (type(times) is not int or times < 0):
            raise ConfigurationError(f"times={shown(times)} is no number of calls.")
        self._counted(Wanted.of(kind, status, request, where_data), 1 if times is None else times, times)

    def assert_not_called(
        self, kind: str = "*", *, status: str | None = None, request: Any = None, where_data: Any = None
    ) -> None:
        """Assert that no such call was made.

        Raises:
            AssertionError: One was.
            ConfigurationError: See `calls`.

        """
        __tracebackhide__ = True
        self._counted(Wanted.of(kind, status, request, where_data), 0, 0)

    def assert_order(self, steps: Iterable[Any]) -> None:
        """Assert that calls were made in an order. Other calls may lie between them.

        Args:
            steps: A kind or glob of kinds each; or a pair of a kind and a request; or a dict of `kind`, `status`,
                `request` and `where_data`.

        Raises:
            AssertionError: They were not; it says where the order breaks.
            ConfigurationError: A step is none of these.

        """
        __tracebackhide__ = True
        wanted, jobs = _steps(steps), self.jobs
        met: list[int] = []
        for step in wanted:
            start = met[-1] + 1 if met else 0
            place = next((place for place in range(start, len(jobs)) if step.is_met_by(jobs[place])), None)
            if place is None:
                raise AssertionError(out_of_order(wanted, jobs, met, self._beside()))
            met.append(place)

    @overload
    def data(self, what: type[Model], *, kind: str | None = None, status: str | None = None) -> list[Model]: ...

    @overload
    def data(self, what: Any = None, *, kind: str | None = None, status: str | None = None) -> list[Any]: ...

    def data(self, what: Any = None, *, kind: str | None = None, status: str | None = None) -> list[Any]:
        """Return the data of calls, in the order in which they were made.

        Args:
            what: A kind or glob of kinds: the data of these calls. Or a model: all data that is an instance of it; with
                `kind` too, the answers of those calls as the model picks from them.
            kind: Which calls.
            status: How they stand; None for any.

        Raises:
            SerializationError: An answer does not fit the model; it names the call and the path.
            ConfigurationError: See `calls`; or `what` is neither.

        """
        if what is None or isinstance(what, str):
            if what is not None and kind is not None:
                raise ConfigurationError(f"data({what!r}, kind={kind!r}): name the calls once.")
            found = self.calls(what or kind or "*", status=status)
            return Data((job.data for job in found), ignore=self._ignored(found))
        model = projection_for(what, option="data", where="data(…)")
        wanted = Wanted.of(kind or "*", status)
        jobs = [(place, job) for place, job in enumerate(self.jobs) if wanted.is_met_by(job)]
        ignored = self._ignored(job for _, job in jobs)
        if kind is not None and model is not None:
            return Data((_projected(place, job, model) for place, job in jobs), ignore=ignored)
        try:
            return Data([data for _, job in jobs if isinstance(data := job.data, what)], ignore=ignored)
        except TypeError:
            raise ConfigurationError(
                f"data({shown(what)}): Python cannot tell what is an instance of it. Name the calls: data(…, kind='…')."
            ) from None

    def _counted(self, wanted: Wanted, least: int, most: int | None) -> list[Job]:
        __tracebackhide__ = True
        jobs = self.jobs
        met = [place for place, job in enumerate(jobs) if wanted.is_met_by(job)]
        if len(met) < least:
            raise AssertionError(too_few(wanted, jobs, met, least, self._beside()))
        if most is not None and len(met) > most:
            raise AssertionError(too_many(wanted, jobs, met, most, self._beside()))
        return [jobs[place] for place in met]


def _steps(steps: Any) -> list[Wanted]:
    found = [] if isinstance(steps, (str, dict)) else [_step(step) for step in steps]
    if not found:
        raise ConfigurationError(f"assert_order({shown(steps)}): give a list of at least one step. {_HOW}")
    return found


_HOW = "A step is a kind, a pair ('orders.place', {'item': 'tea'}), or a dict of kind, status, request and where_data."


def _step(step: Any) -> Wanted:
    if isinstance(step, str):
        return Wanted.of(step)
    if isinstance(step, tuple) and len(step) == 2:  # noqa: PLR2004 - a pair
        return Wanted.of(step[0], request=step[1])
    if isinstance(step, dict) and step and step.keys() <= {"kind", "status", "request", "where_data"}:
        values = dict(step)
        return Wanted.of(data=values.pop("where_data", None), **values)
    raise ConfigurationError(f"assert_order: {shown(step)} is no step. {_HOW}")


def _projected(place: int, job: Job, model: Projection) -> Any:
    """Return what a model picks from a call's answer."""
    data = job.data
    if isinstance(model.model, type) and type(data) is model.model:
        return data
    where = f"(call #{place + 1}, {name_of(job.kind)})"
    if job.response_json is None and not model.takes_job:
        raise SerializationError(f"it is {job.status} and has no answer; status='completed' leaves it out {where}")
    try:
        return job.project(model.model)
    except SerializationError as error:
        raise SerializationError(f"{error.problem} {where}", error.path) from None
