"""Everything that the caller of an SDK can see of what came."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from sdks import Sdk

# Headers that some SDKs show to their callers: of a replay they are placeholders, or gone with the encoding.
_REPLACED = {"date", "x-amzn-requestid", "server", "content-encoding", "content-length", "transfer-encoding"}
# What a package makes itself, for each call another one.
_MADE_ANEW = {"langchain_core": ("id",), "litellm": ("id", "created")}


@dataclass
class Seen:
    """What a call gave: a value, or the items of a stream as far as it was read; and what it raised."""

    value: Any = None
    items: list[Any] = field(default_factory=list)
    error: tuple[Any, ...] | None = None
    raised: Any = field(default=None, compare=False)


def see(sdk: Sdk, url: str, scenario: str, *texts: str, limit: int | None = None, **more: Any) -> list[Seen]:
    """Make a client and play a scenario with it for each text, one after the other; `limit`: items read of a stream."""
    if sdk.is_async:
        return anyio.run(lambda: _see_async(sdk, url, scenario, texts, limit, more))
    client = sdk.client(url, **more)
    try:
        return [_see(sdk, client, scenario, text, limit) for text in texts]
    finally:
        _close(client)


def see_at_once(sdk: Sdk, url: str, scenario: str, *texts: str) -> list[Seen]:
    """Play a scenario for all texts at the same time: in threads, or in tasks."""
    if sdk.is_async:
        return anyio.run(lambda: _see_together(sdk, url, scenario, texts))
    client = sdk.client(url)
    try:
        with ThreadPoolExecutor(len(texts)) as pool:
            return list(pool.map(lambda text: _see(sdk, client, scenario, text, None), texts))
    finally:
        _close(client)


async def _see_together(sdk: Sdk, url: str, scenario: str, texts: tuple[str, ...]) -> list[Seen]:
    client = sdk.client(url)
    found: dict[str, Seen] = {}

    async def one(text: str) -> None:
        found[text] = await _asee(sdk, client, scenario, text, None)

    try:
        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(one, text)
    finally:
        await _aclose(client, *sdk.opened)
    return [found[text] for text in texts]


async def _see_async(sdk: Sdk, url: str, scenario: str, texts: Any, limit: int | None, more: Any) -> list[Seen]:
    client = sdk.client(url, **more)
    try:
        return [await _asee(sdk, client, scenario, text, limit) for text in texts]
    finally:
        await _aclose(client, *sdk.opened)


def _see(sdk: Sdk, client: Any, scenario: str, text: str, limit: int | None) -> Seen:
    seen = Seen()
    try:
        value = getattr(sdk, scenario)(client, text)
        if scenario.startswith("stream"):
            items = iter(value)
            while len(seen.items) != limit and (item := next(items, None)) is not None:
                seen.items.append(plain(item))
            _close(value)
        else:
            seen.value = plain(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same again
        seen.error, seen.raised = told(error), error
    return seen


async def _asee(sdk: Sdk, client: Any, scenario: str, text: str, limit: int | None) -> Seen:
    seen = Seen()
    try:
        value = getattr(sdk, scenario)(client, text)
        value = await value if inspect.isawaitable(value) else value
        if scenario.startswith("stream"):
            items = aiter(value)
            while len(seen.items) != limit and (item := await anext(items, None)) is not None:
                seen.items.append(plain(item))
            await _aclose(items, value)
        else:
            seen.value = plain(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same again
        seen.error, seen.raised = told(error), error
    return seen


def plain(value: Any) -> Any:
    """Return a value with its types, without what an SDK makes anew for each call."""
    if hasattr(value, "model_dump"):
        dumped = value.model_dump()
        for name in _MADE_ANEW.get(type(value).__module__.partition(".")[0], ()):
            dumped.pop(name, None)
        if isinstance(response := dumped.get("sdk_http_response"), dict):
            response["headers"] = _kept(response["headers"])
        return type(value), dumped
    if isinstance(value, dict) and "ResponseMetadata" in value:
        kept = _kept(value["ResponseMetadata"].get("HTTPHeaders"))
        status = value["ResponseMetadata"].get("HTTPStatusCode")
        return {**value, "ResponseMetadata": {"HTTPHeaders": kept, "HTTPStatusCode": status}}
    return type(value), value.tolist() if hasattr(value, "tolist") else value


def _kept(headers: dict[str, str] | None) -> dict[str, str]:
    return {name: text for name, text in (headers or {}).items() if name not in _REPLACED}


def told(error: BaseException) -> tuple[Any, ...]:
    """Return what an exception says to those who look at it, and at what it was raised from."""
    response = getattr(error, "response", None)
    body = getattr(error, "body", None)
    if isinstance(response, dict):
        body = plain(response)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    return _named(error), str(error), status, body, _cause(error)


def _named(error: BaseException) -> str:
    """Return the name of its type: botocore makes its types anew for each client."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _cause(error: BaseException) -> tuple[str, str] | None:
    """Return what an SDK raised an exception from; what httpx raised its own from is not recorded."""
    cause = None if type(error).__module__.startswith("httpx") else error.__cause__
    return (_named(cause), str(cause)) if cause else None


def _close(thing: Any) -> None:
    for name in ("close", "__exit__"):
        if callable(close := getattr(thing, name, None)):
            close(*(None, None, None) if name == "__exit__" else ())
            return


async def _aclose(*things: Any) -> None:
    for thing in things:
        names = [name for name in ("aclose", "close", "__aexit__") if callable(getattr(thing, name, None))]
        for name in names[:1]:
            done = getattr(thing, name)(*(None, None, None) if name == "__aexit__" else ())
            if inspect.isawaitable(done):
                await done
