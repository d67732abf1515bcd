"""What can be wrong with a training, one row each in `RULES`: how it is noticed, from which number on, what to do.

A limit without a paper is ours: far enough from what healthy trainings show (tests/test_doctor.py has some of each)
that a finding is worth reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.checkups import Checkup
    from thalweg.examples import Examples
    from thalweg.network import Network

HEALTHY = 1e-3  # of the update of a weight to the weight, in a step (Karpathy, CS231n, "Ratio of weights:updates")
SETTLED = 5  # check-ups after which the first steps are over
WINDOW = 10  # epochs, or looks, in which a loss is called falling or not
MATTERS = 0.3  # part of the loss before training: what a loss that is nearly 0 does matters to nobody
CONSTANT = 0.1  # a column that reaches it is no column of tiny numbers, but perhaps the rare 1 of a category


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a training, and what to do about it."""

    epoch: int  # after which it was seen first
    last_epoch: int  # after which it was seen last
    layer: int  # from 1; 0 for inputs, targets and the whole network
    kind: str  # a key of RULES
    number: float  # what was measured last: a share, a size or a ratio, see the sentence
    sentence: str  # what was seen, with its numbers
    advice: str  # what to do about it

    def __str__(self) -> str:
        epochs = f"epoch {self.epoch}" if self.epoch == self.last_epoch else f"epochs {self.epoch} to {self.last_epoch}"
        return f"{self.kind} ({epochs}): {self.sentence}\n  → {self.advice}"


@dataclass(frozen=True)
class Seen:
    """What there is to judge by."""

    network: Network
    sample: Examples
    checkups: Sequence[Checkup]  # the first of them before training

    @property
    def now(self) -> Checkup:
        """The last check-up."""
        return self.checkups[-1]


Look = Callable[[Seen], Iterator[tuple[int, float, str]]]  # layer, number, sentence


@dataclass(frozen=True)
class Rule:
    """When to speak: the number that `look` gives is at least the limit (or at most, for a floor)."""

    look: Look
    of: str  # what the number is
    limit: float
    source: str
    advice: str  # what to do about it
    is_floor: bool = False

    def says(self, number: float) -> bool:
        """Whether this number is a finding; nan is none."""
        return number <= self.limit if self.is_floor else number >= self.limit


