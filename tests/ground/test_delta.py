import random

import pytest

from pytest_recorded.delta import ABSENT, Difference, differences, told
from pytest_recorded.plain import Bare


def test_differences_are_named_by_path_in_the_order_of_the_trees():
    old = [{"a": 1, "calls": [{"city": "Rom"}, {"city": "Oslo"}], "gone": 0, "b c": 1}]
    new = [{"a": 2, "calls": [{"city": "Rome"}, {"city": "Oslo"}], "b c": 2, "new": None}]
    assert list(differences(old, new)) == [
        Difference("$[0].a", 1, 2),
        Difference("$[0].calls[0].city", "Rom", "Rome"),
        Difference("$[0].gone", 0, ABSENT),
        Difference("$[0]['b c']", 1, 2),
        Difference("$[0].new", ABSENT, None),
    ]
    assert told(old, new) == [
        "$[0].a: 1 → 2",
        '$[0].calls[0].city: "Rom" → "Rome"',
        "$[0].gone: 0 is gone",
        "$[0]['b c']: 1 → 2",
        "$[0].new: null is new",
    ]


ALIKE = [(1, 1.0), (1, True), (0.0, -0.0), ("1", Bare("1")), ([], {}), ({"a": 1}, {"a": True})]


@pytest.mark.parametrize(("old", "new"), ALIKE, ids=map(repr, ALIKE))
def test_values_of_different_kinds_differ_though_python_takes_some_for_equal(old, new):
    assert len(list(differences([old], [new]))) == 1
    assert len(told([old], [new])) == 1


def test_an_item_that_was_put_in_is_one_difference():
    old = [{"n": n} for n in range(1000)]
    assert told(old, [{"n": -1}, *old]) == ["$[0]: {n: -1} is new"]
    assert told(old, old[:500] + old[501:]) == ["$[500]: {n: 500} is gone"]


def test_the_same_trees_differ_in_nothing():
    tree = {"a": [1, {"b": Bare("x")}], "c": "text\n"}
    assert told(tree, {"a": [1, {"b": Bare("x")}], "c": "text\n"}) == []


def test_of_a_text_of_several_lines_the_lines_that_differ_are_shown():
    old = "Dear all,\nthe order was sent\non Monday\nbye"
    new = "Dear all,\nthe order was shipped\non Monday\nbye"
    assert told([old], [new]) == ["$[0]: 1 of 4 lines differs", "  - the order was sent", "  + the order was shipped"]


def test_of_a_long_line_the_words_that_differ_are_shown():
    old = "word " * 100 + "the order was sent on Monday" + " other" * 100
    (line,) = told({"text": old}, {"text": old.replace("sent", "shipped")})
    assert line == "$.text: …the order was [-sent-]{+shipped+} on Monday other…"


@pytest.mark.parametrize(
    "pair",
    [
        ([{"n": n, "t": "x" * 500} for n in range(20_000)], [{"n": -n, "t": "y" * 500} for n in range(20_000)]),
        ("\n".join(map(str, range(50_000))), "\n".join(map(str, range(50_000, 0, -1)))),
        (" ".join(map(str, range(50_000))), " ".join(map(str, range(50_000, 0, -1)))),
        ({str(n): n for n in range(50_000)}, {str(n): -n - 1 for n in range(50_000)}),
        ("a b " * 100_000, "b a " * 100_000),
        ("x" * 1_000_000, "y" * 1_000_000),
    ],
    ids=["list", "lines", "words", "dict", "repeated", "letters"],
)
def test_however_much_differs_it_is_said_in_a_few_lines(pair):
    lines = told(*pair)
    assert 1 <= len(lines) <= 30
    assert all(len(line) <= 160 for line in lines)


def test_differences_lead_from_the_old_tree_to_the_new_one():
    """Whatever is changed in a tree, exactly that is named."""
    rng = random.Random(7)
    for _ in range(200):
        old = [{"id": n, "deep": {"value": rng.random()}} for n in range(rng.randrange(1, 30))]
        new = [{"id": item["id"], "deep": dict(item["deep"])} for item in old]
        changed = sorted(rng.sample(range(len(new)), rng.randrange(len(new))))
        for place in changed:
            new[place]["deep"]["value"] = -1.0
        assert [found.path for found in differences(old, new)] == [f"$[{place}].deep.value" for place in changed]
