"""Parameters of the MLP estimators: what is refused, in scikit-learn's words; what is said where it does nothing."""

import pytest

import thalweg as tw
from mlp_rows import QUIET, TWO, D, MLPClassifier, X


pytestmark = QUIET


@pytest.mark.filterwarnings("default:.*scikit-learn ignores it in silence")
@pytest.mark.parametrize("settings", [
    {"solver": "adam", "momentum": 0.5}, {"solver": "adam", "learning_rate": "adaptive"},
    {"solver": "lbfgs", "early_stopping": True}, {"solver": "lbfgs", "batch_size": 13},
    {"solver": "sgd", "beta_1": 0.5},
    {"validation_fraction": 0.3}, {"solver": "sgd", "power_t": 0.3}, {"max_fun": 3},
], ids=str)  # fmt: skip
def test_what_scikit_learn_ignores_in_silence_is_said(settings):
    idle = [key for key in settings if key != "solver"][0]
    with pytest.warns(tw.ThalwegWarning, match=f"{idle}=.* would do nothing: '{idle}' counts only when"):
        MLPClassifier(max_iter=2, **settings).fit(X, TWO)


@pytest.mark.filterwarnings("default:.*are ignored, as training goes on")
def test_other_hidden_layers_under_warm_start_are_said():
    model = MLPClassifier((5,), warm_start=True, max_iter=2).fit(X, TWO).set_params(hidden_layer_sizes=(7,))
    with pytest.warns(tw.ThalwegWarning, match=r"hidden layers \(7,\) are ignored.*the fitted ones, \(5,\)"):
        model.fit(X, TWO)
    assert model.coefs_[0].shape == (D, 5)


@pytest.mark.parametrize(("settings", "said"), [
    ({"alpha": -1}, r"The 'alpha' parameter of MLPClassifier must be a float in the range \[0.0, inf\). Got -1"),
    ({"hidden_layer_sizes": (5, 0)}, "The 'hidden_layer_sizes' parameter of MLPClassifier must be an array-like"),
    ({"solver": "sag"}, "'solver' parameter of MLPClassifier must be a str among 'lbfgs', 'sgd', 'adam'. Got 'sag'"),
    ({"activation": ["relu", "softmaxx"]}, "'activation' parameter"), ({"max_iter": 0}, "'max_iter'"),
    ({"n_iter_no_change": 0.5}, "'n_iter_no_change'"), ({"random_state": -1}, "'random_state'"),
    ({"l2": 0.1, "alpha": 0.1}, "The 'l2' parameter of MLPClassifier takes the place of 'alpha'"),
    ({"width": 3, "hidden_layer_sizes": (5,)}, "takes the place of 'hidden_layer_sizes'"),
    ({"optimizer": "Adam", "solver": "sgd"}, "takes the place of 'solver'"),
    ({"metric": "f1"}, "'metric' counts only when there are validation rows"),
    ({"solver": "lbfgs", "dropout": 0.1}, "'dropout' counts only when solver is 'sgd' or 'adam'; leave it out"),
    ({"optimizer": tw.LBFGS(), "clip_gradient": 1.0}, "'clip_gradient' parameter would do nothing with LBFGS"),
    ({"optimizer": "Adagrad"}, "there is no optimizer 'Adagrad'"), ({"engine": "gpu"}, "there is no engine 'gpu'"),
    ({"loss": "cross_entropy"}, "the loss cross_entropy needs the output softmax"),
    ({"callbacks": [3]}, "the callback 3 would do nothing"),
    ({"loss": "logloss"}, "a str among 'log_loss' .of classes., 'squared_error'"),
    ({"validation": (X,)}, "'validation' parameter"), ({"validation": 1.5}, "'validation' parameter"),
    ({"dropout": (0.1, 0.1)}, "dropout must be one value or one per hidden layer"), ({"dtype": "float16"}, "'dtype'"),
], ids=str)  # fmt: skip
def test_refusals_name_parameter_value_and_rule(settings, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**settings).fit(X, TWO)


@pytest.mark.parametrize(("settings", "said"), [
    ({"optimizer": tw.LBFGS(), "dropout": 0.5}, "dropout=0.5 would do nothing, as LBFGS"),
    ({"solver": "lbfgs", "dtype": "float32"}, "'dtype' counts only when"),
    ({"optimizer": tw.Adam(clip=1.0), "clip_gradient": 2.0}, "both clip gradients"),
    ({"validation": "abc"}, "'validation' parameter"), ({"callbacks": [tw.ProgressBar]}, "is a class; make one of it"),
], ids=str)  # fmt: skip
def test_more_refusals(settings, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**settings).fit(X, TWO)
