"""Values that a registered pair of functions stores, in recorded calls."""

from __future__ import annotations

import pytest

from pytest_recorded import RecordedWarning, recorder, register


class Message:
    """A message of some wire format: equal by what is in it, and neither dataclass nor model."""

    __slots__ = ("_fields",)

    def __init__(self, **fields):
        self._fields = fields

    def __eq__(self, other):
        return type(self) is type(other) and self._fields == other._fields

    __hash__ = None

    def fields(self):
        return dict(self._fields)


class Question(Message):
    pass


class Reply(Message):
    pass


class CallError(Exception):
    """An exception of some transport, which holds its connection."""

    def __init__(self, code, connection):
        super().__init__()
        self.code = code
        self.connection = connection


register(Message, dump=Message.fields, load=lambda stored, cls: cls(**stored))
register(CallError, dump=lambda error: error.code, load=lambda stored, cls: cls(stored, None))


@recorder(kind="converters.ask", ignore=["trace"], redact=["ssn"])
def ask(question):
    if question.fields().get("fail"):
        raise CallError(5, object())
    return Reply(text=f"{question.fields()['text']}!", ssn="123-45-6789", of="Question")


@recorder(kind="converters.stream")
def stream(question):
    for number in range(question.fields()["count"]):
        yield Reply(number=number)


def test_arguments_and_answers_are_stored_readably_and_answered_of_equal_type(rec):
    first, again = ask(Question(text="a"), key="k"), ask(Question(text="a"), key="k")
    assert first == Reply(text="a!", ssn="123-45-6789", of="Question")
    assert type(again) is Reply
    (job,) = rec.jobs
    assert (job.request, job.response) == ({"question": Question(text="a")}, again)


def test_paths_and_names_lead_into_them_and_their_class_is_no_secret(rec):
    again = [ask(Question(text="a"), key="k") for _ in range(2)][1]
    assert again.fields() == {"text": "a!", "ssn": again.fields()["ssn"], "of": "Question"}
    assert "123-45" not in str(again.fields())
    with pytest.warns(RecordedWarning, match="recorded with another request"):
        ask(Question(text="b", trace="2"), key="k")


def test_what_varies_inside_of_them_can_be_left_out(rec):
    ask(Question(text="a", trace="1"), key="k")
    assert ask(Question(text="a", trace="2"), key="k").fields()["text"] == "a!"
    assert rec.jobs[0].request == {"question": Question(text="a")}


def test_a_whole_value_that_is_secret_takes_its_echoes_with_it_but_not_its_class(rec):
    @recorder(kind="converters.whole", redact=["$.question"])
    def whole(question):
        return {"class": f"{__name__}.Question", "said": "you said open sesame"}

    whole(Question(text="open sesame"))
    assert rec.jobs[0].response == {"class": f"{__name__}.Question", "said": "you said redacted"}


def test_a_dict_that_looks_like_a_stored_object_is_redacted_like_any_other(rec):
    @recorder(kind="converters.lookalike", redact=["$.given"])
    def lookalike(given):
        return "it was open sesame"

    assert lookalike({"py:object": "open sesame", "more": 1}) == "it was open sesame"
    assert "sesame" not in rec.jobs[0].response


def test_an_exception_is_raised_again_as_its_pair_makes_it(rec):
    for _ in range(2):
        with pytest.raises(CallError) as caught:
            ask(Question(fail=True), key="k", retry_failed=False)
    assert (caught.value.code, caught.value.connection) == (5, None)
    assert len(rec.jobs) == 1


def test_the_pieces_of_a_stream_are_stored_likewise(rec):
    first, again = [list(stream(Question(count=2), key="k")) for _ in range(2)]
    assert first == again == [Reply(number=0), Reply(number=1)]
    assert len(rec.jobs) == 1
