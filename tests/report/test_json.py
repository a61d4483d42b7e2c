from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import samples
from pytest_recorded.changes.model import ChangeClass, Report
from pytest_recorded.plain import Bare
from pytest_recorded.report import render_json

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_the_published_schema_is_that_of_the_model():
    schema = Report.model_json_schema(by_alias=True, mode="serialization")

    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema, (
        "write it again: python -c 'import json; from pytest_recorded.changes.model import Report; "
        'print(json.dumps(Report.model_json_schema(by_alias=True, mode="serialization"), indent=2))\' '
        "> docs/report.schema.json"
    )


@pytest.mark.parametrize(
    "report", [samples.realistic(), samples.hostile(), samples.report()], ids=["all", "hostile", "empty"]
)
def test_a_rendered_report_is_valid_by_the_published_schema(report):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator(schema).validate(json.loads(render_json(report)))


def test_the_schema_refuses_what_is_no_report():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    tree = json.loads(render_json(samples.realistic()))
    tree["calls"][0]["class"] = "terrible"

    with pytest.raises(jsonschema.ValidationError, match="terrible"):
        jsonschema.Draft202012Validator(schema).validate(tree)


def test_a_report_that_is_read_back_is_the_same():
    report = samples.realistic()

    read = Report.model_validate_json(render_json(report))

    assert read == report
    assert [change.model_fields_set for call in read.calls for change in call.changes if not change.has_old]
    assert [(change.has_old, change.has_new) for call in read.calls for change in call.changes] == [
        (change.has_old, change.has_new) for call in report.calls for change in call.changes
    ]


def test_keys_have_one_order_and_the_class_is_named_class():
    tree = json.loads(render_json(samples.realistic()))

    assert list(tree) == [
        "version", "mode", "cassettes", "compared", "totals", "not_verified", "groups", "calls", "noise", "metrics",
    ]  # fmt: skip
    assert tree["version"] == 1
    assert list(tree["groups"][0])[:2] == ["fingerprint", "class"]
    assert tree["calls"][0]["class"] == "error"
    assert render_json(samples.realistic()) == render_json(samples.realistic())


def test_what_is_absent_has_no_key_and_null_is_a_value():
    report = samples.report(
        samples.call(1, samples.change("$.a", new=1), samples.change("$.b", 1), samples.change("$.c", None, None))
    )

    changes = {change["path"]: change for change in json.loads(render_json(report))["calls"][0]["changes"]}

    assert "old" not in changes["$.a"]
    assert "new" not in changes["$.b"]
    assert (changes["$.c"]["old"], changes["$.c"]["new"]) == (None, None)
    assert not {"chain", "model", "metrics", "similarity"} & {
        *changes["$.c"],
        *json.loads(render_json(report))["calls"][0],
    }


def test_figures_that_are_known_on_one_side_say_so():
    report = samples.report(
        samples.call(1, samples.change("$.a", 1, 2), metrics=samples.Figures(tokens=(None, 7), cost_usd=(0.0, None)))
    )

    assert json.loads(render_json(report))["calls"][0]["metrics"] == {"tokens": [None, 7], "cost_usd": [0.0, None]}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (12345678901234567890123, 12345678901234567890123),
        (float("nan"), "nan"),
        ([float("-inf"), {"a": float("inf")}], ["-inf", {"a": "inf"}]),
        (1 << 20_000, hex(1 << 20_000)),
        ("\ud800 \u2028 \x1b[2J", "\ud800 \u2028 \x1b[2J"),
        (Bare("Status.OPEN"), "Status.OPEN"),
        (True, True),
        ({1, 2}, "{1, 2}"),
    ],
    ids=["big", "nan", "infinite", "huge", "letters", "bare", "true", "no-json"],
)
def test_any_value_is_exact_or_a_text_and_the_file_is_utf_8(value, read):
    text = render_json(samples.report(samples.call(1, samples.change("$.a", new=value))))

    assert json.loads(text.encode())["calls"][0]["changes"][0]["new"] == read
    assert "\x1b" not in text


def test_a_value_of_any_depth_is_written_as_far_as_it_goes():
    value = "bottom"
    for _ in range(200_000):
        value = [value]

    tree = json.loads(render_json(samples.report(samples.call(1, samples.change("$.a", new=value)))))

    assert "nested too deeply" in json.dumps(tree["calls"][0]["changes"][0]["new"])


def test_classes_are_ordered_as_the_model_names_them():
    assert [group["class"] for group in json.loads(render_json(samples.realistic()))["groups"]] == sorted(
        (group.change_class for group in samples.realistic().groups), key=list(ChangeClass).index
    )
