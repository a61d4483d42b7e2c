"""The APIs that the examples were recorded against: a bookshop, a railway, a tourist office, language models.

    python examples/servers.py          # on port 8000, until Ctrl-C
    python examples/servers.py 2        # as they are a year later: the tourist office and the models have changed

The answers come from lists: the same question has the same answer each time, so that recording again changes nothing.
"""

import contextlib
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

PORT = 8000


class Asked(NamedTuple):
    """A request, for the how-manieth time it is made (from 1), and which version of an API it is made to."""

    path: str
    query: dict[str, str]
    body: Any
    token: str
    time: int = 1
    version: int = 1


class Answer(NamedTuple):
    """An answer; its content is JSON, or the events of a stream."""

    content: Any
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    events: Iterable[dict[str, Any]] | None = None


# The bookshop.

BOOKS: list[dict[str, Any]] = [
    {"id": 1, "title": "The Left Hand of Darkness", "author": "Le Guin", "price": "9.50", "weight_grams": 310},
    {"id": 2, "title": "Solaris", "author": "Lem", "price": "8.00", "weight_grams": 240},
    {"id": 3, "title": "Roadside Picnic", "author": "Strugatsky", "price": "7.25", "weight_grams": 220},
    {"id": 4, "title": "The Dispossessed", "author": "Le Guin", "price": "10.00", "weight_grams": 330},
    {"id": 5, "title": "Kindred", "author": "Butler", "price": "9.00", "weight_grams": 280},
]
PAGE = 2
SOLD_OUT = 3
TOKEN = "shop-token-4f9a1c77d2e84b60"


def log_in(asked: Asked) -> Answer:
    if not asked.body.get("client_secret"):
        return Answer({"message": "no secret"}, 401)
    return Answer({"access_token": TOKEN, "token_type": "bearer"})


def list_books(asked: Asked) -> Answer:
    if asked.token != TOKEN:
        return Answer({"message": "log in first"}, 401)
    author = asked.query.get("author")
    found = [book for book in BOOKS if author in (None, book["author"])]
    page = int(asked.query["page"])
    following = page + 1 if page * PAGE < len(found) else None
    return Answer({"books": found[(page - 1) * PAGE : page * PAGE], "next_page": following})


def order_book(asked: Asked) -> Answer:
    wanted = asked.body["book"]
    if wanted == SOLD_OUT:
        return Answer({"message": "Roadside Picnic is sold out"}, 409)
    price = float(next(book["price"] for book in BOOKS if book["id"] == wanted))
    total = f"{price * asked.body['copies']:.2f}"
    return Answer({"number": 1000 + wanted, "book": wanted, "copies": asked.body["copies"], "total": total}, 201)


def tell_stock(asked: Asked) -> Answer:
    """Be busy each other time."""
    if asked.time % 2:
        return Answer({"message": "counting books"}, 503, {"Retry-After": "0.1"})
    return Answer({"copies": 12})


# The railway.

TRAINS = [
    {"name": "FR 9611", "origin": "Milan", "destination": "Rome", "departs": "08:00", "euros": 59.0},
    {"name": "IC 513", "origin": "Milan", "destination": "Rome", "departs": "09:10", "euros": 34.5},
    {"name": "IC 727", "origin": "Milan", "destination": "Naples", "departs": "09:40", "euros": 41.0},
]
FULL = "IC 727"


def find_trains(asked: Asked) -> Answer:
    return Answer([train for train in TRAINS if asked.query.items() <= train.items()])


def book_seat(asked: Asked) -> Answer:
    if asked.body["train"] == FULL:
        return Answer({"message": f"no seat is left in {FULL}"}, 409)
    return Answer({"train": asked.body["train"], "passenger": asked.body["passenger"], "seat": "7A"}, 201)


# The tourist office. In its second version a field has another name, the rates are those of another day, and nobody has
# looked after the strikes.

CELSIUS = {
    "Athens": 29, "Bergen": 11, "Cork": 14, "Dublin": 13, "Espoo": 9, "Florence": 24, "Graz": 17, "Hamburg": 15,
    "Izmir": 30, "Jena": 16, "Krakow": 15, "Lisbon": 26,
}  # fmt: skip
WARM = 20


