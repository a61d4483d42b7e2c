"""Chat requests, and the same ones recorded by each tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cassetter
import httpx
import vcr

import pytest_recorded

from .server import serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["BODY", "DEFAULT", "JSON_BODY", "TOOLS", "chat_request", "path_of", "recorded_by", "replaying"]

#: What vcrpy and cassetter compare by default, and what they have to compare to tell two chats apart.
DEFAULT = ("method", "scheme", "host", "port", "path", "query")
BODY = (*DEFAULT, "body")
JSON_BODY = ("method", "uri", "json_body")

_PROMPT = (
    "You are question number {number}. Summarise in two sentences what the report says about the sales of the third "
    "quarter, name the region that grew fastest, and say how sure you are about it on a scale from one to ten."
)
# What the tools make files of.
TOOLS = {"pytest-recorded": "db", "vcrpy": "yaml", "cassetter": "toml"}


def chat_request(number: int) -> dict[str, Any]:
    """Return the body of a request, about 360 bytes of JSON."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": _PROMPT.format(number=number)}]
    return {"model": "gpt-4o-mini", "temperature": 0.2, "messages": messages}


def path_of(folder: Path, tool: str, size: int) -> Path:
    """Return where a tool's cassette of a size is."""
    return folder / f"chats-{size}.{TOOLS[tool]}"


def recording(tool: str, path: Path) -> AbstractContextManager[Any]:
    """Return a block in which a tool records into a new cassette."""
    if tool == "vcrpy":
        return vcr.use_cassette(str(path), record_mode="once", match_on=DEFAULT)
    if tool == "cassetter":
        return cassetter.use_cassette(path, record_mode="all")
    return pytest_recorded.use_cassette(path, mode="all")


def replaying(tool: str, path: Path, match_on: tuple[str, ...] = ()) -> AbstractContextManager[Any]:
    """Return a block in which a tool only replays."""
    if tool == "vcrpy":
        return vcr.use_cassette(str(path), record_mode="none", match_on=match_on)
    if tool == "cassetter":
        return cassetter.use_cassette(path, record_mode="none", match_on=[*match_on])
    return pytest_recorded.use_cassette(path, mode="none")


def recorded_by(folder: Path, size: int, tools: tuple[str, ...] = (*TOOLS,)) -> str:
    """Let tools record as many chats as a cassette is to have; return the URL that they were asked at.

    What has been recorded before is used again, so that all measurements of a run share their cassettes.
    """
    note = folder / f"chats-{size}.url"
    if note.exists() and all(path_of(folder, tool, size).exists() for tool in tools):
        return note.read_text()
    with serving() as address, httpx.Client() as client:
        # One URL in all cassettes of a size, or the second tool could not be compared with the first.
        url = f"{address}/v1/chat/completions"
        for tool in tools:
            with recording(tool, path_of(folder, tool, size)):
                for number in range(size):
                    client.post(url, json=chat_request(number)).raise_for_status()
    note.write_text(url)
    return url
