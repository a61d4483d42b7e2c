"""Generators are recorded while they run, with the whole of their protocol."""

from __future__ import annotations

import contextlib
import gc
import threading
import types

import pytest

from pytest_recorded import RecordedWarning, Recorder, recorder

LOG = []


@pytest.fixture(autouse=True)
def _log():
    LOG.clear()


@recorder
def count(to, *, fails=False):
    for n in range(to):
        LOG.append(n)
        yield n
    if fails:
        raise ValueError(f"after {to}")
    return "done"


@recorder
def talk(first):
    heard = []
    try:
        while True:
            try:
                heard.append((yield first + len(heard)))
            except KeyError as error:
                heard.append(f"caught {error.args[0]}")
                yield heard[-1]
            if heard[-1] == "end":
                return heard
    finally:
        LOG.append("closed")


@recorder
def stubborn():
    with contextlib.suppress(GeneratorExit):
        yield 1
    yield 2


@recorder
def fragile():
    try:
        yield 1
    finally:
        raise ValueError("while closing")


@recorder
def handing():
    """A function that returns a generator is no generator function."""
    return (n * n for n in range(3))


def whole(stream):
    """Run a generator to its end; return what it yielded and what it returned."""
    items = []
    while True:
        try:
            items.append(next(stream))
        except StopIteration as stop:
            return items, stop.value


def test_a_generator_yields_and_returns_what_the_bare_one_does(rec):
    assert whole(count(3)) == ([0, 1, 2], "done")
    assert rec.jobs[0].response == [0, 1, 2]


def test_it_is_a_real_generator(rec):
    assert isinstance(count(1), types.GeneratorType)


def test_each_item_reaches_the_caller_before_the_next_one_is_made(rec):
    stream = count(3)
    assert (next(stream), LOG) == (0, [0])
    assert (next(stream), LOG) == (1, [0, 1])
    stream.close()


def test_nothing_is_recorded_before_the_first_item_is_asked_for(rec):
    stream = count(3)
    assert rec.jobs == []
    stream.close()
    assert rec.jobs == []


def test_items_are_stored_as_they_were_when_they_were_yielded(rec):
    @recorder
    def bags():
        bag = [1]
        yield bag
        yield bag

    for bag in bags():
        bag.append(2)
    assert rec.jobs[0].response == [[1], [1, 2]]


def test_a_replay_yields_and_returns_the_same(rec):
    for _ in range(2):
        assert whole(count(3, key="k")) == ([0, 1, 2], "done")
    assert LOG == [0, 1, 2]
    assert [job.status for job in rec.jobs] == ["completed"]


def test_a_replay_in_which_values_are_sent_yields_the_same(rec):
    for _ in range(2):
        stream = talk(1, key="k")
        assert [next(stream), stream.send("a"), stream.send("b")] == [1, 2, 3]
        with pytest.raises(StopIteration) as stop:
            stream.send("end")
        assert stop.value.value == ["a", "b", "end"]
    assert len(rec.jobs) == 1


def test_a_replay_of_a_generator_that_caught_an_exception_carries_on_too(rec):
    for _ in range(2):
        stream = talk(1, key="k")
        assert next(stream) == 1
        assert stream.throw(KeyError("x")) == "caught x"
        assert next(stream) == 2
        with pytest.raises(StopIteration):
            stream.send("end")
    assert len(rec.jobs) == 1


def test_a_replay_raises_an_exception_that_was_not_thrown_when_it_was_recorded(rec):
    stream = talk(1, key="k")
    next(stream)
    with pytest.raises(StopIteration):
        stream.send("end")
    replay, error = talk(1, key="k"), KeyError("x")
    next(replay)
    with pytest.raises(KeyError) as caught:
        replay.throw(error)
    assert caught.value is error


def test_an_exception_that_is_thrown_in_and_comes_out_is_the_very_same_recorded_and_replayed(rec):
    """What contextlib.contextmanager relies on."""

    @contextlib.contextmanager
    @recorder
    def managed():
        yield 1

    for _ in range(2):
        error = ValueError("inside")
        with pytest.raises(ValueError, match="inside") as caught, managed(key="k", retry_failed=False):
            raise error
        assert caught.value is error
    assert [job.status for job in rec.jobs] == ["failed"]


def test_an_exception_becomes_another_one_recorded_and_replayed(rec):
    @recorder
    def turning():
        try:
            yield 1
        except KeyError:
            raise ValueError("turned") from None

    for _ in range(2):
        stream = turning(key="k", retry_failed=False)
        next(stream)
        with pytest.raises(ValueError, match="turned"):
            stream.throw(KeyError("x"))
    assert len(rec.jobs) == 1


@pytest.mark.filterwarnings("ignore:the .*signature of throw:DeprecationWarning")
def test_an_exception_may_be_thrown_as_class_and_value(rec):
    for stream in (talk(1), talk.__wrapped__(1)):
        next(stream)
        assert stream.throw(KeyError, "x") == "caught x"
        stream.close()


def test_a_generator_that_fails_has_its_items_and_its_exception(rec):
    for _ in range(2):
        stream, items = count(2, fails=True, key="k", retry_failed=False), []
        with pytest.raises(ValueError, match="after 2"):
            items.extend(stream)
        assert items == [0, 1]
    (job,) = rec.jobs
    assert (job.status, job.response, job.error.args) == ("failed", [0, 1], ("after 2",))


