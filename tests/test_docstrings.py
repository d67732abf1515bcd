"""What docs/api.md is made of: docstrings in parts, signatures, comments of fields."""

import importlib.util
import sys

import pytest

import docstrings


SOURCE = '''
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from thalweg.trace_steps import Step

    Vector = Float[np.ndarray, " n"]

# Of two lines,
# the second.
LIMIT: int = 3
FIRST, SECOND = 1, 2  # beside


@dataclass
class Base:
    a: int  # of the base
    b: Vector = field(
        default_factory=list,  # on several lines
    )
    _hidden: int = 0  # not shown


@dataclass
class Sample(Base):
    """First line
    goes on.

    Args:
        a, c: two of them,
            on two lines.
        *rest: more.

    Returns:
        What comes
        back.

    >>> 1
    1

    >>> 2
    2
    """

    a: float = 1.5
    # above
    c: dict[
        str, int
    ] = field(default_factory=dict)
    # noqa: E501
    d: Any = None  # fmt: skip

    def method(self, x: Vector, *more: int, key: str = "it's", step: Step = None, **others: Any) -> list[Vector]:
        """Own."""

    @cached_property
    def late(self) -> int:
        """A property."""
        return 1

    def _private(self): ...
    def __len__(self): ...
'''


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "thalweg_sample.py"
    path.write_text(SOURCE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("thalweg.a_sample", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["thalweg.a_sample"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["thalweg.a_sample"]


def test_a_docstring_in_parts(sample):
    text, args, returns, example = docstrings.parts_of(sample.Sample)
    assert (text.kind, text.text) == ("text", "First line\ngoes on.")
    assert args.entries == (("a, c", "two of them, on two lines."), ("*rest", "more."))
    assert (returns.kind, returns.text, returns.entries) == ("Returns", "What comes back.", ())
    assert (example.kind, example.text) == ("example", ">>> 1\n1\n\n>>> 2\n2")
    assert docstrings.section(sample.Sample, "Args") == {
        "a": "two of them, on two lines.", "c": "two of them, on two lines.", "rest": "more.",
    }  # fmt: skip


def test_fields_have_the_comment_beside_or_above_them_or_that_of_the_base(sample):
    found = docstrings.fields(sample.Sample)
    assert {name: (field.type, field.meaning) for name, field in found.items()} == {
        "a": ("float", "of the base"),
        "b": ('Float[np.ndarray, " n"]', "on several lines"),
        "c": ("dict[str, int]", "above"),
        "d": ("Any", ""),
    }


def test_constants(sample):
    limit = docstrings.constant(sample, "LIMIT")
    assert (limit.type, limit.meaning) == ("int", "Of two lines, the second.")
    assert docstrings.constant(sample, "SECOND").meaning == "beside"
    with pytest.raises(LookupError):
        docstrings.constant(sample, "THIRD")


def test_members_without_what_is_private_or_says_nothing(sample):
    found = dict(docstrings.members(sample.Sample))
    assert list(found) == ["method", "late"]
    assert docstrings.is_property(found["late"]) and not docstrings.is_property(found["method"])
    assert docstrings.returned(docstrings.getter(found["late"])) == "int"


def test_a_long_signature_has_a_line_for_each_argument_and_types_written_out(sample):
    assert docstrings.signature(sample.Sample.method, "s.method", bound=True).splitlines() == [
        "s.method(",
        '    x: Float[np.ndarray, " n"],',
        "    *more: int,",
        '    key: str = "it\'s",',
        "    step: Step = None,",
        "    **others: Any,",
        ') -> list[Float[np.ndarray, " n"]]',
    ]
    assert docstrings.signature(lambda a, *, b=2: 0, "f") == "f(a, *, b=2)"


def test_defaults_say_what_differs_from_the_usual(sample):
    assert docstrings.shown(sample.Sample(2)) == "Sample(a=2)"  # b and c are what they usually are
    assert docstrings.shown(len) == "len" and docstrings.shown(int) == "int" and docstrings.shown(1e-4) == "0.0001"


def test_a_word_of_a_type_is_found_where_only_type_checkers_import_it(sample):
    from thalweg.trace_steps import Step

    assert docstrings.meant("Step", "thalweg.a_sample") is Step
    assert docstrings.meant("Sample", "thalweg.a_sample") is sample.Sample
    assert docstrings.meant("Nothing", "thalweg.a_sample") is None
