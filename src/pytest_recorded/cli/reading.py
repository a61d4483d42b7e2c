"""The commands that read: what is recorded, and what it says. None of them writes, and none makes a file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from . import completion
from .output import CassetteOption, JsonOption, cassette_path

__all__ = ["get", "last", "ls", "prompt", "query", "show", "stats", "tail"]


_LATEST = 10
_LARGEST = 5
_BUDGET = 20_000


class Order(StrEnum):
    """The order of `query`."""

    DESC = "desc"
    ASC = "asc"


class By(StrEnum):
    """What `ls` and `stats` sum up by."""

    TEST = "test"
    KIND = "kind"


class Sort(StrEnum):
    """What `ls` and `stats` sort by."""

    NAME = "name"
    AGE = "age"
    SIZE = "size"
    CALLS = "calls"
    TOKENS = "tokens"


_KindOption = Annotated[
    str | None,
    typer.Option(
        "--kind",
        metavar="GLOB",
        help="Only these kinds: http.api.openai.com, shop.*, llm.*.",
        autocompletion=completion.kinds,
    ),
]
_TestArgument = Annotated[
    str | None,
    typer.Argument(metavar="TEST", help="Only these tests: a node id, or a glob.", autocompletion=completion.tests),
]


_StatusOption = Annotated[
    list[str] | None,
    typer.Option("--status", help="completed, failed or interrupted; may be given several times."),
]
_KeyOption = Annotated[str | None, typer.Option("--key", help="Only calls with this idempotency key.")]
_ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope",
        "--test",
        metavar="GLOB",
        help="Only these tests: a node id, or a glob.",
        autocompletion=completion.tests,
    ),
]
_SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Not older: 2030-01-31, 2030-01-31T12:00Z, 12h, 30d.")
]
_UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Not newer; a date is its whole day.")
]
_WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="FIELD=VALUE", help="What the data has: city=Rome, total=5, paid=true. May be repeated."
    ),
]
_LimitOption = Annotated[int, typer.Option("--limit", "-n", min=0, help="The most calls; 0 for all.")]
_OrderOption = Annotated[Order, typer.Option("--order", help="The newest first, or the oldest.")]


def _filters(*given: Any) -> dict[str, Any]:
    names = ("kind", "status", "key", "scope", "since", "until", "where", "limit", "order")
    return dict(zip(names, given, strict=True))


def ls(
    test: _TestArgument = None,
    *,
    kind: _KindOption = None,
    by: Annotated[By, typer.Option("--by", help="A line for each test, or for each kind.")] = By.TEST,
    sort: Annotated[Sort, typer.Option("--sort", help="By what: the newest, the largest first.")] = Sort.NAME,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is recorded, by test or by kind.

    Exit code 0: there is something. 1: nothing fits. 2: there is no cassette, or it cannot be read.
    """
    from .summary import run_ls  # noqa: PLC0415 - each command loads what it needs

    code = run_ls(cassette_path(cassette), test=test, kind=kind, by=by.value, sort=sort.value, as_json=as_json)
    raise typer.Exit(code)


def stats(
    test: _TestArgument = None,
    *,
    kind: _KindOption = None,
    by: Annotated[By, typer.Option("--by", help="A line for each kind, or for each test.")] = By.KIND,
    sort: Annotated[Sort, typer.Option("--sort", help="By what: the largest, the newest first.")] = Sort.NAME,
    largest: Annotated[
        int, typer.Option("--largest", metavar="N", min=0, help="How many of the largest calls are named.")
    ] = _LARGEST,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum up calls, tokens, cost and bytes by kind or by test.

    Named are the largest calls, too, and what makes them large.

    Exit code 0: there is something. 1: nothing fits. 2: there is no cassette, or it cannot be read.
    """
    from .summary import Wanted, run_stats  # noqa: PLC0415 - each command loads what it needs

    wanted = Wanted(test, kind, by.value, sort.value, largest)
    raise typer.Exit(run_stats(cassette_path(cassette), wanted, as_json=as_json))


def show(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids, or their first digits.", autocompletion=completion.ids),
    ],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Streams as they came, not folded.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Large and binary contents whole; headers, too.")] = False,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show calls: what was asked, what came back, what it used.

    Exit code 0: all are shown. 1: an id is not there. 2: an id is too short, or the cassette cannot be read.
    """
    from .show import run_show  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_show(cassette_path(cassette), ids, raw=raw, full=full, as_json=as_json))


