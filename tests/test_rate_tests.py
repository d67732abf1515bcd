"""The sweep of learning rates."""

import pytest

import thalweg as tw
from mlp_rows import FOUR, QUIET, MLPClassifier, X


pytestmark = QUIET


def test_the_sweep_of_learning_rates(tmp_path):
    model = MLPClassifier((5,), solver="sgd", random_state=0)
    swept = model.learning_rate_range(X, FOUR, rates=[1e-6, 0.1, 1e12])
    assert swept.regimes[0] == "creeping" and swept.regimes[2] == "diverging" and swept.best == 0.1
    assert not hasattr(model, "coefs_")
    swept.plot(tmp_path / "rates.svg")
    assert (tmp_path / "rates.svg").stat().st_size > 1_000
    again = MLPClassifier((5,), optimizer=tw.RMSprop(), random_state=0).learning_rate_range(X, FOUR, epochs=2)
    assert len(again.rates) == 25 and again.best is not None
    turned = model.learning_rate_range(X, FOUR, rates=[1e12, 0.1, 1e-6])
    assert turned.regimes == swept.regimes[::-1] and turned.best == 0.1
    clipped = MLPClassifier((5,), optimizer=tw.GradientDescent(clip=1e-9), random_state=0)
    assert clipped.learning_rate_range(X, FOUR, rates=[1.0, 1e3], epochs=1).values.max() < swept.start_value + 1e-3
    with pytest.raises(tw.InputError, match="'alpha' parameter"):
        MLPClassifier(alpha=-1).learning_rate_range(X, FOUR)
    with pytest.raises(tw.InputError, match="has no learning rate to choose"):
        MLPClassifier(solver="lbfgs").learning_rate_range(X, FOUR)
