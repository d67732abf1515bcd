"""What the parameters of MLPClassifier and MLPRegressor come to: layers, loss and optimizer in our own terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from thalweg.activations import Activation, find_activation
from thalweg.errors import InputError, shown
from thalweg.losses import Loss, Quantile, find_loss
from thalweg.mlp_parameters import ACTIVATION_NAMES, DEFAULT_WIDTH, are_levels
from thalweg.optimizers import find_optimizer
from thalweg.update_rules import Adam, GradientDescent, Optimizer, UpdateRule


def hidden_sizes(estimator: Any) -> tuple[int, ...]:
    """The units of the hidden layers, by hidden_layer_sizes or by n_layers and width."""
    if estimator.n_layers is not None or estimator.width is not None:
        return (int(estimator.width or DEFAULT_WIDTH),) * int(estimator.n_layers or 1)
    sizes = estimator.hidden_layer_sizes
    return tuple(int(size) for size in sizes) if isinstance(sizes, Iterable) else (int(sizes),)


def activations(estimator: Any) -> list[Activation]:
    """The activations of the hidden layers: one for all, or one for each."""
    given = estimator.activation if isinstance(estimator.activation, (list, tuple)) else [estimator.activation]
    return [find_activation(ACTIVATION_NAMES.get(g, g) if isinstance(g, str) else g) for g in given]


def loss_of(given: Any) -> Loss:
    """The loss; scikit-learn's "squared_error" has the factor ½, and several quantiles are one loss of several levels.

    Raises:
        InputError: several losses that are not each a quantile of one level.
    """
    if are_levels(given):
        return Quantile(list(given))
    if not isinstance(given, (list, tuple)):
        return find_loss("half_squared_error" if isinstance(given, str) and given == "squared_error" else given)
    losses = [find_loss(one) for one in given]
    if any(one.name != "quantile" or one.n_outputs for one in losses):
        message = (
            f"The 'loss' parameter: several losses are quantiles of one target, each of one level, such as "
            f"[tw.Quantile(0.1), tw.Quantile(0.9)]. Got {shown(given)} instead."
        )
        raise InputError(message)
    return Quantile([one.constants["level"] for one in losses])


def optimizer_of(estimator: Any) -> Optimizer:
    """The way downhill that solver, or optimizer, names; for solver="lbfgs" see lbfgs.py."""
    if estimator.optimizer is not None:
        rule = find_optimizer(estimator.optimizer)
    elif estimator.solver == "adam":
        rule = Adam(
            float(estimator.learning_rate_init), beta1=estimator.beta_1, beta2=estimator.beta_2,
            epsilon=estimator.epsilon, epsilon_hat=True,
        )  # fmt: skip
    else:
        momentum = float(estimator.momentum)
        nesterov = bool(estimator.nesterovs_momentum) and momentum > 0.0
        rule = GradientDescent(float(estimator.learning_rate_init), momentum=momentum, nesterov=nesterov)
    if estimator.clip_gradient is None:
        return rule
    if getattr(rule, "clip", None) is not None:
        message = f"The 'clip_gradient' parameter and {rule!r} both clip gradients; leave one of them out."
        raise InputError(message)
    if not isinstance(rule, UpdateRule):
        message = (
            f"The 'clip_gradient' parameter would do nothing with {rule!r}, whose steps have a length of their own."
        )
        raise InputError(message)
    return dataclasses.replace(rule, clip=float(estimator.clip_gradient))
