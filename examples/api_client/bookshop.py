"""A client of a bookshop's API: it logs in, follows pages, tries again when the shop is busy, and has its own error."""

import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Self

import httpx
from pydantic import BaseModel

RETRIES = 2


class ShopError(Exception):
    """The shop has refused.

    Attributes:
        status: The HTTP status.

    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status


class Book(BaseModel):
    id: int
    title: str
    author: str
    price: Decimal


class Order(BaseModel):
    number: int
    book: int
    copies: int
    total: Decimal


class Shop:
    """The bookshop at a URL, as a context manager."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def log_in(self, client_id: str, client_secret: str) -> None:
        answer = self._ask("POST", "/login", data={"client_id": client_id, "client_secret": client_secret})
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def books(self, author: str | None = None) -> Iterator[Book]:
        """Yield the books, page by page: a page is asked for when it is needed."""
        page: int | None = 1
        while page is not None:
            params = {"page": page} | ({"author": author} if author else {})
            answer = self._ask("GET", "/books", params=params)
            yield from map(Book.model_validate, answer["books"])
            page = answer["next_page"]

    def order(self, book: int, copies: int = 1) -> Order:
        """Order a book. The reference keeps the shop from taking one order twice."""
        order = {"book": book, "copies": copies, "reference": str(uuid.uuid4())}
        return Order.model_validate(self._ask("POST", "/orders", json=order))

    def copies_of(self, book: int) -> int:
        copies: int = self._ask("GET", "/stock", params={"book": book})["copies"]
        return copies

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        response = self._http.request(method, path, **content)
        for _ in range(RETRIES):
            if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(response.headers.get("retry-after", 1)))
            response = self._http.request(method, path, **content)
        if response.is_error:
            raise ShopError(response.status_code, response.json()["message"])
        return response.json()
