"""The trace as a whole: what it is made from and what is refused, JSON and back, and that it is frozen."""

import dataclasses
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.conventions import Conventions
from thalweg.errors import FileError
from thalweg.tracing import SCHEMA, Trace, trace
from worked import small, traces


# --- What is given ----------------------------------------------------------------------------------------------------


def test_what_is_given_may_be_numbers_of_any_sort():
    network = tw.Network([2, 1], bias=False)
    rows = [
        ([0.5, 2.0], [1.0, 3.0], [4.0]),
        (np.array([0.5, 2.0], dtype=np.float32), np.array([1, 3]), np.float64(4.0)),
        ([Fraction(1, 2), 2], (True, 3), 4),
        (np.array([0.5, 2]), [1.0, np.int8(3)], Fraction(4)),
    ]
    for arithmetic in (Arithmetic(), FRACTIONS, Arithmetic("rounded", Rounding(3))):
        found = [[step.result for step in trace(network, *row, arithmetic=arithmetic)] for row in rows]
        assert found == [[6.5, 6.5, 6.25, 5.0, 1.0, 5.0, 5.0, 15.0]] * 4
        kind = Fraction if arithmetic.is_exact else float
        assert {type(value) for row in found for value in row} == {kind}


def test_a_fraction_stays_what_was_typed():
    network = tw.Network([1, 1], bias=False)
    third = Fraction(1, 3)
    for y in (third, [third]):
        t = trace(network, [0.1], [third], y, arithmetic=FRACTIONS, learning_rate=0.1)
        assert (t["W", 1, 1, 1].result, t["y", 1].result, t["eta"].result) == (Fraction(1, 10), third, Fraction(1, 10))
        assert t["W_new", 1, 1, 1].result == Fraction(1, 10) - Fraction(1, 10) * 2 * (third / 10 - third) * third
    batch = trace(network, [0.1], [[third], [1]], [third, 2 * third], arithmetic=FRACTIONS)
    assert [batch[n, "y", 1].result for n in (1, 2)] == [third, 2 * third]
    floats = trace(network, [0.1], [third], [third])
    assert floats["x", 1].result == 1 / 3 and str(floats["x", 1]) == "x₁ ≈ 0.333333"
    assert str(floats["W", 1, 1, 1]) == "W₁₁⁽¹⁾ = 0.1"


@pytest.mark.parametrize("arithmetic", [Arithmetic(), Arithmetic("rounded", Rounding(6))], ids=["floats", "rounded"])
def test_a_class_may_be_given_by_its_number(arithmetic):
    network = tw.Network([1, 3], output="softmax", loss="cross_entropy")
    p = network.initialize(seed=1)
    one_hot = trace(network, p, [2.0], [0.0, 0.0, 1.0], arithmetic=arithmetic)
    for y in (2, np.int64(2), 2.0):
        t = trace(network, p, [2.0], y, arithmetic=arithmetic)
        assert t == one_hot and [t["y", k].result for k in (1, 2, 3)] == [0, 0, 1]
    batch = trace(network, p, [[2.0], [1.0]], [2, 0], arithmetic=arithmetic)
    assert [batch[2, "y", k].result for k in (1, 2, 3)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"p": [1.0]}, r"parameter vector of shape \(3,\), not \(1,\)"),
        ({"p": [[1.0, 2.0, 3.0]]}, r"parameter vector of shape \(3,\), not \(1, 3\)"),
        ({"p": [1.0, math.nan, 0.0]}, r"parameters must be finite numbers, but W\[1\]\[2,1\] is nan"),
        ({"p": [1.0, 10**400, 0.0]}, r"parameters must be finite numbers, but W\[1\]\[2,1\] is inf"),
        ({"p": [1.0, Fraction(-(10**400)), 0.0]}, r"parameters must be finite numbers, but W\[1\]\[2,1\] is -inf"),
        ({"p": ["a", 1.0, 2.0]}, "parameters must be a vector of numbers, not an array of <U"),
        ({"p": None}, "parameter"),
        ({"x": [1.0]}, r"X must have shape \(n, 2\) for the network .*, not \(1, 1\)"),
        ({"x": 1.0}, r"X must have shape \(n, 2\)"),
        ({"x": [[1.0, 2.0], [3.0]]}, "X must be an array of numbers"),
        ({"x": [1.0, math.inf]}, "X must be finite numbers, but row 1, column 2 is inf"),
        ({"x": [[1.0, 2.0]] * 2}, r"Y must have shape \(2, 1\)"),
        ({"y": [1.0, 2.0]}, r"Y must have shape \(1, 1\)"),
        ({"y": ["spam"]}, "Y must be an array of numbers"),
        ({"learning_rate": 0.0}, "learning_rate must be a number > 0, not 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be a number > 0, not nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number > 0, not 'fast'"),
    ],
)
@pytest.mark.parametrize("arithmetic", [Arithmetic(), FRACTIONS], ids=["floats", "fractions"])
def test_bad_input_gets_a_sentence(given, said, arithmetic):
    options = {"p": [1.0, 2.0, 3.0], "x": [1.0, 2.0], "y": [1.0], "learning_rate": None} | given
    p, x, y = (options.pop(name) for name in ("p", "x", "y"))
    with pytest.raises(tw.InputError, match=said):
        trace(tw.Network([2, 1]), p, x, y, arithmetic=arithmetic, **options)


