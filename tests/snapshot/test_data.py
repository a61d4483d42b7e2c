import copy
import operator
import pickle

import pytest

from pytest_recorded.data import Data
from pytest_recorded.paths import parse

ID, AT = parse("id", where="test"), parse("$.at", where="test")


def test_data_are_a_list():
    data = Data([1, {"a": 2}], ignore=[ID])
    assert data == [1, {"a": 2}]
    assert data == [1, {"a": 2}]
    assert data != [1]
    assert (data != [1, {"a": 2}]) is False
    assert (isinstance(data, list), len(data), data[1], list(data)) == (True, 2, {"a": 2}, [1, {"a": 2}])
    assert repr(data) == "[1, {'a': 2}]"
    with pytest.raises(TypeError, match="unhashable"):
        hash(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data[:1],
        lambda data: data[::-1],
        lambda data: operator.add(data, [3]),
        lambda data: operator.add([3], data),
        lambda data: data.copy(),
        copy.copy,
        copy.deepcopy,
        lambda data: pickle.loads(pickle.dumps(data)),
    ],
    ids=["slice", "reversed", "sum", "sum from the right", "copy", "copy.copy", "deepcopy", "pickle"],
)
def test_what_is_made_of_data_knows_what_does_not_matter_of_them(make):
    made = make(Data([1, 2], ignore=[ID]))
    assert (type(made), made.__recorded_ignore__) == (Data, (ID,))


def test_a_sum_of_data_ignores_what_each_of_them_does():
    both = Data([1], ignore=[ID]) + Data([2], ignore=[AT, ID])
    assert both == [1, 2]
    assert both.__recorded_ignore__ == (ID, AT)


def test_data_are_not_added_to_what_is_no_list():
    with pytest.raises(TypeError):
        operator.add(Data([1]), (2,))
    with pytest.raises(TypeError):
        operator.add((2,), Data([1]))
