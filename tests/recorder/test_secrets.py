"""Secrets never reach the disk: every byte of the file and of its log is searched."""

from __future__ import annotations

import base64
import dataclasses
import json
import uuid

import pytest

from pytest_recorded import RecordedWarning, Recorder, attach, attach_error, recorder

# Distinctive, and long enough to be told from ordinary words.
SECRET = "sEcr3t7Vq9ZxW4kLmN8p"
CARD = "4111-1111-9999-0042"


def everything(path):
    """Return all bytes beside a file whose names begin like it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(path.name + "*")))


def spellings(secret):
    """Return a secret as it may stand in a file."""
    raw = secret.encode()
    return {raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), json.dumps(secret)[1:-1].encode()}


@pytest.fixture
def unseen(path, monkeypatch):
    """Asserts that a secret is in no byte, neither while the file is open nor when it is closed."""
    monkeypatch.setenv("SHOP_API_KEY", SECRET)

    def look(call, *secrets, **options):
        with Recorder(path, **options) as rec:
            call()
            assert rec.jobs
            while_open = everything(path)
        for content in (while_open, everything(path)):
            for secret in secrets:
                assert not [found for found in spellings(secret) if found in content]

    return look


@dataclasses.dataclass
class View:
    ssn: str
    pin: int = 0


class RefusedError(Exception):
    def __init__(self, message, token):
        super().__init__(message)
        self.token = token


def arguments():
    @recorder
    def ask(question, api_key=None, headers=None):
        return "fine"

    ask("x", SECRET)
    ask({"deep": [{"password": SECRET}]}, headers={"Authorization": f"Bearer {SECRET}"})
    ask(f"https://shop.example/?api_key={SECRET}", key="k")
    ask(f'{{"client_secret": "{SECRET}"}}')
    ask((SECRET, {SECRET}, SECRET))


def answers():
    @recorder(data=View, kind="secrets.answers")
    def ask():
        return {"access_token": SECRET, "ssn": SECRET, "text": f"your key is {SECRET}."}

    ask()
    ask(key="k")


def exceptions():
    @recorder
    def ask():
        error = RefusedError(f"401 for api_key={SECRET}", SECRET)
        error.add_note(f"Authorization: Bearer {SECRET}")
        raise error

    for key in (None, "k"):
        with pytest.raises(RefusedError) as caught:
            ask(key=key)
        assert caught.value.token == SECRET


def attachments():
    @recorder
    def ask():
        attach("password", SECRET, flush=True)
        attach("note", f"used {SECRET}", flush=True)
        attach_error({"token": SECRET})
        raise ValueError(SECRET)

    with pytest.raises(ValueError, match=SECRET):
        ask()


def streams():
    @recorder
    def ask():
        yield {"refresh_token": SECRET}
        yield f"half a sentence with {SECRET} in it"
        return SECRET

    assert len(list(ask())) == 2


def keys():
    @recorder
    def ask():
        return 1

    ask(key=f"order/{SECRET}")
    ask(key=f"token={SECRET}")


@pytest.mark.parametrize("call", [arguments, answers, exceptions, attachments, streams, keys])
def test_the_value_of_a_secret_variable_is_in_no_byte(unseen, call):
    unseen(call, SECRET)


def test_the_caller_gets_his_secrets_all_the_same(rec, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", SECRET)

    @recorder
    def login():
        return {"access_token": SECRET}

    assert login(key="k") == {"access_token": SECRET}
    replayed = login(key="k")["access_token"]
    assert replayed.startswith("redacted")


def declared(redact):
    """A function with secrets that only its author can know."""

    @recorder(redact=redact, data=View, error=View, kind=f"secrets.declared.{redact}")
    def place(customer, note=""):
        attach_error({"ssn": customer["ssn"], "pin": customer["pin"]})
        attach("ssn", customer["ssn"], flush=True)
        if note == "fail":
            raise RefusedError(f"no such card: {customer['ssn']}", {"ssn": customer["ssn"]})
        return {"ssn": customer["ssn"], "pin": customer["pin"], "echo": f"card {customer['ssn']}"}

    def call():
        customer = {"ssn": CARD, "pin": 771_204}
        place(customer)
        place(customer, key="k")
        with pytest.raises(RefusedError):
            place(customer, "fail")

    return call


@pytest.mark.parametrize("redact", [("ssn", "pin"), ("$.customer.ssn", "$.customer.pin"), ("$.*.ssn", "$..pin")])
def test_what_a_decorator_declares_is_in_no_byte_wherever_it_turns_up(unseen, redact):
    """In the request by its place or name; in answer, projection, attachment and exception by its value too."""
    unseen(declared(redact), CARD, "771204")


def test_what_a_recorder_declares_by_its_place_is_in_no_byte(unseen):
    unseen(declared(()), CARD, "771204", redact=["$.customer.ssn", "$.customer.pin"])


def test_what_a_recorder_declares_by_its_name_is_in_no_byte(unseen):
    @recorder
    def place(ssn, text):
        return text

    unseen(lambda: place(CARD, f"ssn={CARD}"), CARD, redact=["ssn"])


def test_a_declared_variable_is_hidden_however_short_it_is(unseen, monkeypatch):
    monkeypatch.setenv("DOOR", "7391")

    @recorder(redact=["env:DOOR"], kind="secrets.door")
    def open_door(code):
        return f"the code {code} is right"

    unseen(lambda: open_door("7391"), "7391")


@pytest.mark.parametrize("how", ["decorator", "recorder"])
def test_a_request_model_does_not_bring_a_secret_back(unseen, how):
    @dataclasses.dataclass
    class Kept:
        number: str

    @recorder(request=Kept, redact=["$.order.card"] if how == "decorator" else [], kind=f"secrets.kept.{how}")
    def place(order):
        return 1

    order = type("Order", (dict,), {"number": CARD})(card=CARD, number=CARD)
    unseen(lambda: place(dict(order)), CARD, redact=[] if how == "decorator" else ["$.order.card"])


def test_a_secret_of_another_type_is_hidden_as_a_whole(unseen):
    secret = uuid.UUID("5f1d7c92-3a44-4c39-9f5d-0b6a7e1c8d20")

    @recorder(redact=["session"], kind="secrets.typed")
    def place(session, at):
        return {"session": session, "same": session, "bytes": {"session": [str(session)]}}

    unseen(lambda: place(session=secret, at=1), str(secret))


def test_hidden_secrets_leave_values_that_can_be_read_back(rec):
    @recorder(redact=["ssn"], kind="secrets.readable")
    def place(order) -> View:
        return View(order["ssn"], 5)

    order = {"ssn": CARD, "id": uuid.UUID(int=1)}
    place(order, key="k")
    assert (rec.jobs[0].request, rec.jobs[0].response.pin) == (
        {"order": {"ssn": "redacted", "id": uuid.UUID(int=1)}},
        5,
    )
    assert place(order, key="k").pin == 5


def test_requests_that_differ_in_a_secret_only_are_one_request(rec, recwarn):
    @recorder
    def ask(question, api_key):
        return 1

    ask("x", "sk-live-1234567890abcdef", key="k")
    ask("x", "sk-test-fedcba0987654321", key="k")
    assert len(rec.jobs) == 1
    assert [warning for warning in recwarn if issubclass(warning.category, RecordedWarning)] == []


def test_a_warning_about_a_key_does_not_show_the_secret_in_it(rec, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", SECRET)

    @recorder
    def ask(n):
        return n

    ask(1, key=SECRET)
    with pytest.warns(RecordedWarning, match="another request") as caught:
        ask(2, key=SECRET)
    assert SECRET not in str(caught[0].message)
