"""What an SDK is to the tests: how its client is made, and what it is asked. It is imported when it is first used.

Methods are the scenarios; what they return may be awaitable, and iterable if the scenario is a stream. An SDK that has
no method of a name does not have what the name says.
"""

from __future__ import annotations

from typing import Any, ClassVar

KEY = "sk-planted-4f9a1c7e2b8d6053"
MODEL = "m-1"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
ABOUT = "Tells the weather."
FUNCTION = {"name": "weather", "description": ABOUT, "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
FILE = ("notes.txt", "déjà vu, 3 €\n".encode(), "text/plain")

# The scenarios that are methods; those that stream begin with "stream".
SCENARIOS = ("chat", "tools", "stream", "stream_tools", "embed", "upload")


def said(text: str) -> list[dict[str, str]]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": text}]


class Sdk:
    """An SDK; `is_async`: whether its calls are awaited.

    Attributes:
        name: In test ids.
        package: As it is installed.
        provider: Whose format it speaks.
        attempts: How often it tries by itself, if the server is busy.
        patience: Options of a client that tries at least twice.
        retries_streams: Whether it does so for streams too.
        decodes: Whether it accepts answers that are compressed.
        has_async: Whether it has asynchronous clients, which use httpx or httpx2.
        opened: What a client was given, and leaves open when it is closed.

    """

    name: ClassVar[str]
    package: ClassVar[str]
    provider: ClassVar[str]
    attempts: ClassVar[int] = 3
    patience: ClassVar[dict[str, Any]] = {}
    retries_streams: ClassVar[bool] = True
    decodes: ClassVar[bool] = True
    has_async: ClassVar[bool] = True

    def __init__(self, *, is_async: bool = False) -> None:
        self.is_async = is_async
        self.opened: list[Any] = []

    @property
    def id(self) -> str:
        """The name in test ids."""
        return f"{self.name}-async" if self.is_async else self.name

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that it has."""
        return tuple(name for name in SCENARIOS if getattr(self, name, None) is not None)

    def client(self, url: str) -> Any:
        """Return a client of a base URL."""
        raise NotImplementedError

    def chat(self, client: Any, text: str) -> Any:
        """Ask for a text."""
        raise NotImplementedError