def tell_weather(asked: Asked) -> Answer:
    city = asked.query["city"]
    sky = "sunny" if CELSIUS[city] > WARM else "cloudy"
    if asked.version == 1:
        return Answer({"city": city, "celsius": CELSIUS[city], "sky": sky})
    return Answer({"city": city, "temperature": CELSIUS[city], "unit": "C", "sky": sky})


def tell_rate(asked: Asked) -> Answer:
    rate, day = (0.95, "2025-11-03") if asked.version == 1 else (0.93, "2026-11-03")
    return Answer({"currency": asked.query["currency"], "rate": rate, "as_of": day})


def list_strikes(asked: Asked) -> Answer:
    return Answer([]) if asked.version == 1 else Answer({"message": "out of order"}, 500)


def send_mail(asked: Asked) -> Answer:
    return Answer({"to": asked.body["to"], "number": asked.time}, 202)


# The language models: what they say, and which tools they call.


class Turn(NamedTuple):
    """What a model says."""

    text: str = ""
    tool: str = ""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


def think(messages: list[dict[str, Any]], *, version: int, has_tools: bool = False, as_ticket: bool = False) -> Turn:
    """Return what comes after a conversation."""
    asked = next(str(message["content"]) for message in reversed(messages) if message["role"] == "user")
    if has_tools:
        results = [str(message["content"]) for message in messages if message["role"] == "tool"]
        return travel(asked, results, version)
    if as_ticket:
        topic = next((topic for topic in ("delivery", "payment") if TOPICS[topic].search(asked)), "other")
        return Turn(json.dumps({"topic": topic, "is_urgent": "today" in asked, "summary": asked.split(".")[0]}))
    known = SAID if version == 1 else SAID | REWORDED
    return Turn(next((said for words, said in known.items() if words in asked), f"You said: {asked}"))


TOPICS = {"delivery": re.compile("parcel|late"), "payment": re.compile("card|charged")}
SAID = {
    "capital of Italy": "The capital of Italy is Rome.",
    "capital of France": "The capital of France is Paris.",
    "into German": "Ihr Paket kommt morgen.",
    "Review": "Polite, and to the point.",
    "parcel": "We are sorry. Your parcel comes tomorrow.",
    "suitcase": "Pack light clothes, sun cream and good shoes: it is warm and sunny in Lisbon.",
    "museum": "The tile museum, in an old convent, is worth an afternoon.",
}
REWORDED = {"suitcase": "Take light clothes, sun cream and comfortable shoes: it is warm and sunny in Lisbon."}


def travel(wish: str, results: list[str], version: int) -> Turn:
    """Find trains, take the cheapest, say so; or say why not."""
    towns = re.search(r"from (\w+) to (\w+)", wish)
    if towns is None:
        return Turn("I can only book trains. Where do you want to go?")
    if not results or "every" in wish:
        names = ("origin", "destination") if version == 1 else ("departure", "destination")
        return Turn(tool="find_trains", arguments=dict(zip(names, towns.groups(), strict=True)))
    if results[-1].startswith("error: "):
        return Turn(f"I am sorry: {results[-1].removeprefix('error: ')}.")
    found = json.loads(results[-1])
    if isinstance(found, list):
        cheapest = min(found, key=lambda train: train["euros"])
        return Turn(tool="book_seat", arguments={"train": cheapest["name"], "passenger": "Ann"})
    return Turn(f"You have seat {found['seat']} in {found['train']}.")


def tokens_of(value: Any) -> int:
    return len(str(value).split())