def query(
    *,
    kind: _KindOption = None,
    status: _StatusOption = None,
    key: _KeyOption = None,
    scope: _ScopeOption = None,
    since: _SinceOption = None,
    until: _UntilOption = None,
    where: _WhereOption = None,
    limit: _LimitOption = 100,
    order: _OrderOption = Order.DESC,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the calls that fit, a line each.

    Exit code 0: there are some. 1: there are none. 2: a filter is wrong, or the cassette cannot be read.
    """
    from .calls import run_query  # noqa: PLC0415 - each command loads what it needs

    filters = _filters(kind, status, key, scope, since, until, where, limit, order.value)
    raise typer.Exit(run_query(cassette_path(cassette), filters, as_json=as_json))


def prompt(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids, or their first digits.", autocompletion=completion.ids),
    ] = None,
    *,
    kind: _KindOption = None,
    status: _StatusOption = None,
    key: _KeyOption = None,
    scope: _ScopeOption = None,
    since: _SinceOption = None,
    until: _UntilOption = None,
    where: _WhereOption = None,
    limit: _LimitOption = _LATEST,
    order: _OrderOption = Order.DESC,
    budget: Annotated[int, typer.Option("--budget", help="The most characters; about four are a token.")] = _BUDGET,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print calls as context for a language model.

    They are those with the ids, or those that fit.

    Exit code 0: there are some. 1: there are none, or an id is not there. 2: a filter is wrong, or the cassette cannot
    be read.
    """
    from .calls import run_prompt  # noqa: PLC0415 - each command loads what it needs

    filters = _filters(kind, status, key, scope, since, until, where, limit, order.value)
    raise typer.Exit(run_prompt(cassette_path(cassette), ids or [], filters, budget, as_json=as_json))


def last(
    number: Annotated[int, typer.Argument(metavar="[N]", min=1, help="How many.")] = _LATEST,
    *,
    kind: _KindOption = None,
    status: _StatusOption = None,
    cassette: CassetteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the last calls, the newest first.

    Exit code 0: there are some. 1: there are none. 2: the cassette cannot be read.
    """
    from .calls import run_last  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_last(cassette_path(cassette), number, kind, status, as_json=as_json))


def get(
    job_id: Annotated[
        str, typer.Argument(metavar="ID", help="An id, or its first digits.", autocompletion=completion.ids)
    ],
    *,
    request: Annotated[bool, typer.Option("--request", help="What was asked instead.")] = False,
    data: Annotated[bool, typer.Option("--data", help="What was picked out of the answer.")] = False,
    error: Annotated[bool, typer.Option("--error", help="What was raised.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The body of an HTTP call as it was, byte for byte.")] = False,
    cassette: CassetteOption = None,
    _as_json: Annotated[bool, typer.Option("--json", help="As it always is.")] = False,
) -> None:
    """Print what a call answered as JSON, for programs.

    Exit code 0: it is printed. 1: the id is not there, or what was stored cannot be read. 2: the id is too short, or
    the cassette cannot be read.
    """
    from .show import run_get  # noqa: PLC0415 - each command loads what it needs

    slots = [name for name, wanted in (("request", request), ("data", data), ("error", error)) if wanted]
    raise typer.Exit(run_get(cassette_path(cassette), job_id, slots, raw=raw))


def tail(
    *,
    number: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many at first.")] = _LATEST,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those that are recorded.")] = False,
    kind: _KindOption = None,
    cassette: CassetteOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say each as a line of JSON.")] = False,
) -> None:
    """List the latest calls, also of running tests; the newest last.

    Exit code 0: there are some, or it was ended with Ctrl-C. 1: there are none. 2: the cassette cannot be read.
    """
    from .tail import run_tail  # noqa: PLC0415 - each command loads what it needs

    raise typer.Exit(run_tail(cassette_path(cassette), number, kind, follow=follow, as_json=as_json))
