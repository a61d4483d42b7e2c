"""Exceptions as JSON trees, and back: class, text, arguments, notes and attributes.

The law of this file: a class comes from `Types`, or is one of Python's own that is loaded already; `RecordedFailure`
stands in for any other. An exception is made by its built-in base: no code of its class runs.
"""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Any

from .converters import converter_of
from .errors import RecordedFailure
from .misfit import Misfit, at, field
from .objects import attributes, class_name, dumped, loaded, unpack_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from .objects import Types

__all__ = ["pack_error", "rebuild_error"]


def pack_error(error: BaseException, pack: Callable[[Any], Any], lost: list[str] | None = None) -> dict[str, Any]:
    """Return an exception as a JSON tree: class, text, arguments, notes and attributes.

    Args:
        error: The exception.
        pack: Packs one value, or raises a misfit.
        lost: If given, what cannot be stored is left out and its path appended here, instead of a misfit.

    """
    packed: dict[str, Any] = {"type": class_name(type(error)), "message": _text_of(error)}
    converter = converter_of(type(error))
    if converter is not None:
        value = _pack_part("", error, lambda item: dumped(converter, item, pack), lost, _nothing)
        if value is not None:
            return {**packed, **value}
    # OSError keeps its file names out of args; only its reduction has them all.
    all_args = OSError.__reduce__(error)[1] if isinstance(error, OSError) else error.args
    packed["args"] = [_pack_part(f".args[{index}]", item, pack, lost, _text_of) for index, item in enumerate(all_args)]
    carried = {name: item for name, item in attributes(error).items() if not name.startswith("__")}
    state = {name: _pack_part(field(name), item, pack, lost, _nothing) for name, item in carried.items()}
    if isinstance(notes := vars(error).get("__notes__"), list) and notes:
        packed["notes"] = [_text_of(note) for note in notes]
    if state := {name: item for name, item in state.items() if lost is None or field(name) not in lost}:
        packed["state"] = state
    return packed


def _pack_part(
    segment: str, item: Any, pack: Callable[[Any], Any], lost: list[str] | None, instead: Callable[[Any], Any]
) -> Any:
    try:
        return at(segment, pack, item)
    except (Misfit, RecursionError):
        if lost is None:
            raise
        lost.append(segment)
        return instead(item)


def _nothing(_item: Any) -> None:
    return None


def _text_of(value: Any) -> str:
    try:
        return str(value)
    except Exception as broken:  # noqa: BLE001 - a broken __str__ must not hide the exception it belongs to
        return f"<{type(value).__name__}, its __str__ raised {type(broken).__name__}>"


def rebuild_error(content: Any, known: Types, unpack: Callable[[Any, Types], Any]) -> BaseException:
    """Make an exception from its stored tree; `RecordedFailure` stands in for a class that is not known."""
    name = content["type"]
    if not isinstance(name, str):
        raise Misfit(f"the class name of an exception must be a string, not {type(name).__name__}")
    if "value" in content:
        return _loaded_error(name, content, known, unpack)
    cls = _error_class(name, known)
    if cls is None:
        return RecordedFailure(name, str(content.get("message", "")))
    # The seed library stores no arguments, only the text.
    stored = content.get("args", [content["message"]] if "message" in content else [])
    args = [at(f".args[{index}]", unpack, item, known) for index, item in enumerate(stored)]
    base: Any = cls
    while base.__module__ != "builtins":
        base = base.__base__
    made: BaseException = base.__new__(cls, *args)
    # Built-in classes keep attributes of their own (OSError.errno, UnicodeDecodeError.start) in C.
    base.__init__(made, *args)
    vars(made).update(unpack_fields(content.get("state", {}), known, unpack))
    for note in content.get("notes", []):
        made.add_note(str(note))
    return made


def _loaded_error(name: str, content: Any, known: Types, unpack: Callable[[Any, Types], Any]) -> BaseException:
    if known.find(name) is None and known.find(content.get("base", name)) is None:
        return RecordedFailure(name, str(content.get("message", "")))
    made = loaded(name, content, known, unpack)
    if not isinstance(made, BaseException):
        raise Misfit(f"load=, registered for {name}, returned {type(made).__name__}, which cannot be raised")
    return made


def _error_class(name: str, known: Types) -> type[BaseException] | None:
    cls = known.find(name)
    if cls is None:
        module, _, short = name.rpartition(".")
        # The seed library stores exceptions by their short name.
        cls = vars(builtins).get(short) if module in ("builtins", "") else _loaded_stdlib(module, short)
    if isinstance(cls, type) and issubclass(cls, BaseException):
        return cls
    return None


def _loaded_stdlib(module: str, name: str) -> Any:
    """Return a name of the standard library whose module is loaded: nothing is imported for a file's sake."""
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    # Not getattr: a module may import something to answer it.
    return getattr(sys.modules.get(module), "__dict__", {}).get(name)
