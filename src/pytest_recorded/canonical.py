"""JSON trees as text and back: the text of a file, and the one text of a key.

The law of this file: what comes out is JSON, and equal trees have equal canonical texts. A number that JSON does not
have becomes a tag of `codec`; what cannot be written or read raises `SerializationError`.
"""

from __future__ import annotations

import json
import re
from functools import partial
from json import encoder as _json_encoder
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from .errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONG_INT_BITS", "POINTER", "canonical", "load_tree", "pack_float", "pack_int", "to_text"]

# Python refuses to print or parse longer decimal integers (sys.set_int_max_str_digits): beyond it we write hex.
LONG_INT_BITS: Final = 2000

#: How a text begins that a cassette has in place of a large one, which it keeps apart; no value is written so.
POINTER: Final = '{"py:blob":"'

# JSON has no way to write these two next to each other: read back they would be one letter.
_SURROGATE_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _encoder(*, sort_keys: bool) -> Callable[[Any], str]:
    fallback = json.JSONEncoder(
        ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=sort_keys, separators=(",", ":")
    )
    make: Any = getattr(_json_encoder, "c_make_encoder", None)
    if make is None:
        return fallback.encode
    # JSONEncoder.encode makes this very object anew for every call: 40 % of the time for a small value.
    chunks = make(None, fallback.default, _json_encoder.encode_basestring, None, ":", ",", sort_keys, False, False)
    return lambda tree: "".join(chunks(tree, 0))


_scan: Final[Callable[[str, int], tuple[Any, int]]] = getattr(json.JSONDecoder(), "scan_once")  # noqa: B009 - typeshed has not got it
_in_order: Final = _encoder(sort_keys=False)
_sorted: Final = _encoder(sort_keys=True)
_in_ascii: Final = json.JSONEncoder(
    ensure_ascii=True, check_circular=False, allow_nan=False, separators=(",", ":")
).encode


def to_text(tree: Any) -> str:
    """Return a JSON tree as text: keys in their order, no white space, readable letters.

    Lone surrogates exist in Python strings but not in UTF-8; a text that has them is written with escapes.

    Raises:
        SerializationError: It is nested too deeply, or has two surrogates side by side.

    """
    text = _written(_in_order, tree)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            if _SURROGATE_PAIR.search(text):
                raise SerializationError("a text with two surrogates side by side cannot be stored") from None
            return _written(_in_ascii, tree)
    return text


def canonical(tree: Any) -> str:
    """Return a JSON tree as its one canonical text: keys sorted, no white space. Equal trees, equal texts.

    Raises:
        SerializationError: It is nested too deeply.

    """
    text = _written(_sorted, tree)
    return _written(_sorted, _in_key_order(tree)) if '"py:dict":' in text else text


def _written(write: Callable[[Any], str], tree: Any) -> str:
    try:
        try:
            return write(tree)
        except ValueError:
            # A number that came with the tree: models and bodies know infinity too.
            return write(_with_tags(tree))
    except RecursionError:
        raise SerializationError("the value contains itself, or is nested too deeply") from None


def _with_tags(tree: Any) -> Any:
    if type(tree) is dict:
        return {key: _with_tags(item) for key, item in tree.items()}
    if type(tree) is list:
        return [_with_tags(item) for item in tree]
    return pack_float(tree) if type(tree) is float else pack_int(tree) if type(tree) is int else tree


def pack_float(value: float) -> Any:
    """Return a number as JSON has it, or under a tag."""
    return value if isfinite(value) else {"py:float": repr(value)}


def pack_int(value: int) -> Any:
    """Return an integer in decimal digits, or under a tag where Python would not read those."""
    return value if value.bit_length() < LONG_INT_BITS else {"py:int": hex(value)}


def _in_key_order(tree: Any) -> Any:
    """Return a tree in which dicts whose keys are no strings are sorted too."""
    if type(tree) is list:
        return [_in_key_order(item) for item in tree]
    if type(tree) is not dict:
        return tree
    tree = {key: _in_key_order(item) for key, item in tree.items()}
    if len(tree) == 1 and type(entries := tree.get("py:dict")) is list:
        return {"py:dict": sorted(entries, key=partial(_written, _sorted))}
    return tree


def load_tree(text: str) -> Any:
    """Return the JSON tree of a text, tags and all.

    Raises:
        SerializationError: The text is no JSON, or it is large and has been lost.

    """
    if type(text) is not str:
        raise SerializationError(f"the stored text is {type(text).__name__}, not text")
    if text.startswith(POINTER):
        raise SerializationError(
            "the stored text is large and kept apart in the file, and it is missing or damaged there. Restore the file "
            "(git checkout), or record the call again: pytest --record-mode=rewrite"
        )
    try:
        # What json.loads does around this is half of its time for a small text, and is about white space.
        try:
            tree, end = _scan(text, 0)
        except StopIteration:
            tree, end = None, -1
        return tree if end == len(text) else json.loads(text)
    except RecursionError:
        raise SerializationError("the stored text is nested too deeply to be read") from None
    except ValueError as error:
        raise SerializationError(f"the stored text is not JSON ({error})") from None
