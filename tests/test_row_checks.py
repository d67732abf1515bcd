"""What is asked of Python functions before they are used: each way to be wrong is found, what is right passes."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.row_checks import check_elementwise, check_slope, check_values, kinks_of


GRID = np.linspace(-3.0, 3.0, 61)


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda a: a.mean(), "must give an array of numbers of the shape that it gets"),
        (lambda a: a[:-1], r"not float64 \(60,\)"),
        (lambda a: a + 0j, "not complex128"),
        (lambda a: 1.0, "not 1.0; a constant is np.full_like"),
        (lambda a: a if a > 0 else 0, "fails on one of shape .*np.where in the place of if"),
        (lambda a: a - a.mean(), "must work element by element"),
        (lambda a: np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True), "must work element by element"),
        (lambda a: a * np.arange(a.size).reshape(a.shape), "must work element by element"),
        (lambda a: np.square(a, out=a), "changes the array that it is given"),
        (lambda a: 1 / 0, "ZeroDivisionError"),
        (lambda a: a.astype(np.float32), "gives float32 for float64; let it compute in the dtype"),
        (lambda a, b: a, "TypeError"),
    ],
)
def test_what_does_not_work_element_by_element_is_refused(f, said):
    with pytest.raises(tw.InputError, match=rf"(?s)^g of mine .*{said}"):
        check_elementwise("g of mine", f, [GRID])


@pytest.mark.parametrize(
    "f",
    [np.tanh, lambda a: np.where(a > 0, a, 0), lambda a: a > 0, lambda a: np.zeros(a.shape), lambda a: 1 / a, np.log],
)
def test_what_works_element_by_element_passes(f):
    check_elementwise("g of mine", f, [GRID])


def test_a_loss_is_called_with_both_arrays():
    check_elementwise("value", lambda z, y: (z - y) ** 2, [GRID, GRID[::-1].copy()])
    with pytest.raises(tw.InputError, match="changes the array"):
        check_elementwise("value", lambda z, y: np.subtract(z, y, out=y), [GRID, GRID])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.sin, np.cos),
        (lambda a: a**3, lambda a: 3 * a**2),
        (np.abs, np.sign),
        (lambda a: np.abs(a), lambda a: np.where(a >= 0, 1.0, -1.0)),  # any slope between the two sides will do
        (lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
        (np.log, lambda a: 1 / a),  # where it has no value it is not asked
        (lambda a: np.exp(9 * a), lambda a: 9 * np.exp(9 * a)),
        (lambda a: 1e-12 * np.sin(a), lambda a: 1e-12 * np.cos(a)),
        (lambda a: 1e12 + 1e12 * a, lambda a: np.full_like(a, 1e12)),
        (lambda a: np.tanh(40 * a), lambda a: 40 / np.cosh(40 * a) ** 2),
        (np.round, lambda a: np.where(a == 77, 1.0, 1e-30)),  # steps: flat but for jumps
    ],
)
def test_a_derivative_of_the_values_passes(f, slope):
    check_slope("g", f, slope, {"a": GRID})


@pytest.mark.parametrize("factor", [1 + 1e-4, 0.5, -1.0, 0.0])
@pytest.mark.parametrize(
    ("f", "slope"), [(np.sin, np.cos), (lambda a: np.abs(a) ** 1.5, lambda a: 1.5 * np.sign(a) * np.sqrt(np.abs(a)))]
)
def test_a_wrong_derivative_is_refused_with_the_place_and_both_numbers(f, slope, factor):
    with pytest.raises(
        tw.InputError, match=r"at a = \S+ it is \S+, but differences of the values say \S+; correct"
    ) as e:
        check_slope("mine", f, lambda a: factor * slope(a), {"a": GRID})
    found = re.search(r"at a = (\S+) it is (\S+), but differences of the values say (\S+);", str(e.value))
    assert found
    at, is_, say = map(float, found.groups())
    assert is_ == pytest.approx(factor * float(slope(np.array([at]))[0]), rel=1e-3, abs=1e-9)
    assert say == pytest.approx(float(slope(np.array([at]))[0]), rel=1e-3)


def test_a_derivative_that_is_wrong_in_one_place_is_found():
    with pytest.raises(tw.InputError, match="at a = 2.5 it is 7"):
        check_slope("mine", np.sin, lambda a: np.where(np.isclose(a, 2.5), 7.0, np.cos(a)), {"a": GRID})


def test_a_slope_at_a_kink_lies_between_its_sides():
    with pytest.raises(tw.InputError, match="at a = 0 it is 2, but .* -1 to the left, 1 to the right"):
        check_slope("mine", np.abs, lambda a: np.where(np.isclose(a, 0), 2.0, np.sign(a)), {"a": GRID})
    with pytest.raises(tw.InputError, match="at a = 0 it is nan.*say what holds there: with if … else"):
        check_slope("mine", np.abs, lambda a: np.where(np.isclose(a, 0), np.nan, np.sign(a)), {"a": GRID})


def test_the_first_variable_is_the_one_that_moves():
    z, y = (grid.ravel() for grid in np.meshgrid(GRID, GRID[::7]))
    check_slope("loss", lambda z, y: y**2 * z, lambda z, y: y**2, {"z": z, "y": y})
    with pytest.raises(tw.InputError, match="at z = .*, y = .* it is"):
        check_slope("loss", lambda z, y: y**2 * z, lambda z, y: 2 * y * z, {"z": z, "y": y})


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(tw.InputError, match="cannot be checked: only 0% of the places"):
        check_slope("mine", lambda a: np.full_like(a, np.nan), np.ones_like, {"a": GRID})
    with pytest.raises(tw.InputError, match="cannot be checked.*computes in float64"):
        check_slope("mine", lambda a: 1e20 + np.sin(a), np.cos, {"a": GRID})
    with pytest.raises(tw.InputError, match="is 0 wherever it was looked at"):
        check_slope("mine", np.ones_like, np.zeros_like, {"a": GRID})


def test_a_missing_value_is_named():
    with pytest.raises(tw.InputError, match="mine has no value at a = -3"), np.errstate(invalid="ignore"):
        check_values("mine", np.sqrt(GRID), GRID)
    check_values("mine", np.full_like(GRID, np.inf), GRID)


@given(st.lists(st.integers(-290, 290), min_size=0, max_size=4, unique_by=lambda tenth: tenth // 25))
def test_kinks_are_found_where_they_are(hundredths):
    kinks = sorted(n / 100 for n in hundredths)
    wanted = [kink for kink in kinks if all(abs(kink - other) > 0.2 for other in kinks if other != kink)]
    found = kinks_of(lambda a: np.sin(a) + sum(np.sign(a - kink) for kink in wanted), GRID)
    assert found == pytest.approx(wanted, abs=1e-11)


def test_a_smooth_function_has_no_kinks():
    assert kinks_of(np.cos, GRID) == () == kinks_of(lambda a: np.tanh(5 * a), GRID)
