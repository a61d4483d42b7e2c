"""A shop that is asked for prices over the network, and takes orders."""

from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from pytest_recorded import attach, recorder

API = "http://127.0.0.1:8000/v1/chat/completions"


@dataclass
class Order:
    number: int
    item: str
    comment: str


class OrderView(BaseModel):
    """What matters of an order."""

    item: str
    words: int = 0


@recorder(kind="shop.place", data=OrderView)
def place(item: str) -> Order:
    comment = describe(item)
    attach("words", len(comment.split()))
    return Order(number=17, item=item, comment=comment)


def describe(item: str) -> str:
    body = {"model": "demo-1", "messages": [{"role": "user", "content": f"Describe {item}."}]}
    return httpx.post(API, json=body).raise_for_status().json()["choices"][0]["message"]["content"]
