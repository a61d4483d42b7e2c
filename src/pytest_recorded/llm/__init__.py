"""Calls of language models, read from their HTTP exchanges: pure, from values to values.

`llm_call` says what a call was in one form for all providers, `name_of` what it is named, `fold` what its streamed
answer would have been if it had come whole, `price` what it has cost; `figures` and `Usage` are what is stored and
summed up. `has_form` tells by its path alone that a request is none to a language model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .exchange import fold, llm_call, name_of
from .prices import Price, price
from .usage import Usage, dollars, figures
from .wire import has_form

if TYPE_CHECKING:
    from .call import LLMCall, ToolCall

__all__ = [
    "LLMCall",
    "Price",
    "ToolCall",
    "Usage",
    "dollars",
    "figures",
    "fold",
    "has_form",
    "llm_call",
    "name_of",
    "price",
]


def __getattr__(name: str) -> Any:
    if name not in ("LLMCall", "ToolCall"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(".call", __name__), name)
