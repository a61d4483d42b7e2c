"""Record the calls of your tests once, replay them offline from one SQLite cassette.

Importing this package imports nothing else: each name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attachment import attach, attach_error
    from .block import use_cassette
    from .cassette import Cassette
    from .decorator import recorder
    from .errors import (
        AttachKeyError,
        AttachValueError,
        CassetteError,
        ConfigurationError,
        MissingRecording,
        NetworkBlocked,
        RecordedError,
        RecordedFailure,
        RecordedWarning,
        SerializationError,
        UsageError,
    )
    from .jobs import Job
    from .llm import LLMCall, ToolCall
    from .message import HttpRequest, HttpResponse
    from .modes import RecordMode
    from .objects import register
    from .prompt import to_prompt
    from .queries import open_jobs
    from .recording import Recorder, configure, connection, get, last, query

_HOMES = {
    "AttachKeyError": "errors",
    "AttachValueError": "errors",
    "Cassette": "cassette",
    "CassetteError": "errors",
    "ConfigurationError": "errors",
    "HttpRequest": "message",
    "HttpResponse": "message",
    "Job": "jobs",
    "LLMCall": "llm.call",
    "MissingRecording": "errors",
    "NetworkBlocked": "errors",
    "RecordMode": "modes",
    "RecordedError": "errors",
    "RecordedFailure": "errors",
    "RecordedWarning": "errors",
    "Recorder": "recording",
    "SerializationError": "errors",
    "ToolCall": "llm.call",
    "UsageError": "errors",
    "attach": "attachment",
    "attach_error": "attachment",
    "configure": "recording",
    "connection": "recording",
    "get": "recording",
    "last": "recording",
    "open_jobs": "queries",
    "query": "recording",
    "recorder": "decorator",
    "register": "objects",
    "to_prompt": "prompt",
    "use_cassette": "block",
}

__all__ = [
    "AttachKeyError",
    "AttachValueError",
    "Cassette",
    "CassetteError",
    "ConfigurationError",
    "HttpRequest",
    "HttpResponse",
    "Job",
    "LLMCall",
    "MissingRecording",
    "NetworkBlocked",
    "RecordMode",
    "RecordedError",
    "RecordedFailure",
    "RecordedWarning",
    "Recorder",
    "SerializationError",
    "ToolCall",
    "UsageError",
    "attach",
    "attach_error",
    "configure",
    "connection",
    "get",
    "last",
    "open_jobs",
    "query",
    "recorder",
    "register",
    "to_prompt",
    "use_cassette",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("pytest-recorded")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not kept: pytester forgets modules that a test has loaded, and a kept name would belong to a forgotten one.
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