def test_by_hand_a_network_is_small_and_stays_in_the_fractions():
    network = tw.Network([101, 101])
    with pytest.raises(tw.InputError, match=r"a network of 10,302 parameters is too large to be computed by hand"):
        trace(network, network.initialize(), np.ones(101), np.ones(101), arithmetic=FRACTIONS)
    deep = tw.Network([1] * 42, bias=False)
    with pytest.raises(tw.InputError, match=r"a network of 41 layers is too deep by hand \(at most 40\); use floats"):
        trace(deep, np.ones(41), [1.0], [1.0], arithmetic=FRACTIONS)
    allowed = tw.Network([1] * 41, bias=False)
    assert trace(allowed, [2] * 40, [1], [1], arithmetic=FRACTIONS)["dE/dW", 1, 1, 1].result == 2**40 * (2**40 - 1)
    t = trace(tw.Network([1, 1], output="sigmoid"), [1, 2], [3], [1], arithmetic=FRACTIONS)
    assert t["a", 1, 1].result == 5
    for ask in (lambda: t["z", 1, 1].result, lambda: str(t["E"]), lambda: t.to_json()):
        with pytest.raises(tw.InputError, match=r"z\[1\]\[1\] is no fraction: its function leads out of the fractions"):
            ask()


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_a_trace_comes_back_from_json(rng):
    for t in traces(rng):
        text = t.to_json()
        again = Trace.from_json(text)
        assert again == t and hash(again) == hash(t) and again.to_json() == text
        assert [(step.key, step.result, str(step)) for step in again] == [
            (step.key, step.result, str(step)) for step in t
        ]
        other = dataclasses.replace(t, conventions=Conventions(error="J"))
        assert other != t and Trace.from_json(other.to_json()) == other


def test_json_holds_what_a_reader_of_other_programs_needs():
    t = small(loss="squared_error")
    plain = json.loads(t.to_json([("delta", 1, 1)]))
    assert plain["schema"] == SCHEMA == "thalweg.trace/1"
    assert plain["parameters"] == [1.0, -1.0, 2.0, 0.5, 3.0, -1.0] and plain["X"] == [[1.0, 2.0]]
    assert plain["steps"] == [
        {
            "key": ["delta", 1, 1],
            "name": "delta[1][1]",
            "equation": "(6)",
            "operands": [["delta", 2, 1], ["W", 2, 1, 1], ["g'", 1, 1]],
            "result": 66.0,
            "general": ["(Σₖ δₖ⁽²⁾·Wⱼₖ⁽²⁾)·g′(aⱼ⁽¹⁾)"],
            "text": "δ₁⁽¹⁾ = δ₁⁽²⁾·W₁₁⁽²⁾·g′(a₁⁽¹⁾) = 22·3·1 = 66",
        }
    ]
    fractions = trace(tw.Network([1, 1], bias=False), [Fraction(1, 3)], [2], [1], arithmetic=FRACTIONS).to_dict(
        [("E",)]
    )
    assert fractions["parameters"] == ["1/3"] and fractions["steps"][0]["result"] == "1/9"
    with pytest.raises(tw.InputError, match=r"delta\[9\]\[1\] is out of range"):
        t.to_json([("delta", 9, 1)])


def test_what_is_not_finite_goes_through_json():
    network = tw.Network([1, 1, 1], activation="exp", bias=False)
    for p in ([1000.0, 1.0], [1000.0, -1.0], [1000.0, 0.0]):  # inf, -inf and nan
        t = trace(network, p, [1.0], [0.0])
        assert [repr(step.result) for step in Trace.from_json(t.to_json())] == [repr(step.result) for step in t]


