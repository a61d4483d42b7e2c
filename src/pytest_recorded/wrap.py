"""Functions that are recorded by their dotted path, without touching their source.

A path is wrapped once per process, and what was wrapped passes through wherever no book knows the path.
"""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import sys
import types
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from .book import warn
from .decorator import wrapped
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .book import Book
    from .function import Target

__all__ = ["Wrapped", "wrap"]


class Wrapped(NamedTuple):
    """A function that has been wrapped where it is.

    Attributes:
        fn: The function itself.
        receiver: Whether its first parameter is the instance or class of a method.

    """

    fn: Any
    receiver: bool


_wrapped: dict[str, Wrapped] = {}


def wrap(path: str) -> Wrapped:
    """Wrap the function of a dotted path, if that has not been done yet.

    Args:
        path: As `shop.llm.complete` or `shop.Client.ask`.

    Raises:
        ConfigurationError: There is no such function.

    """
    holder, name = _find(path)
    # A module that was imported anew has the bare function again.
    if path not in _wrapped or getattr(getattr(holder, name), "_recorded_path", None) != path:
        _wrapped[path] = _replace(path, holder, name)
    return _wrapped[path]


def _find(path: str) -> tuple[Any, str]:
    """Return what holds the function, and its name there."""
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):  # noqa: PLR2004 - a module and a name
        raise ConfigurationError(f"recorded: {path!r} is no dotted path. Write it as 'shop.llm.complete'.")
    holder, rest = _module(path, parts)
    for at, name in enumerate(rest):
        if not hasattr(holder, name):
            owner = ".".join(parts[: len(parts) - len(rest) + at])
            close = get_close_matches(name, dir(holder), n=1)
            hint = f" Did you mean '{owner}.{close[0]}'?" if close else ""
            raise ConfigurationError(f"recorded: {path!r} does not exist: {owner} has no {name!r}.{hint}")
        if at < len(rest) - 1:
            holder = getattr(holder, name)
    return holder, rest[-1]


def _module(path: str, parts: list[str]) -> tuple[Any, list[str]]:
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            return importlib.import_module(module), parts[length:]
        except ModuleNotFoundError as error:
            # A module that cannot be imported because of one that it imports itself is another matter.
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
    raise ConfigurationError(
        f"recorded: {path!r} does not exist: there is no module {parts[0]!r}. Is its folder on sys.path "
        f"(pytest's option pythonpath)?"
    )


def _replace(path: str, holder: Any, name: str) -> Wrapped:
    made, references = _swap(path, holder, name)
    others = references - _references_alone()
    if others > 0 and not isinstance(holder, type):
        _replace_other_names(path, made.fn, getattr(holder, name), others)
    return made


def _swap(path: str, holder: Any, name: str) -> tuple[Wrapped, int]:
    """Put a wrapper where the function is; return it, and how often the function itself is referred to."""
    raw = inspect.getattr_static(holder, name)
    original = raw.__func__ if isinstance(raw, staticmethod | classmethod) else getattr(holder, name)
    if isinstance(holder, type) and inspect.isfunction(raw):
        original = raw
    _check(path, original)
    replacement = wrapped(original, functools.partial(_target, path), takes_key=False)
    vars(replacement)["_recorded_path"] = path
    try:
        setattr(
            holder,
            name,
            type(raw)(replacement) if isinstance(raw, staticmethod | classmethod) else replacement,
        )
    except (AttributeError, TypeError):
        raise ConfigurationError(
            f"recorded: {path!r} cannot be replaced: {holder!r} does not allow it. Wrap it in a function of your own "
            f"and name that."
        ) from None
    in_class = isinstance(holder, type) and not isinstance(raw, staticmethod)
    made = Wrapped(original, in_class and not inspect.ismethod(original))
    return made, sys.getrefcount(original)


@functools.cache
def _references_alone() -> int:
    """Return how often a function is referred to, after `_swap`, that nobody else has."""
    module = types.ModuleType("alone")
    vars(module)["call"] = lambda: None
    return _swap("alone.call", module, "call")[1]


def _check(path: str, original: Any) -> None:
    known = getattr(original, "_recorded_path", None)
    if known is not None:
        raise ConfigurationError(f"recorded: {path!r} is the same function as {known!r}. Use one of the two paths.")
    if isinstance(original, type):
        raise ConfigurationError(f"recorded: {path!r} is a class. Name a method of it: '{path}.…'.")
    if not callable(original):
        raise ConfigurationError(f"recorded: {path!r} is not callable; it is a {type(original).__name__}.")


def _target(path: str, book: Book) -> Target | None:
    return book.targets.get(path)


def _replace_other_names(path: str, original: Any, replacement: Any, others: int) -> None:
    """Replace the function where modules have imported it by name; name the places where it cannot be replaced.

    Args:
        path: The path of the function.
        original: The function.
        replacement: What has taken its place.
        others: How many others refer to it.

    """
    for module in list(sys.modules.values()):
        names = vars(module) if isinstance(module, types.ModuleType) else {}
        # Not a comprehension, which would be one more holder.
        for name, value in list(names.items()):
            if value is original:
                setattr(module, name, replacement)
                others -= 1
    if others <= 0:
        return
    # Each question to the garbage collector looks at every object there is: our own cell is not worth any.
    own = set(map(id, replacement.__closure__ or ()))
    holders = [place for holder in gc.get_referrers(original) if id(holder) not in own and (place := _describe(holder))]
    if holders:
        warn(
            f"{path} is recorded, but {', '.join(sorted(set(holders)))} still has the function itself and calls it "
            f"unrecorded. Look it up when it is called, or decorate it with @recorder."
        )


def _describe(holder: Any) -> str | None:
    """Return in words what holds a function; None for what calls nothing: frames, modules, our own wrappers."""
    if isinstance(holder, functools.partial):
        return f"{holder!r}"[:80]
    if isinstance(holder, types.CellType):
        return _owner_of_closure(holder)
    if isinstance(holder, dict):
        return _owner_of_dict(holder)
    if isinstance(holder, types.MethodType):
        return None
    return f"a {type(holder).__name__}" if isinstance(holder, list | set) else None


def _owner_of_closure(cell: types.CellType) -> str | None:
    for closure in gc.get_referrers(cell):
        for function in gc.get_referrers(closure) if isinstance(closure, tuple) else ():
            if isinstance(function, types.FunctionType) and not _is_ours(function):
                return f"the closure of {function.__module__}.{function.__qualname__}"
    return None


def _is_ours(function: types.FunctionType) -> bool:
    # Our wrappers carry the name of what they wrap; their globals tell where they come from.
    return str(function.__globals__.get("__name__")).startswith(__name__.partition(".")[0] + ".")


def _owner_of_dict(content: dict[Any, Any]) -> str | None:
    if content is _wrapped or "__wrapped__" in content or "__builtins__" in content:
        return None
    for owner in gc.get_referrers(content):
        if isinstance(owner, type) and owner.__dict__.items() >= content.items():
            return f"the class {owner.__module__}.{owner.__qualname__}"
        if getattr(owner, "__dict__", None) is content and not isinstance(owner, types.ModuleType):
            return f"an attribute of a {type(owner).__name__}"
        if isinstance(owner, dict) and "__builtins__" in owner:
            name = next((name for name, value in owner.items() if value is content), "?")
            return f"the dict {owner.get('__name__')}.{name}"
    return None
