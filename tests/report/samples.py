"""Reports as a run makes them: a change or a call is given in a few words, the groups and totals follow."""

from __future__ import annotations

import hashlib
import json
import re

from pytest_recorded.changes.model import ORDER, Call, Change, ChangeClass, Figures, Group, Noise, Report
from pytest_recorded.diff import type_name

OLD_PROSE = "Your order 4711 was sent on Monday with our usual carrier. It will arrive within three days."
NEW_PROSE = "Your order 4711 was shipped on Monday with our usual carrier. It should arrive within four days."
#: What wants to get out of wherever it is shown.
HOSTILE = {
    "script": "</script><script>window.broken = 1</script><img src=x onerror=window.broken=1>",
    "comment": "<!-- <script> --> <!--",
    "link": "javascript:window.broken=1 https://evil.example/?a=1&b=2",
    "separators": "one\u2028two\u2029three",
    "surrogate": "half \ud800 a letter \udfff",
    "terminal": "\x1b[2J\x1b]0;owned\x07 red \x1b[31m \x9b31m \x00 \r over",
    "direction": "user\u202e txt.exe\u202c \u2066x\u2069",
    "markdown": "```\n\n</details>\n# heading\n@everyone #1 ``` | a | b |\n~~~~ ````",
    "template": "${title} {{ 1 }} %s {0} $$",
}


def change(path, old=..., new=..., *, slot="response", kind=ChangeClass.BREAKING, op=None, **more):
    """Return a change; a value that is not given is not there."""
    values = {name: value for name, value in (("old", old), ("new", new)) if value is not ...}
    op = op or {(): "reorder", ("old",): "remove", ("new",): "add"}.get(tuple(values), "replace")
    told = json.dumps([kind, slot, op, re.sub(r"\[\d+\]", "[*]", path)])
    fingerprint = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return Change(slot=slot, op=op, path=path, change_class=kind, fingerprint=fingerprint, **values, **more)


def call(number, *changes, **more):
    """Return a call that has changed in these places."""
    changes = tuple(sorted(changes, key=lambda each: ORDER[each.change_class]))
    default = {
        "id": f"{number:032x}",
        "kind": "http.api.example.com",
        "request": f"POST https://api.example.com/v1/orders/{number}",
        "tests": (f"tests/test_orders.py::test_order[{number}]",),
    }
    return Call(**default | more, change_class=changes[0].change_class, changes=changes)


def report(*calls, unchanged=0, **more):
    """Return the report of these calls."""
    calls = sorted(calls, key=lambda each: ORDER[each.change_class])
    totals = {each.value: 0 for each in ChangeClass}
    found = {}
    for each in calls:
        totals[each.change_class] += 1
        for part in each.changes:
            ids = found.setdefault(part.fingerprint, (part, []))[1]
            ids += [each.id] if each.id not in ids else []
    groups = sorted(
        (_group(part, tuple(ids)) for part, ids in found.values()),
        key=lambda group: (ORDER[group.change_class], -len(group.calls), group.fingerprint),
    )
    totals = {name: number for name, number in totals.items() if number} | {"unchanged": unchanged}
    default = {"mode": "verify", "cassettes": ("cassettes/jobs.db",), "compared": len(calls) + unchanged}
    return Report(**default | more, totals=totals, groups=tuple(groups), calls=tuple(calls))


def _group(part, ids):
    return Group(
        fingerprint=part.fingerprint,
        change_class=part.change_class,
        slot=part.slot,
        op=part.op,
        path=re.sub(r"\[\d+\]", "[*]", part.path),
        old_type=type_name(part.old) if part.has_old else None,
        new_type=type_name(part.new) if part.has_new else None,
        calls=ids,
    )