#: Which snapshot answers for a model, in the first version of the API and in the second.
SNAPSHOTS = {"gpt-4o": ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20")}


def chat_with_openai(asked: Asked) -> Answer:
    body = asked.body
    asks = {"has_tools": "tools" in body, "as_ticket": "response_format" in body}
    turn = think(body["messages"], version=asked.version, **asks)
    used, said = sum(tokens_of(message["content"]) for message in body["messages"]), tokens_of(turn.text) or 20
    usage = {"prompt_tokens": used, "completion_tokens": said, "total_tokens": used + said}
    reason = "tool_calls" if turn.tool else "stop"
    model = SNAPSHOTS[body["model"]][asked.version - 1] if body["model"] in SNAPSHOTS else body["model"]
    head = {"id": "chatcmpl-example", "created": 0, "model": model}
    if body.get("stream"):
        pieces: list[dict[str, Any]] = [{"content": piece} for piece in re.findall(r"\S+\s*", turn.text)]
        deltas = [{"index": 0, "delta": piece, "finish_reason": None} for piece in pieces]
        last = {"index": 0, "delta": {}, "finish_reason": reason}
        chunks = [head | {"object": "chat.completion.chunk", "choices": [delta]} for delta in (*deltas, last)]
        told = head | {"object": "chat.completion.chunk", "choices": [], "usage": usage}
        return Answer(None, events=[*chunks, told])
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.tool:
        called = {"name": turn.tool, "arguments": json.dumps(turn.arguments)}
        message["tool_calls"] = [{"id": f"call_{len(body['messages'])}", "type": "function", "function": called}]
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return Answer(head | {"object": "chat.completion", "choices": [choice], "usage": usage})


def chat_with_anthropic(asked: Asked) -> Answer:
    turn = think(asked.body["messages"], version=asked.version)
    used, said = sum(tokens_of(message["content"]) for message in asked.body["messages"]), tokens_of(turn.text)
    head = {"id": "msg_example", "type": "message", "role": "assistant", "model": asked.body["model"]}
    if not asked.body.get("stream"):
        usage = {"input_tokens": used, "output_tokens": said}
        content = [{"type": "text", "text": turn.text}]
        return Answer(head | {"content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage})
    empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None}
    begun = head | empty | {"usage": {"input_tokens": used, "output_tokens": 1}}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return Answer(
        None,
        events=[
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in re.findall(r"\S+\s*", turn.text)
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": {"output_tokens": said}},
            {"type": "message_stop"},
        ],
    )


ROUTES: dict[tuple[str, str], Callable[[Asked], Answer]] = {
    ("POST", "/shop/login"): log_in,
    ("GET", "/shop/books"): list_books,
    ("POST", "/shop/orders"): order_book,
    ("GET", "/shop/stock"): tell_stock,
    ("GET", "/railway/trains"): find_trains,
    ("POST", "/railway/seats"): book_seat,
    ("GET", "/office/weather"): tell_weather,
    ("GET", "/office/rates"): tell_rate,
    ("GET", "/office/strikes"): list_strikes,
    ("POST", "/office/mails"): send_mail,
    ("POST", "/v1/chat/completions"): chat_with_openai,
    ("POST", "/v1/messages"): chat_with_anthropic,
}


# HTTP.


class Servers:
    """All of them at one port, as a context manager.

    Args:
        port: The port; 0 for any that is free.
        version: Of the APIs: 1 or 2.

    """

    def __init__(self, port: int = PORT, version: int = 1) -> None:
        handler = type("Handler", (_Handler,), {"times": {}, "version": version})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What Python calls itself is another name on each machine.
    server_version, sys_version = "examples", ""
    times: dict[str, int]
    version: int

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        self.times[self.path] = self.times.get(self.path, 0) + 1
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        asked = Asked(url.path, dict(parse_qsl(url.query)), self._body(), token, self.times[self.path], self.version)
        route = ROUTES.get((self.command, url.path))
        self._send(route(asked) if route else Answer({"message": f"nothing is at {url.path}"}, 404))

    do_GET = do_POST  # noqa: N815 - http.server's name

    def _body(self) -> Any:
        text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if "json" in self.headers.get("content-type", ""):
            return json.loads(text)
        return dict(parse_qsl(text))

    def _send(self, answer: Answer) -> None:
        kind, body = "application/json", json.dumps(answer.content)
        if answer.events is not None:
            kind, body = "text/event-stream", "".join(map(_event, answer.events))
            body += "" if self.path == "/v1/messages" else "data: [DONE]\n\n"
        data = body.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


def _event(event: dict[str, Any]) -> str:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n"


if __name__ == "__main__":
    with Servers(version=int(sys.argv[1]) if sys.argv[1:] else 1), contextlib.suppress(KeyboardInterrupt):
        print(f"listening on http://127.0.0.1:{PORT}")
        threading.Event().wait()