def test_closing_runs_the_clean_up_at_once_and_leaves_no_row_that_answers(rec):
    stream = talk(1, key="k")
    next(stream)
    stream.close()
    assert LOG == ["closed"]
    (job,) = rec.jobs
    assert (job.status, job.response) == ("interrupted", [1])
    next(talk(1, key="k"))
    assert [job.attempt for job in rec.jobs] == [0, 1]


def test_leaving_a_loop_closes_the_generator_and_frees_its_key(rec):
    for n in count(3, key="k"):
        if n == 1:
            break
    assert whole(count(3, key="k"))[0] == [0, 1, 2]
    assert [job.status for job in rec.jobs] == ["interrupted", "completed"]


@pytest.mark.parametrize(
    ("fn", "raised"), [(stubborn, RuntimeError), (fragile, ValueError)], ids=["ignores it", "raises"]
)
def test_a_generator_that_does_not_close_as_it_should_frees_its_key(rec, fn, raised):
    stream = fn(key="k")
    next(stream)
    with pytest.raises(raised):
        stream.close()
    with contextlib.suppress(ValueError):
        list(fn(key="k"))
    assert [(job.attempt, job.response[:1]) for job in rec.jobs] == [(0, [1]), (1, [1])]


def test_a_generator_that_is_thrown_away_frees_its_key(rec):
    stream = count(3, key="k")
    next(stream)
    del stream
    gc.collect()
    assert whole(count(3, key="k"))[0] == [0, 1, 2]


def test_a_generator_that_is_handed_out_by_a_function_is_recorded_too(rec):
    for _ in range(2):
        assert list(handing(key="k")) == [0, 1, 4]
    stream = handing(key="other")
    next(stream)
    del stream
    gc.collect()
    assert list(handing(key="other")) == [0, 1, 4]
    assert [job.status for job in rec.jobs] == ["completed", "interrupted", "completed"]


def test_an_item_that_cannot_be_stored_ends_the_recording_and_not_the_stream(rec):
    @recorder
    def mixed():
        yield 1
        yield mixed
        yield 3

    with pytest.warns(
        RecordedWarning, match=r"mixed streams on, but cannot be recorded\. \$: a value of type"
    ) as caught:
        items = list(mixed(key="k"))
    assert items == [1, mixed, 3]
    assert caught[0].filename == __file__
    assert rec.jobs[0].status == "interrupted"


def test_a_return_value_that_cannot_be_stored_is_given_to_the_caller(rec):
    @recorder
    def returning():
        yield 1
        return returning

    with pytest.warns(RecordedWarning, match="ran, but cannot be recorded"):
        assert whole(returning(key="k")) == ([1], returning)
    assert rec.jobs[0].status == "interrupted"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_is_no_outcome_of_the_generator_frees_its_key(rec, error):
    stream = talk(1, key="k")
    next(stream)
    with pytest.raises(type(error)):
        stream.throw(error)
    assert rec.jobs[0].status == "interrupted"
    assert next(talk(1, key="k")) == 1


def test_asking_for_a_stream_again_while_it_is_read_does_not_wait_for_oneself(rec):
    """Nobody else can read the first one on: the second runs beside it."""
    first, second = count(2, key="k"), count(2, key="k")
    assert list(zip(first, second, strict=True)) == [(0, 0), (1, 1)]
    assert [job.status for job in rec.jobs] == ["completed"]


def test_another_thread_waits_for_a_stream_that_is_being_read_and_gets_its_items(path):
    with Recorder(path) as rec:
        stream = count(2, key="k")
        next(stream)
        answers = []
        other = threading.Thread(target=lambda: answers.append(whole(count(2, key="k"))))
        other.start()
        assert whole(stream) == ([1], "done")
        other.join()
        assert answers == [([0, 1], "done")]
        assert [job.status for job in rec.jobs] == ["completed"]


def test_a_stream_that_is_still_read_when_the_recorder_closes_is_stored_as_closed(path):
    with Recorder(path) as rec:
        stream = count(3, key="k")
        next(stream)
    assert (rec.jobs[0].status, rec.jobs[0].response) == ("interrupted", [0])
    assert list(stream) == [1, 2]
    rec.close()


def test_calls_that_a_generator_makes_are_made_inside_it(rec):
    @recorder
    def outer():
        yield from count(2)

    list(outer())
    parent, child = rec.jobs
    assert (child.parent_id, child.response) == (parent.id, [0, 1])


def test_what_is_called_between_two_items_is_not_made_inside_the_generator(rec):
    stream = count(2)
    next(stream)
    list(count(1))
    stream.close()
    assert [job.parent_id for job in rec.jobs] == [None, None]


def test_a_generator_that_is_thrown_away_in_the_middle_of_a_look_up_ends_well(python):
    """The garbage collector runs wherever it likes, so also while the same thread holds the file."""
    said = python.run(
        """
        import gc, sys
        from pytest_recorded import Recorder, recorder

        @recorder
        def stream():
            yield 1
            yield 2

        @recorder
        def plain(): return 1

        def collect(frame, event, arg):
            if event == "c_call" and arg.__name__ == "execute":
                gc.collect()

        gc.disable()
        with Recorder("jobs.db") as rec:
            cycle = [stream(key="k")]
            cycle.append(cycle)
            next(cycle[0])
            del cycle
            sys.setprofile(collect)
            plain(key="k")
            sys.setprofile(None)
            print([(job.kind, str(job.status)) for job in rec.jobs])
        """
    )
    assert eval(said) == [("__main__.stream", "interrupted"), ("__main__.plain", "completed")]
