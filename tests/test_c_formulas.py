"""Formulas in C, compiled without a warning: the values of the formula, and none where it has none."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings

import thalweg as tw
from compiled import library, needs_compiler
from formulas import EVERY_KIND, FORMULAS, scaled_error
from thalweg.c_formulas import INSTRUCTIONS, formula_function
from thalweg.c_words import filled
from thalweg.elementary import FUNCTIONS
from thalweg.formulas import formula
from thalweg.instructions import MULTIPLES


def all_values(texts, a, path):
    """Of each formula, compiled in one file."""
    functions = [formula_function(f"@_f{i}", text, formula(text), a.dtype.type) for i, text in enumerate(texts)]
    table = (
        f"void (*const @_all[{len(texts)}])(@real *, size_t) = {{{', '.join(f'@_f{i}' for i in range(len(texts)))}}};"
    )
    real = "float" if a.dtype == np.float32 else "double"
    head = "#include <math.h>\n#include <stddef.h>\n"
    path.write_text(
        filled(f"{head}extern void (*const @_all[])(@real *, size_t);\n{''.join(functions)}{table}\n", "x", real),
        encoding="utf-8",
    )
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)
    found = []
    for function in (kind * len(texts)).in_dll(library(path), "x_all"):
        z = a.copy()
        function(z.ctypes.data, len(z))
        found.append(z)
    return found


def test_every_function_has_a_row():
    assert set(FUNCTIONS) - set(MULTIPLES) < set(INSTRUCTIONS)


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_the_formula_and_none_where_it_has_none(dtype, tmp_path):
    a = np.concatenate([np.linspace(-30, 30, 601), np.linspace(-0.99, 0.99, 99), [0.0, 1e-8, -1e-8, np.nan]])
    a = a.astype(dtype)
    for text, found in zip(EVERY_KIND, all_values(EVERY_KIND, a, tmp_path / "f.c"), strict=True):
        expected = formula(text).on_arrays(["a"])(a)
        assert np.array_equal(np.isnan(found), np.isnan(expected)), text
        assert np.array_equal(np.isfinite(found), np.isfinite(expected)), text
        assert scaled_error(found, expected) <= (1e-12 if dtype == np.float64 else 1e-6), text


@needs_compiler
def test_any_formula(tmp_path):
    texts: list[str] = []

    @settings(max_examples=150, deadline=None)
    @given(FORMULAS)
    def collect(text):
        try:
            row = tw.own_activation("mine", text)
        except tw.InputError:
            return  # a constant, or too large somewhere
        texts.append(row.formula)

    collect()
    texts = list(dict.fromkeys(texts))
    assert len(texts) > 20
    a = np.linspace(-2.03, 1.97, 83)
    for text, found in zip(texts, all_values(texts, a, tmp_path / "f.c"), strict=True):
        expected = formula(text).on_arrays(["a"])(a)
        inside = np.abs(expected) < 1e30
        assert scaled_error(found[inside], expected[inside]) <= 1e-10, text


@needs_compiler
def test_numbers_beyond_float_are_infinite_there(tmp_path):
    text = "a*1e300 if a > 1 else a/1e300 if a > -2 else a*(-1e300)"
    a = np.array([-3.0, -1.0, 0.5, 2.0])
    (found,) = all_values([text], a.astype(np.float32), tmp_path / "f.c")
    assert found.tolist() == [np.inf, 0.0, 0.0, np.inf]
    (found,) = all_values([text], a, tmp_path / "d.c")
    assert found.tolist() == [3e300, -1e-300, 0.5e-300, 2e300]