def _sizes(columns: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    return np.sqrt(np.mean(columns.astype(np.float64) ** 2, axis=0))


def _large_inputs(seen: Seen) -> Iterator[tuple[int, float, str]]:
    sizes = _sizes(seen.sample.X)
    worst, many = int(sizes.argmax()), int((sizes >= RULES["large inputs"].limit).sum())
    more = f", and so are {many - 1} more columns" if many > 1 else ""
    yield (
        0,
        float(sizes[worst]),
        f"column {worst + 1} of X is about {sizes[worst]:.3g} in size (root mean square){more}",
    )


def _small_inputs(seen: Seen) -> Iterator[tuple[int, float, str]]:
    sizes, reach = _sizes(seen.sample.X), np.abs(seen.sample.X).max(axis=0)
    sizes[(reach == 0.0) | (reach >= CONSTANT)] = np.inf
    worst, many = int(sizes.argmin()), int((sizes <= RULES["small inputs"].limit).sum())
    more = f", and so are {many - 1} more columns" if many > 1 else ""
    yield (
        0,
        float(sizes[worst]),
        f"column {worst + 1} of X is about {sizes[worst]:.3g} in size (root mean square){more}",
    )


def _large_targets(seen: Seen) -> Iterator[tuple[int, float, str]]:
    sizes = _sizes(seen.sample.Y)
    if seen.network.output.name == "identity":
        worst = int(sizes.argmax())
        yield 0, float(sizes[worst]), f"target {worst + 1} is about {sizes[worst]:.3g} in size (root mean square)"


def _dead(seen: Seen) -> Iterator[tuple[int, float, str]]:
    for number, (layer, share) in enumerate(zip(seen.network.layers, seen.now.dead, strict=True), start=1):
        which = f"{round(share * layer.above)} of {layer.above} units" if share == share else ""
        text = f"{which} of layer {number} ({layer.activation!r}) have no slope on any of {seen.sample.n:,} rows"
        yield number, float(share), f"{text}: no gradient reaches their weights"


def _saturated(seen: Seen) -> Iterator[tuple[int, float, str]]:
    for number, (layer, share) in enumerate(zip(seen.network.layers, seen.now.saturated, strict=True), start=1):
        which = f"{round(share * layer.above)} of {layer.above} units" if share == share else ""
        yield (
            number,
            float(share),
            f"{which} of layer {number} ({layer.activation!r}) are at their ends on nearly every row",
        )


def _vanishing(seen: Seen) -> Iterator[tuple[int, float, str]]:
    gradient = seen.now.gradient
    above = np.maximum.accumulate(gradient[::-1])[::-1][1:]  # the largest of the layers above each
    if above.any():
        ratios = np.divide(gradient[:-1], above, where=above > 0, out=np.full(len(above), np.inf))
        number, ratio = int(ratios.argmin()) + 1, float(ratios.min())
        yield number, ratio, f"the gradient of a weight of layer {number} is {ratio:.2g} of what reaches a layer above"


def _exploding(seen: Seen) -> Iterator[tuple[int, float, str]]:
    gradient = seen.now.gradient
    if len(gradient) > 1 and gradient[-1]:
        number, ratio = int(gradient[:-1].argmax()) + 1, float(gradient[:-1].max() / gradient[-1])
        yield number, ratio, f"the gradient of a weight of layer {number} is {ratio:.2g} times that of the output layer"


def _growing(seen: Seen) -> Iterator[tuple[int, float, str]]:
    first, now = seen.checkups[0], seen.now
    for number, (before, after) in enumerate(zip(first.gradient, now.gradient, strict=True), start=1):
        if before and now.objective >= first.objective:
            text = f"the gradient of layer {number} has grown {after / before:.2g} times, and the loss has not fallen"
            yield number, float(after / before), text


def _large_steps(seen: Seen) -> Iterator[tuple[int, float, str]]:
    if len(seen.checkups) <= SETTLED:
        return
    recent = seen.checkups[-SETTLED:]
    least = np.stack([one.update / np.sqrt(one.steps_between) for one in recent]).min(axis=0)
    for number, ratio in enumerate(least, start=1):
        yield number, float(ratio), f"a step changes the weights of layer {number} by {ratio:.2g} of their size"


def _small_steps(seen: Seen) -> Iterator[tuple[int, float, str]]:
    if len(seen.checkups) == 1 + SETTLED:
        most = np.stack([one.update for one in seen.checkups[1:]])
        most = float(most[~np.isnan(most)].max(initial=-np.inf))
        if most >= 0.0:
            yield 0, most, f"a step changes no layer's weights by more than {most:.2g} of their size"


def _not_falling(seen: Seen) -> Iterator[tuple[int, float, str]]:
    first, now = seen.checkups[0], seen.now
    if now.epoch - first.epoch >= WINDOW and first.objective:
        left = 1.0 + (now.objective - first.objective) / abs(first.objective)
        text = (
            f"after {now.epoch - first.epoch} epochs the loss is {now.objective:.4g}; it began at {first.objective:.4g}"
        )
        yield 0, left, text


def _oscillating(seen: Seen) -> Iterator[tuple[int, float, str]]:
    if len(seen.checkups) <= WINDOW:
        return
    losses = np.array([one.objective for one in seen.checkups[-WINDOW:]])  # those of batches are noisy
    steps = np.diff(losses)
    risen, fallen, mean = steps[steps > 0].sum(), -steps[steps < 0].sum(), np.abs(losses).mean()
    matters = risen >= MATTERS * abs(seen.checkups[0].objective)
    if mean and matters and min(risen, fallen) >= 0.5 * max(risen, fallen):
        text = f"in the last {WINDOW} looks the loss has risen by {risen:.3g} and fallen by {fallen:.3g}"
        yield 0, float(risen / mean), f"{text}, around {mean:.3g}"


BESIDE = "root mean square of a layer's ∂E/∂W beside"
SCALE = "Scale each column to mean 0 and standard deviation 1, by the training rows' own, as tw.fit does."
SLOWER = "Use a smaller learning rate or an optimizer with clip=1.0"
LECUN = "LeCun et al. 1998, Efficient BackProp, section 4.3: mean 0, equal covariances"
GLOROT = "Glorot & Bengio 2010"
KARPATHY = f"Karpathy, CS231n: about {HEALTHY:g}"
RULES = {
    "large inputs": Rule(
        _large_inputs, "root mean square of a column of X", 10.0, f"{LECUN}; ten is ours", SCALE,
    ),
    "small inputs": Rule(
        _small_inputs, f"the same, of a column that never reaches {CONSTANT:g}", 1e-3, "the same; a thousandth is ours",
        SCALE, is_floor=True,
    ),
    "large targets": Rule(
        _large_targets, "root mean square of a target, where the output is identity", 100.0,
        "ours: the gradient of a squared error grows with its target",
        "Scale the targets to standard deviation 1 and the outputs back, as tw.fit does.",
    ),
    "dead units": Rule(
        _dead, "share of a layer's units with no slope on any row: relu at 0; elu, gelu, silu, softplus far below 0",
        0.25, "Lu et al. 2019, Dying ReLU and initialization; a quarter is ours",
        "Use a smaller learning rate, scaled inputs, or an activation with a slope everywhere: leaky_relu, elu, silu.",
    ),
    "saturated units": Rule(
        _saturated, "share of a hidden layer's units that are flat on 95 % of the rows: sigmoid, tanh at their ends",
        0.3, f"{GLOROT}, section 3; 30 % is ours",
        "Use scaled inputs, a smaller learning rate, smaller initial weights (glorot), a penalty l2, or relu or silu.",
    ),
    "vanishing gradient": Rule(
        _vanishing, f"{BESIDE} the largest of the layers above", 1e-3, f"{GLOROT}, section 4; a thousandth is ours",
        "Use relu or silu instead of sigmoid, the initialization that suits the activation, fewer layers, or Adam, "
        "which scales each weight's step.", is_floor=True,
    ),
    "exploding gradient": Rule(
        _exploding, f"{BESIDE} that of the output layer", 1e3, "Pascanu et al. 2013; a thousand is ours",
        f"{SLOWER}, and initial weights that suit the activation (auto).",
    ),
    "growing gradient": Rule(
        _growing, f"{BESIDE} what it was before training, while the loss is not lower", 100.0,
        "Pascanu et al. 2013; a hundred is ours", f"{SLOWER}.",
    ),
    "large steps": Rule(
        _large_steps, f"change of a layer's weights in a step beside their size, in {SETTLED} looks running", 0.1,
        f"{KARPATHY}; a hundred times that is ours",
        f"Use a smaller learning rate: about {HEALTHY:g} in a step is healthy.",
    ),
    "small steps": Rule(
        _small_steps, f"the same of every layer, in the first {SETTLED} looks", 1e-5,
        f"{KARPATHY}; a hundredth of that is ours",
        f"Use a larger learning rate, unless the training began with a trained network: about {HEALTHY:g} in a step is "
        "healthy.", is_floor=True,
    ),
    "loss not falling": Rule(
        _not_falling, f"loss of the sample beside that before training, after {WINDOW} epochs", 0.99,
        "ours: less than 1 % in ten epochs",
        "Look at the other findings first; then try learning rates ten times larger and smaller, and whether the "
        "inputs tell anything of the target.",
    ),
    "loss oscillating": Rule(
        _oscillating, f"rises of the loss in {WINDOW} looks beside its mean, with falls about as large", 0.5,
        "ours: the rises in ten looks are half the loss",
        "Use a smaller learning rate, one that falls (tw.Cosine, tw.ReduceOnPlateau), or larger batches.",
    ),
}  # fmt: skip


def judge(seen: Seen) -> Iterator[Finding]:
    """What is wrong now."""
    for kind, rule in RULES.items():
        for layer, number, sentence in rule.look(seen):
            if rule.says(number):
                yield Finding(seen.now.epoch, seen.now.epoch, layer, kind, number, f"{sentence}.", rule.advice)
