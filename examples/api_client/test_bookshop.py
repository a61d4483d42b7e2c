"""The marker records all HTTP of these tests; the fixture `recorded` says what was asked."""

from decimal import Decimal

import pytest
from bookshop import Order, Shop, ShopError

URL = "http://127.0.0.1:8000/shop"
SECRET = "not-for-everybody-77"

pytestmark = pytest.mark.recorded


@pytest.fixture(scope="module")
def shop():
    """What a fixture asks that tests share is recorded once, as the fixture's own."""
    with Shop(URL) as shop:
        shop.log_in("reader", SECRET)
        yield shop


def test_pages_are_followed_to_the_last(shop, recorded):
    assert [book.id for book in shop.books()] == [1, 2, 3, 4, 5]
    recorded.assert_called("http.*", times=3, request={"path": "/shop/books"})
    recorded.assert_order([("http.*", {"query": {"page": page}}) for page in ("1", "2", "3")])


def test_a_page_is_asked_for_when_it_is_needed(shop, recorded):
    first = next(shop.books(author="Le Guin"))
    assert (first.title, first.price) == ("The Left Hand of Darkness", Decimal("9.50"))
    assert recorded.one(request={"query": {"author": "Le Guin"}}).response.json()["next_page"] is None


@pytest.mark.recorded(data=Order, ignore=["reference"])
def test_an_order_has_a_reference_that_is_another_each_time(shop, recorded, snapshot):
    """`ignore` leaves it out of the key, `data` picks what matters of the answer, and the snapshot keeps that."""
    shop.order(1), shop.order(4, copies=3)
    assert recorded.data(Order) == snapshot


@pytest.mark.recorded(match=["method", "url"])
def test_a_test_may_say_what_counts(shop):
    """The body does not, here: what is ordered is not looked at, the recorded answer is given."""
    assert shop.order(5).number == 1005


@pytest.mark.recorded(ignore=["reference"])
def test_what_the_shop_refuses_is_an_error_of_ours(shop, recorded):
    with pytest.raises(ShopError, match=r"Roadside Picnic is sold out \(HTTP 409\)") as refused:
        shop.order(3)
    assert refused.value.status == 409
    recorded.assert_called("http.*", times=1)


def test_a_shop_that_is_busy_is_asked_again(shop, recorded):
    """Replayed without the pause: `retry-after` says then that the next attempt may come at once."""
    assert shop.copies_of(2) == 12
    assert [job.response.status for job in recorded.jobs] == [503, 200]


def test_secrets_are_not_recorded(recorded):
    with Shop(URL) as shop:
        shop.log_in("reader", SECRET)
        assert next(shop.books()).author == "Le Guin"
    login, books = recorded.jobs
    assert "client_id=reader" in login.request.text
    assert SECRET not in login.request.text
    assert login.response.json()["token_type"] == "bearer"
    assert login.response.json()["access_token"] != "shop-token-4f9a1c77d2e84b60"
    assert not books.request.header("authorization")