def realistic():
    """Return a report with a change of every class, and a chain."""
    chat = {"kind": "http.api.openai.com", "name": "openai.chat", "model": "gpt-5-mini"}
    figures = Figures(tokens=(180, 190), cost_usd=(0.0123, 0.0131), latency_ms=(812.4, 770.1))
    request = change("$.messages[2].content", "shipped Monday", "sent Monday", slot="request", kind=ChangeClass.REQUEST)
    plan = ("tests/test_agent.py::test_plan", "tests/test_agent.py::test_retry")
    return report(
        call(1, change("$", 200, 500, slot="status", kind=ChangeClass.ERROR), hint="The server failed; try later."),
        call(
            2,
            change("$.choices[0].message.refusal", "none"),
            change("$.choices[0].message.tool_calls[0].function.arguments.unit", "celsius", "fahrenheit"),
            change("$.model", "gpt-5-mini-2026-01-10", "gpt-5-mini-2026-09-02", kind=ChangeClass.VALUE),
            tests=plan,
            metrics=figures,
            **chat,
        ),
        call(3, change("$.choices[0].message.refusal", "no reason"), tests=plan[:1], metrics=figures, **chat),
        *(call(4 + n, request, chain=f"{3 + n:032x}" if n else f"{2:032x}", tests=plan[:1], **chat) for n in range(4)),
        call(
            10,
            change("$.total", 118.0, 121.5, slot="data", kind=ChangeClass.PROJECTION),
            change("$.currency", "EUR", None, slot="data", kind=ChangeClass.PROJECTION),
        ),
        call(11, change("$.text", OLD_PROSE, NEW_PROSE, slot="data", kind=ChangeClass.TEXT, similarity=0.84)),
        call(12, change("$.items[0].sku", new={"id": 7, "tags": ["a|b"]}, kind=ChangeClass.SHAPE)),
        call(13, change("$.items", kind=ChangeClass.VALUE)),
        call(14, change("$.created", 1, 2, kind=ChangeClass.VOLATILE), tests=("tests/test_time.py::test_now",)),
        call(15, change("$.usage", 100, 190, kind=ChangeClass.METRICS), metrics=figures),
        unchanged=198,
        not_verified={"no_verify": 2, "budget": 1},
        noise=(
            Noise(kind="http.api.example.com", path="$.created", calls=9),
            Noise(kind="x", path="$.created", calls=1),
        ),
        metrics=Figures(tokens=(18_204, 18_771), cost_usd=(0.0412, 0.0453), latency_ms=(812.4, 770.1)),
    )


def hostile():
    """Return a report whose every text wants to be something else."""
    calls = []
    for number, (name, text) in enumerate(HOSTILE.items()):
        calls.append(
            call(
                number,
                change(f"$['{text}']", text, f"{text} but {name}", kind=ChangeClass.TEXT, slot="data"),
                change("$.value", text, {text: [text]}, kind=ChangeClass.BREAKING),
                kind=f"tools.{text}",
                name=text,
                model=text,
                request=text,
                hint=text,
                tests=(f"tests/test_{name}.py::test_it[a|b`c`-{text}]",),
                metrics=Figures(tokens=(1, 2)),
            )
        )
    return report(
        *calls,
        cassettes=(HOSTILE["script"], HOSTILE["terminal"]),
        not_verified={HOSTILE["script"] + HOSTILE["terminal"]: 1},
        noise=(Noise(kind=HOSTILE["script"], path=HOSTILE["markdown"], calls=1),),
    )


def many(number):
    """Return a report of so many changed calls: prose, a field, and a value each."""
    return report(
        *(
            call(
                at,
                change(
                    "$.text",
                    f"{OLD_PROSE} {at}",
                    f"{NEW_PROSE} {at}",
                    slot="data",
                    kind=ChangeClass.TEXT,
                    similarity=0.8,
                ),
                change(
                    f"$.lines.field_{at % 300}", at, str(at), kind=ChangeClass.BREAKING if at % 2 else ChangeClass.SHAPE
                ),
                change("$.id", f"id-{at}", f"id-{at + 1}", kind=ChangeClass.VALUE),
                kind=f"http.host-{at % 7}.example.com",
                model=f"model-{at % 3}",
                tests=(f"tests/test_many.py::test_one[{at}]",),
            )
            for at in range(number)
        )
    )


def documents(call):
    """Return a whole old and new answer."""
    old = {
        "id": call.id,
        "big": 12345678901234567890123,
        "content": OLD_PROSE,
        "numbers": list(range(30)),
        "total": 118.0,
    }
    return old, old | {"content": NEW_PROSE, "total": 121.5, "extra": {"request": call.request}}
