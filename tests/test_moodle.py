"""A quiz for Moodle, read as Moodle reads it: XML, then HTML, then cloze fields by the grammar of its question type."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.arithmetic import Rounding
from thalweg.descent_exercises import DESCENT_EXERCISES, DescentExercise, descent_exercise
from thalweg.exercise_pages import accepted
from thalweg.exercises import EXERCISES, exercise
from thalweg.expressions import Symbol
from thalweg.moodle import moodle
from thalweg.parsing import parse
from thalweg.worked_lines import Lines


KINDS = (*EXERCISES, *DESCENT_EXERCISES)

# The grammar by which Moodle 4 finds fields in a text: an alternative is a fraction, an answer and a feedback.
ALTERNATIVE = r"(?:(=|%(?:-?[0-9]+(?:[.,][0-9]*)?)%)?(.+?(?<!\\|&)(?<!&amp;)(?=[~#}]|$))(?:#(.*?(?<!\\)(?=[~}]|$)))?)"
FIELD = re.compile(rf"\{{([0-9]*):(NUMERICAL|MULTICHOICE|SHORTANSWER):({ALTERNATIVE}(?:~{ALTERNATIVE})*)\}}")
NUMBER = r"-?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?"
NUMERICAL = re.compile(f"({NUMBER})(?::({NUMBER}))?")
VOID = {"img", "br"}


class Nesting(HTMLParser):
    """HTML whose elements close in the order in which they opened; collects its words and images."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        elif tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def make(kind: str, seed: int = 7, variant: int = 1, **options: Any) -> Any:
    draw = exercise if kind in EXERCISES else descent_exercise
    return draw(kind, seed=seed, variant=variant, **options)


def questions(quiz: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(quiz.encode()) if one.get("type") == "cloze"]


def text_of(question: ElementTree.Element, part: str) -> str:
    found = question.find(f"{part}/text")
    assert found is not None and found.text
    return found.text


def fields(statement: str) -> list[tuple[str, str, list[str]]]:
    """Points, kind and alternatives of each field, in order; nothing like a field is left in the text."""
    found = [(points, kind, re.split(r"(?<!\\)~", inside)) for points, kind, inside, *_ in FIELD.findall(statement)]
    left = FIELD.sub("", statement)
    assert ":NUMERICAL" not in left and ":MULTICHOICE" not in left and "___" not in left
    return found


def unescaped(words: str) -> str:
    return re.sub(r"\\(.)", r"\1", words)


@pytest.mark.parametrize("kind", KINDS)
def test_each_value_has_a_field_that_takes_what_is_accepted(kind):
    assert KINDS
    ones = [make(kind, variant=n) for n in (1, 2, 3)]
    for one, question in zip(ones, questions(moodle(ones)), strict=True):
        found = fields(text_of(question, "questiontext"))
        assert len(found) == len(one.steps)
        for step, (points, kind_of_field, alternatives) in zip(one.steps, found, strict=True):
            assert points == "1"
            choices = getattr(step, "choices", ())
            if choices:
                assert kind_of_field == "MULTICHOICE"
                assert [one.removeprefix("=") for one in alternatives] == list(choices)
                assert alternatives[int(step.result) - 1] == f"={choices[int(step.result) - 1]}"
                continue
            assert kind_of_field == "NUMERICAL" and len(alternatives) == 1 and alternatives[0].startswith("=")
            number = NUMERICAL.fullmatch(alternatives[0][1:])
            assert number
            value, off = map(Fraction, number.groups())
            low, high = accepted(one, step)
            assert value == step.result, step.name
            assert value - off * Fraction(100_001, 100_000) <= low and high <= value + off * Fraction(100_001, 100_000)
            assert float(off) <= 1.1 * (high - low), "so wide that it would take anything"
            assert off >= one.rounding.unit(value) / 2, "narrower than rounding itself"


@pytest.mark.parametrize("kind", KINDS)
def test_statement_and_feedback_are_html_with_formulas_and_drawings(kind):
    one = make(kind)
    (question,) = questions(moodle([one]))
    statement, feedback = (Nesting(text_of(question, part)) for part in ("questiontext", "generalfeedback"))
    assert one.label in text_of(question, "name") and one.title in text_of(question, "name")
    for part in (statement, feedback):
        words = "".join(part.words)
        assert words.count(r"\(") == words.count(r"\)") and words.count(r"\[") == words.count(r"\]")
        assert words.count(r"\(") + words.count(r"\[") >= len(one.steps)
        assert "<" not in re.sub(r"\\\(.*?\\\)|\\\[.*?\\\]", "", words, flags=re.DOTALL)
    if kind in EXERCISES:
        assert len(statement.images) == 1 and feedback.images
        for image in statement.images + feedback.images:
            head, data = str(image["src"]).split(",")
            assert head == "data:image/svg+xml;base64" and str(image["alt"]).startswith("Network: ")
            assert ElementTree.fromstring(base64.b64decode(data)).tag == "{http://www.w3.org/2000/svg}svg"
    for step in one.steps:
        assert step.symbol.latex in "".join(feedback.words), step.name


def test_fractions_are_asked_as_decimals():
    one = make("hidden-weight", activation="leaky_relu", output="identity", seed=3)
    assert one.trace.arithmetic.kind == "fractions"
    (question,) = questions(moodle([one]))
    assert "fractions as decimals" in text_of(question, "questiontext")
    for step, (_, _, (alternative,)) in zip(one.steps, fields(text_of(question, "questiontext")), strict=True):
        value, off = map(Fraction, alternative.removeprefix("=").split(":"))
        assert abs(value - step.result) < off and "/" not in alternative
    third = Lines({Symbol("x"): Fraction(2, 3)}, Rounding(15)).and_line(Symbol("h"), "the half", Symbol("x") / 2)
    ((_, _, (alternative,)),) = fields(statement_of(third))
    value, off = map(Fraction, alternative.removeprefix("=").split(":"))
    assert value == Fraction(333333333333333, 10**15) and 0 < off < Fraction(2, 10**15)


def statement_of(lines: Lines) -> str:
    one = DescentExercise("convergence", 0, 1, parse("x**2"), lines, {})
    (question,) = questions(moodle([one]))
    return text_of(question, "questiontext")


@settings(max_examples=60)
@given(st.lists(st.text('}#~/"\\=%{:ab &<>é', min_size=1, max_size=7), min_size=2, max_size=3, unique=True))
def test_words_within_a_field_are_escaped(choices):
    choices = [f"x{choice}x" for choice in choices]
    lines = Lines({Symbol("x"): Fraction(1)}, Rounding(3))
    statement = statement_of(lines.and_line(Symbol("case"), "the case", 1 * Symbol("x"), choices=choices))
    ((_, kind, alternatives),) = fields(statement)
    assert kind == "MULTICHOICE" and alternatives[0].startswith("=")
    shown = ["".join(Nesting(unescaped(one.removeprefix("="))).words) for one in alternatives]
    assert shown == [" ".join(choice.split()) for choice in choices]


def test_a_category_of_any_name_is_one_and_the_quiz_is_xml():
    one = make("output-weight", layers=[1, 1], bias=False)
    quiz = moodle([one], category="A/B & <C> ]]>\x00")
    tree = ElementTree.fromstring(quiz.encode())
    assert [child.get("type") for child in tree] == ["category", "cloze"]
    assert tree.findtext("question/category/text") == "$course$/top/A//B & <C> ]]>�"


def test_the_same_seed_gives_the_same_quiz():
    assert moodle([make("momentum"), make("batch")]) == moodle([make("momentum"), make("batch")])
