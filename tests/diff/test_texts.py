from __future__ import annotations

import random
import unicodedata

import pytest

from pytest_recorded.diff import similarity, words


def told(old, new):
    """Return how one text becomes another, as it is read: `the [-old-]{+new+} word`."""
    marks = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    return "".join(marks[op].format(text) for op, text in words(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("The order was sent on Monday.", "The order was shipped on Monday.",
         "The order was [-sent-]{+shipped+} on Monday."),
        ("total: 118.0 EUR", "total: 121.5 EUR", "total: [-118.0-]{+121.5+} EUR"),
        ("one two three four", "one two four", "one two [-three -]four"),
        ("a\nb\nc\n", "a\nc\nd\n", "a\n[-b\n-]c\n{+d\n+}"),
        ("Done.", "Done. Have a nice day!", "Done.{+ Have a nice day!+}"),
        ("Paris is nice. It is the capital of France. Go there.", "It is the capital of France. Go there now.",
         "[-Paris is nice. -]It is the capital of France. Go there{+ now+}."),
        ("", "all", "{+all+}"),
        ("all", "", "[-all-]"),
        ("", "", ""),
        ("same", "same", "same"),
        ("a  b", "a b", "a[-  -]{+ +}b"),
    ],
    ids=["word", "number", "gone", "lines", "sentence", "sentences", "come", "all gone", "empty", "same", "space"],
)  # fmt: skip
def test_words_that_have_changed_are_told_from_those_that_have_not(old, new, shown):
    assert told(old, new) == shown


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("我喜欢吃苹果", "我喜欢吃香蕉",
         "我喜欢吃[-苹果-]{+香蕉+}"),
        ("天气好。我去北京。", "天气好。我去东京。",
         "天气好。我去[-北-]{+东+}京。"),
        ("한국어 좋아요", "한국어 싫어요",
         "한국어 [-좋아요-]{+싫어요+}"),
        ("नमस्ते दुनिया", "नमस्ते भारत",
         "नमस्ते [-दुनिया-]{+भारत+}"),
        ("the cafe\u0301 here", "the cafe here", "the [-cafe\u0301-]{+cafe+} here"),
        ("\U0001f1e9\U0001f1ea won the game", "\U0001f1eb\U0001f1f7 won the game",
         "[-\U0001f1e9\U0001f1ea-]{+\U0001f1eb\U0001f1f7+} won the game"),
        ("a happy \U0001f469\u200d\U0001f467", "a happy \U0001f469\u200d\U0001f466",
         "a happy [-\U0001f469\u200d\U0001f467-]{+\U0001f469\u200d\U0001f466+}"),
        ("it is \ud83d here", "it is \udc69 here", "it is [-\ud83d-]{+\udc69+} here"),
    ],
    ids=["chinese", "chinese sentences", "korean", "hindi", "combined", "flags", "joined", "surrogates"],
)  # fmt: skip
def test_letters_that_belong_together_are_never_torn_apart(old, new, shown):
    assert told(old, new) == shown


def test_no_mark_is_parted_from_its_letter():
    """In all scripts that have them: each letter of a word with a mark goes with it."""
    marks = [chr(code) for code in range(0x300, 0x1B00) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    torn = [mark for mark in marks if words(f"x a{mark}b y", "x ab y")[1] != ("-", f"a{mark}b")]
    assert not torn


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The quick brown fox jumps over the lazy dog", "A slow green turtle crawls under the sleepy cat"),
        ("I cannot help with that, sorry.", "Of course! Here is what you have asked for."),
        ('{"a": 1, "b": [2, 3], "c": null}', "<html><head><title>502</title></head></html>"),
    ],
    ids=["sentence", "refusal", "another format"],
)
def test_texts_with_little_in_common_are_one_change(old, new):
    assert words(old, new) == [("-", old), ("+", new)]


def test_a_word_between_changes_that_is_kept_by_chance_counts_as_changed():
    old = "First, the parcels of customers abroad, and then the rest of the store will be shipped on Monday."
    new = "First, every urgent letter of ministers today, and then the rest of the store will be shipped on Monday."
    assert told(old, new) == (
        "First, [-the parcels of customers abroad-]{+every urgent letter of ministers today+}"
        ", and then the rest of the store will be shipped on Monday."
    )


def test_in_long_texts_each_change_is_found():
    chance = random.Random(1)
    known = ["".join(chance.choices("abcdefgh", k=5)) for _ in range(900)]
    old = [chance.choice(known) for _ in range(16_000)]
    for between in (" ", "\n", ". "):
        new = list(old)
        for place in range(100, 16_000, 400):
            new[place] = f"NEW{place}"
        found = words(between.join(old), between.join(new), seconds=60)
        assert [text.strip("\n. ") for op, text in found if op == "+"] == [f"NEW{at}" for at in range(100, 16_000, 400)]
        assert 0.99 < similarity(between.join(old), between.join(new), seconds=60) < 1


def test_similarity_is_the_share_of_the_words_that_are_kept_in_their_order():
    assert similarity("aaaa bbbb", "aaaa cccc") == pytest.approx(10 / 18)
    assert similarity("one two", "two one") < 1
    assert similarity("abc", "xyz") == 0
    assert similarity("", "x") == 0
    assert similarity("", "") == 1
    sentence = "It rained all day in the north of the country. "
    assert similarity(sentence * 50 + "Bye.", sentence * 50 + "Goodbye.") > 0.99
