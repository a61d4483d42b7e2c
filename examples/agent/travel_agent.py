"""An agent: a language model that may call tools, until it has an answer."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import railway
from openai import OpenAI
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from openai.types.shared_params import FunctionDefinition

MODEL = "gpt-4o-mini"
TOOLS: dict[str, Callable[..., Any]] = {"find_trains": railway.find_trains, "book_seat": railway.book_seat}


class TooManyStepsError(Exception):
    """The model goes on calling tools."""


def travel(client: OpenAI, wish: str, *, max_steps: int = 5) -> str:
    """Return what became of a wish.

    Raises:
        TooManyStepsError: The model has no answer after as many steps.

    """
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": wish}]
    for _ in range(max_steps):
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=SCHEMAS)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        # What the API has said is what it takes.
        messages.append(cast("ChatCompletionMessageParam", message.to_dict()))
        for call in message.tool_calls:
            if call.type == "function":
                result = use(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    raise TooManyStepsError(f"no answer after {max_steps} steps: {wish}")


def use(tool: str, arguments: dict[str, Any]) -> str:
    """Return what a tool has answered, or why it has not: the model is to know either."""
    try:
        answer = TOOLS[tool](**arguments)
    except railway.NoSeatError as error:
        return f"error: {error}"
    return json.dumps(answer, default=asdict)


def _schema(tool: Callable[..., Any], *names: str) -> ChatCompletionFunctionToolParam:
    properties = {name: {"type": "string"} for name in names}
    texts: dict[str, object] = {"type": "object", "properties": properties, "required": list(names)}
    function = FunctionDefinition(name=tool.__name__, description=tool.__doc__ or "", parameters=texts)
    return {"type": "function", "function": function}


SCHEMAS = [_schema(railway.find_trains, "origin", "destination"), _schema(railway.book_seat, "train", "passenger")]
