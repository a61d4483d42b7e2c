"""Which calls an assertion means, and how far a call is from being one of them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl

from .canonical import load_tree
from .compare import ABSENT, Difference, differences
from .errors import ConfigurationError
from .job import Status, is_http
from .message import HttpRequest
from .shown import clip, shown

if TYPE_CHECKING:
    from .jobs import Job

__all__ = ["Wanted", "name_of"]

_LONGEST_KIND = 120
_NO_DATA = "no model picks data of this call: say data=Model"


class Wanted(NamedTuple):
    """What an assertion says about calls.

    Attributes:
        kind: A glob of their names.
        status: How they stand; None for any.
        request: What was asked, in part; None for anything.
        data: What their data is, in part; None for any.
        said: The whole in words. Made at once: objects that compare in their own way may write themselves as what they
            were last compared with.

    """

    kind: str
    status: Status | None
    request: Any
    data: Any
    said: str

    @classmethod
    def of(cls, kind: Any = "*", status: Any = None, request: Any = None, data: Any = None) -> Self:
        """Return what is wanted, checked.

        Raises:
            ConfigurationError: The kind is no text, or the status none that a call can have.

        """
        if not isinstance(kind, str) or not kind:
            raise ConfigurationError(
                f"{shown(kind)} is no kind. Write a kind or a glob of kinds: 'orders.place', 'tools.*'."
            )
        if status is not None and status not in list(Status):
            raise ConfigurationError(f"status={shown(status)}: a call is {', '.join(Status)}.")
        with_ = [f"request {shown(request, 200)}"] * (request is not None) + [f"data {shown(data, 200)}"] * (
            data is not None
        )
        said = (
            ("" if kind == "*" else f" of {name_of(kind)}")
            + (f" with {' and '.join(with_)}" if with_ else "")
            + ("" if status is None else f" that is {status}")
        )
        return cls(kind, None if status is None else Status(status), request, data, said)

    def is_kind_of(self, job: Job) -> bool:
        """Return whether a call has a name that is wanted."""
        return fnmatchcase(job.kind, self.kind) or any(fnmatchcase(name, self.kind) for name in job.names[1:])

    def is_met_by(self, job: Job) -> bool:
        """Return whether a call is what is wanted."""
        return (
            self.is_kind_of(job)
            and (self.status is None or self.status == job.status)
            and not self._of_request(job)
            and not self._of_data(job)
        )

    def differences(self, job: Job) -> list[Difference]:
        """Return where a call of a wanted name is not what is wanted."""
        asked, answered = self._of_request(job), self._of_data(job)
        if self.request is not None and self.data is not None:
            asked = [found._replace(path=f"request {found.path}") for found in asked]
            answered = [found._replace(path=f"data {found.path}") for found in answered]
        is_other = self.status is not None and self.status != job.status
        return [*([Difference("status", str(self.status), str(job.status))] if is_other else []), *asked, *answered]

    def _of_request(self, job: Job) -> list[Difference]:
        if self.request is None:
            return []
        found = _compared(_with_small_headers(self.request, job), job, _asked)
        return [_hinted(difference, job) for difference in found] if found and is_http(job.kind) else found

    def _of_data(self, job: Job) -> list[Difference]:
        found = [] if self.data is None else _compared(self.data, job, lambda job: job.data)
        is_bare = [(one.path, one.actual, one.problem) for one in found] == [("$", None, "")]
        return [found[0]._replace(problem=_NO_DATA)] if is_bare else found


def name_of(kind: str) -> str:
    """Return a kind as messages show it."""
    return clip(kind if kind.isprintable() else repr(kind), _LONGEST_KIND)


def _compared(expected: Any, job: Job, view: Any) -> list[Difference]:
    try:
        actual = view(job)
    except Exception as error:  # noqa: BLE001 - a model's validators are the user's, and so is what is stored
        return [Difference("$", expected, None, f"what is stored cannot be read: {type(error).__name__}")]
    return differences(expected, actual)


def _hinted(difference: Difference, job: Job) -> Difference:
    """Return where a request differs, with what may have been meant: the fields of a body are below `json`."""
    body = _asked(job).get("json") if difference.actual is ABSENT else None
    name = difference.path.removeprefix("$.")
    is_below = isinstance(body, dict) and name in body
    return difference._replace(problem=f"there is $.json.{name}") if is_below else difference


def _asked(job: Job) -> Any:
    """Return what was asked as plain data: arguments by name, or of an HTTP request what one would ask about it."""
    if not is_http(job.kind) or job.request_json is None:
        return job.request
    tree = load_tree(job.request_json)
    if not isinstance(tree, dict) or "method" not in tree:
        return job.request
    request = HttpRequest(str(tree["method"]), str(tree.get("url")), ())
    view = {
        "method": request.method,
        "url": request.url,
        "path": request.path,
        "query": _by_name(request.url.partition("?")[2]),
        "headers": {name.lower(): value for name, value in tree.get("headers", ())},
    }
    forms = {form: tree[form] for form in ("json", "form", "parts", "text") if form in tree}
    return {**view, **forms, **({"form": _by_name(forms["form"])} if "form" in forms else {})}


def _by_name(query: str) -> dict[str, str | list[str]]:
    """Return the parameters of a query or a form; one that is repeated as a list."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _with_small_headers(request: Any, job: Job) -> Any:
    """Return what is wanted of an HTTP request, its headers named as those of the view: case is nothing to a header."""
    headers = request.get("headers") if isinstance(request, dict) and is_http(job.kind) else None
    if not isinstance(headers, dict):
        return request
    return {**request, "headers": {str(name).lower(): value for name, value in headers.items()}}
