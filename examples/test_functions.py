"""Functions of your own: what they return is a typed value again, whatever it took to make it."""

import example_shop as shop
import pytest


@pytest.mark.recorded("example_shop.describe", kind="shop.describe")
def test_a_function_is_named_by_its_path():
    assert shop.describe("green tea") == "You said: Describe green tea."


def test_a_decorated_function_needs_no_name(recorded):
    assert shop.place("black tea") == shop.Order(17, "black tea", "You said: Describe black tea.")
    (job,) = recorded.jobs
    assert job.kind == "shop.place"
    assert job.data == shop.OrderView(item="black tea", words=5)
