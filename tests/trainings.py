"""What the tests of training share: one that can be told by hand, why it ends, and whether two are the same."""

from typing import Any

import numpy as np

import thalweg as tw


HALVED: dict[str, Any] = {
    "network": tw.Network([1, 1], bias=False), "X": [[1.0]], "Y": [0.0], "parameters": [1.0], "batch": "all",
    "optimizer": tw.GradientDescent(0.25),
}  # fmt: skip
# w halves in each epoch: w = 2⁻ᵉ, loss before the update 4⁻⁽ᵉ⁻¹⁾, moved 2⁻ᵉ, gradient after it 2 w = 2¹⁻ᵉ
HALVED_STOPS = [
    ({}, tw.Status.EPOCHS, 30),
    ({"steps": 17}, tw.Status.STEPS, 17),
    ({"value_below": 4.0**-9.5}, tw.Status.VALUE_BELOW, 11),
    ({"value_change_below": 3.5 * 4.0**-6}, tw.Status.VALUE_CHANGE_BELOW, 7),
    ({"parameter_change_below": 1.5 * 2.0**-6}, tw.Status.PARAMETER_CHANGE_BELOW, 6),
    ({"gradient_norm_below": 1.5 * 2.0**-7}, tw.Status.GRADIENT_NORM_BELOW, 8),
    ({"seconds": 1e-9}, tw.Status.SECONDS, 1),
]


def assert_same(one, other):
    assert one.status is other.status
    for name in ("parameters", "last_parameters"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    for name, column in one.history.to_arrays().items():
        if name != "seconds":
            np.testing.assert_array_equal(column, other.history.to_arrays()[name])
