"""`@recorder`: a function whose calls are recorded, in whichever book they are made."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from .book import warn
from .drive import adrive, drive
from .errors import ConfigurationError
from .frame import Frame, current_frame, entered
from .function import FunctionCall, nested_stream
from .options import strings, unknown_argument
from .paths import parse
from .projection import projection_for
from .recording import default_recorder
from .rules import rules_from
from .target import Slots, Target, target_of

if TYPE_CHECKING:
    from .book import Book

__all__ = ["SLOT_ARGUMENTS", "recorder", "slots_from", "wrapped"]

F = TypeVar("F", bound=Callable[..., Any])

#: The arguments of `recorder` that say what is kept of a call; a marker that names functions takes them too.
SLOT_ARGUMENTS: Final = ("key", "request", "response", "data", "error", "ignore", "redact", "verify")


@overload
def recorder(fn: F, /) -> F: ...


@overload
def recorder(
    fn: None = None,
    /,
    *,
    kind: str | None = None,
    key: Callable[..., str | None] | None = None,
    request: Any = None,
    response: Any = None,
    data: Any = None,
    error: Any = None,
    ignore: Iterable[str] = (),
    redact: Iterable[str] = (),
    verify: bool = True,
) -> Callable[[F], F]: ...


def recorder(fn: Any = None, /, *, kind: str | None = None, **slots: Any) -> Any:  # noqa: D417 - see the overload
    """Record the calls of a function.

    Works on functions, coroutine functions, generators, asynchronous generators, methods, static and class methods.
    The function keeps its signature, and its calls return or raise what they would without it. A call may name its
    key, `place(order, key="order-17")`, and say whether a recorded failure is to be tried again, `retry_failed=False`;
    a function that has such parameters of its own, or takes any (`**kwargs`), keeps them.

    Args:
        fn: The function, when used without arguments.
        kind: What its calls are called; by default its module and qualified name.
        key: Makes the key from the arguments of a call; None for a call without one.
        request: A model of what is kept of the arguments.
        response: A model of what it returns.
        data: A model that picks what matters out of what it returns.
        error: A model of what `attach_error` takes; or the exceptions that the function raises.
        ignore: Paths into the arguments that are left out of the key, see the option `ignore`.
        redact: What is secret in arguments and answers, see the option `redact`.
        verify: Whether the mode `verify` may call it again; False for what has effects, such as orders and e-mails.

    Raises:
        ConfigurationError: An argument is wrong.

    """
    if isinstance(kind, str) and kind.startswith("http."):
        raise ConfigurationError(
            f"recorder: the kind {kind!r} begins with 'http.', which is kept for HTTP calls. Use another, such as "
            f"'api.{kind.removeprefix('http.')}'."
        )
    read = slots_from(slots, where="recorder")
    if fn is None:
        return lambda function: _decorated(function, kind, read)
    return _decorated(fn, kind, read)


def slots_from(given: dict[str, Any], *, where: str) -> Slots:
    """Return what a decorator or a marker says about a function.

    Raises:
        ConfigurationError: An argument is wrong.

    """
    if unknown := [name for name in given if name not in SLOT_ARGUMENTS]:
        raise unknown_argument(unknown[0], ("kind", *SLOT_ARGUMENTS), where=where)
    key = given.get("key")
    if key is not None and not callable(key):
        raise ConfigurationError(
            f"{where}: key={key!r} is no function. Give one that makes the key from the arguments: "
            f"key=lambda order: order.id. A fixed key is named by the call: function(…, key={key!r})."
        )
    error: Any = given.get("error")
    errors: tuple[type[BaseException], ...] = ()
    if error is not None and _are_exceptions(error):
        error, errors = None, error if isinstance(error, tuple) else (error,)
    redact = strings(given.get("redact") or (), f"{where}: redact")
    ignore = strings(given.get("ignore") or (), f"{where}: ignore")
    verify = given.get("verify", True)
    if not isinstance(verify, bool):
        raise ConfigurationError(f"{where}: verify={verify!r} is neither True nor False.")
    return Slots(
        key=key,
        request=projection_for(given.get("request"), option="request", where=where),
        response=projection_for(given.get("response"), option="response", where=where),
        data=projection_for(given.get("data"), option="data", where=where),
        error=projection_for(error, option="error", where=where),
        errors=errors,
        ignore=tuple(parse(path, where=f"{where}: ignore") for path in ignore),
        redact=rules_from(redact, where=f"{where}: redact") if redact else None,
        verify=verify,
    )


def _are_exceptions(error: Any) -> bool:
    classes = error if isinstance(error, tuple) else (error,)
    return bool(classes) and all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in classes)


def _decorated(fn: Any, kind: str | None, slots: Slots, *, is_static: bool = False) -> Any:
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(_decorated(fn.__func__, kind, slots, is_static=isinstance(fn, staticmethod)))
    if not callable(fn):
        raise ConfigurationError(f"recorder: {fn!r} is not callable. Decorate a function or a method.")
    if isinstance(fn, type):
        raise ConfigurationError(f"recorder: {fn.__qualname__} is a class. Decorate its methods.")
    kind = kind or _name_of(fn)
    known = target_of(kind)
    if known is not None and _name_of(known.fn) != _name_of(fn):
        warn(
            f"{_name_of(known.fn)} and {_name_of(fn)} are both recorded as {kind!r}: calls with the same arguments "
            f"share their recordings. Give them kinds of their own: @recorder(kind=…)."
        )
    target = Target(fn, kind, slots, receiver=not is_static and _is_method(fn))
    return wrapped(fn, lambda _book: target, takes_key=True)


def _name_of(fn: Any) -> str:
    named = fn.func if isinstance(fn, functools.partial) else fn
    named = named if hasattr(named, "__qualname__") else type(named)
    # Methods of built-in types have no module.
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def _is_method(fn: Any) -> bool:
    """Return whether a function was defined in a class and has the instance or class as its first parameter."""
    fn = fn.func if isinstance(fn, functools.partial) else fn
    around = getattr(fn, "__qualname__", "").rpartition(".")[0]
    if not around or around.endswith("<locals>") or inspect.ismethod(fn):
        return False
    code = getattr(inspect.unwrap(fn), "__code__", None)
    return code is not None and code.co_varnames[:1] in (("self",), ("cls",)) and code.co_argcount > 0


def wrapped(fn: Any, target_in: Callable[[Book], Target | None], *, takes_key: bool) -> Any:
    """Return a function that makes its calls in the current book, if that knows a target for it.

    Args:
        fn: The function.
        target_in: Returns what a book records of it; None to run it bare.
        takes_key: Whether a call may name `key=` and `retry_failed=`.

    """
    admit = _admission(fn, target_in, takes_key=takes_key)
    flavour = fn if inspect.isroutine(fn) or isinstance(fn, functools.partial) else type(fn).__call__
    if inspect.iscoroutinefunction(flavour):
        return _coroutine(fn, admit)
    if inspect.isasyncgenfunction(flavour):
        return _async_generator(fn, admit)
    if inspect.isgeneratorfunction(flavour):
        return _generator(fn, admit)
    return _plain(fn, admit)


# A call to be made in a book; the frame of one that is nested in a recorded call; None for a bare one.
_Admit = Callable[[tuple[Any, ...], dict[str, Any]], "FunctionCall | Frame | None"]


def _admission(fn: Any, target_in: Callable[[Book], Target | None], *, takes_key: bool) -> _Admit:
    own = _own_parameters(fn) if takes_key else set()
    takes_key, takes_retry = takes_key and "key" not in own, takes_key and "retry_failed" not in own

    def admit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> FunctionCall | Frame | None:
        key, retry_failed = None, True
        if kwargs:
            if takes_key:
                key = kwargs.pop("key", None)
            if takes_retry:
                retry_failed = kwargs.pop("retry_failed", True)
        frame = current_frame()
        if frame is None:
            book: Book | None = default_recorder()
        else:
            book = frame.book
            if not (frame.inside is None or book.nests or frame.inside.is_left_out):
                nested = target_in(book)
                return frame._replace(nested=nested) if nested is not None else None
        target = target_in(book) if book is not None else None
        arguments = target.binder.bind(args, kwargs) if target is not None else None
        if book is None or target is None or arguments is None:
            # Arguments that do not fit are the function's to complain about.
            return None
        if key is None and target.slots.key is not None:
            key = _made_key(target, args, kwargs)
        if key is not None and type(key) is not str:
            key = _text_of(key, target)
        return FunctionCall(target, book, arguments, key, retry_failed=retry_failed)

    return admit


def _made_key(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    make: Any = target.slots.key
    try:
        return make(*args, **kwargs)
    except Exception as error:
        raise ConfigurationError(
            f"{target.kind}: its key= raised {type(error).__name__} for these arguments. It takes the arguments of "
            f"the function, and returns a string, or None for a call without a key."
        ) from error


def _text_of(key: Any, target: Target) -> str:
    if not isinstance(key, str):
        raise ConfigurationError(f"{target.kind}: the key {key!r} is no string. Write key=str(…).")
    # An enumeration, or a class of the caller's own: what counts is the text itself.
    return str.__str__(key)


def _own_parameters(fn: Any) -> set[str]:
    """Return the names that a function takes; one that takes any name has these two as well."""
    try:
        parameters = inspect.signature(fn).parameters
    except (ValueError, TypeError):
        return set()
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {*parameters, "key", "retry_failed"} if takes_any else set(parameters)


def _plain(fn: Any, admit: _Admit) -> Any:
    @functools.wraps(fn)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        call = admit(args, kwargs)
        if call is None:
            return fn(*args, **kwargs)
        if isinstance(call, Frame):
            with entered(call):
                return fn(*args, **kwargs)
        return drive(call, lambda: fn(*args, **kwargs))

    return recorded


def _coroutine(fn: Any, admit: _Admit) -> Any:
    @functools.wraps(fn)
    async def recorded(*args: Any, **kwargs: Any) -> Any:
        call = admit(args, kwargs)
        if call is None:
            return await fn(*args, **kwargs)
        if isinstance(call, Frame):
            with entered(call):
                return await fn(*args, **kwargs)
        return await adrive(call, lambda: fn(*args, **kwargs))

    return recorded


def _generator(fn: Any, admit: _Admit) -> Any:
    @functools.wraps(fn)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        call = admit(args, kwargs)
        if call is None:
            return (yield from fn(*args, **kwargs))
        if isinstance(call, Frame):
            return (yield from nested_stream(fn(*args, **kwargs), call))
        return (yield from drive(call, lambda: fn(*args, **kwargs)))

    return recorded


def _async_generator(fn: Any, admit: _Admit) -> Any:
    @functools.wraps(fn)
    async def recorded(*args: Any, **kwargs: Any) -> Any:
        call = admit(args, kwargs)
        if call is None:
            stream = fn(*args, **kwargs)
        elif isinstance(call, Frame):
            stream = nested_stream(fn(*args, **kwargs), call)
        else:
            stream = await adrive(call, lambda: _ready(fn(*args, **kwargs)))
        # An asynchronous generator cannot delegate to another: what `yield from` does is written out.
        step = functools.partial(anext, stream)
        while True:
            try:
                item = await step()
            except StopAsyncIteration:
                return
            try:
                sent = yield item
            except GeneratorExit:
                await stream.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - it was thrown in; the generator is to have it
                step = functools.partial(stream.athrow, error)
            else:
                step = functools.partial(anext, stream) if sent is None else functools.partial(stream.asend, sent)

    return recorded


async def _ready(value: Any) -> Any:
    return value