def test_the_steps_of_a_large_network_are_not_written_unless_asked_for():
    network = tw.Network([31, 37])  # 1,184 parameters
    t = trace(network, network.initialize(), np.ones(31), np.ones(37))
    assert json.loads(t.to_json())["steps"] == []
    assert len(json.loads(t.to_json([("E",), ("delta", 1, 37)]))["steps"]) == 2
    small_enough = tw.Network([31, 31], bias=False)
    t = trace(small_enough, small_enough.initialize(), np.ones(31), np.ones(31))
    assert len(t.to_dict()["steps"]) == len(t)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "thalweg.trace/2"}, "the trace is of the schema 'thalweg.trace/2'; this version of Thalweg reads"),
        ({"schema": None}, "the trace is of the schema None"),
        ({"parameters": [1.0]}, "do not fit together: .*parameter vector of shape"),
        ({"parameters": [1.0, -1.0, 2.0, 0.5, 3.0, "1e999999999"]}, "'1e999999999' is no number such as 1/3"),
        ({"parameters": [1.0, -1.0, 2.0, 0.5, 3.0, "1/0"]}, "do not fit together: Fraction"),
        ({"parameters": [1.0, -1.0, 2.0, 0.5, 3.0, 10**400]}, "do not fit together: int too large"),
        ({"parameters": [1.0, -1.0, 2.0, 0.5, 3.0, None]}, "do not fit together: "),
        ({"parameters": [1.0, -1.0, 2.0, 0.5, 3.5, -1.0]}, "the step .* says .*, but comes to"),
        ({"X": [[1.0]]}, "do not fit together: X must have shape"),
        ({"network": {"sizes": [2]}}, "do not fit together: sizes must be at least two"),
        ({"network": {"size": [2, 1]}}, "do not fit together: .*unexpected keyword"),
        ({"arithmetic": {"kind": "floats"}}, "do not fit together: 'digits' is missing"),
        ({"conventions": {"eror": "L"}}, "do not fit together: there is no convention 'eror'"),
        ({"steps": [{"key": ["delta", 9, 1], "result": 0.0}]}, r"do not fit together: delta\[9\]\[1\] is out of range"),
        ({"steps": [{"key": ["delta", 1, 1], "name": "delta[1][1]", "result": 66.5}]}, "says 66.5, but comes to 66.0"),
        ({"steps": 3}, "do not fit together"),
        ({"learning_rate": -1.0}, "do not fit together: learning_rate must be a number > 0"),
    ],
)  # fmt: skip
def test_a_changed_file_is_refused(change, said):
    plain = json.loads(small(loss="squared_error").to_json()) | change
    with pytest.raises(FileError, match=said):
        Trace.from_json(json.dumps(plain))


@pytest.mark.parametrize(
    "missing", ["network", "parameters", "X", "Y", "learning_rate", "arithmetic", "conventions", "steps"]
)
def test_a_part_that_is_missing_is_named(missing):
    plain = json.loads(small().to_json())
    del plain[missing]
    with pytest.raises(FileError, match=f"do not fit together: '{missing}' is missing"):
        Trace.from_json(json.dumps(plain))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"schema"', "{}", "[" * 100_000, '{"schema"}', "\x00"])
def test_what_is_no_trace_is_refused(text):
    with pytest.raises(FileError, match="this is no trace in JSON"):
        Trace.from_json(text)


def test_every_changed_result_is_found():
    t = small(loss="squared_error")
    for place, step in enumerate(t):
        plain = t.to_dict()
        plain["steps"][place]["result"] = math.nextafter(plain["steps"][place]["result"], math.inf)
        with pytest.raises(FileError, match="says .*, but comes to") as error:
            Trace.from_json(json.dumps(plain))
        assert step.name in str(error.value)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.integers(2**60, 2**2000),
              st.sampled_from(["1/3", "1/0", "relu", "inf", "9" * 5000, "softmax", "rounded", "fractions"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def places(plain):
    """Every place in a tree of lists and dictionaries."""
    found, todo = [], [plain]
    while todo:
        one = todo.pop()
        if isinstance(one, dict | list):
            keys = list(one) if isinstance(one, dict) else range(len(one))
            found += [(one, key) for key in keys]
            todo += [one[key] for key in keys]
    return found


@given(st.data())
def test_garbage_in_a_file_is_refused_or_harmless(data):
    plain = small(loss="squared_error").to_dict([("E",), ("delta", 1, 1)])
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(plain)))
        holder[key] = data.draw(JSON)
    try:
        assert isinstance(Trace.from_json(json.dumps(plain)), Trace)
    except FileError:
        pass


@given(st.integers(0, 10**6), st.integers(0, 9), st.text(max_size=4))
def test_a_damaged_text_is_refused_or_harmless(start, length, inside):
    text = small(loss="squared_error").to_json([("E",), ("delta", 1, 1)])
    start %= len(text)
    try:
        assert isinstance(Trace.from_json(text[:start] + inside + text[start + length :]), Trace)
    except FileError:
        pass


# --- Frozen -----------------------------------------------------------------------------------------------------------


def test_a_trace_is_frozen_and_leaves_what_it_was_given():
    network = tw.Network([2, 1], bias=False)
    p, x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0])
    t = trace(network, p, x, y)
    for array in (p, x, y):
        array[:] = 0.0  # ours from here on
    assert t["a", 1, 1].result == 11.0 and t["y", 1].result == 5.0
    for array in (t.p, t.parameters):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7.0  # pyright: ignore[reportIndexIssue]
    for thing, field in ((t, "learning_rate"), (t["E"], "key"), (t.network, "loss"), (t.arithmetic, "kind")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, None)
    given_p = np.array([1.0, 2.0])
    trace(network, given_p, [3.0, 4.0], [5.0])
    assert given_p.flags.writeable


def test_traces_are_equal_by_what_they_are_about():
    one, same = small(), small()
    assert one == same and hash(one) == hash(same) and one != small(loss="half_squared_error") and one != 3
    assert dataclasses.replace(one, arithmetic=FRACTIONS) != one
