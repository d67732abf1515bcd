"""A callback that examines the network while it trains, and says what is wrong and what to do about it."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from thalweg import layer_plots, plots, randomness
from thalweg.checkups import Checkup, examine
from thalweg.errors import InputError
from thalweg.examples import Examples
from thalweg.findings import HEALTHY, Finding, Seen, judge
from thalweg.settings import check_whole


if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thalweg.network import Network
    from thalweg.run import Run


@dataclass(eq=False)
class Doctor:
    """Look at the network before training and after every `every` epochs, on a fixed random sample of the rows.

    It looks for units that are dead or saturated, gradients that vanish or explode, steps too large or too small beside
    the weights, inputs and targets out of scale, and a loss that does not fall or oscillates. It changes nothing. A
    look costs about as much as training on `rows` rows with the engine `reference`.

    Args:
        every: epochs from one look to the next.
        rows: rows of the training data in the sample, at most.
        seed: of the sample.

    Afterwards `findings` says what is wrong, as data, in the order in which it was noticed, each kind once for a layer;
    `print(doctor)` or `doctor.report()` says it in words with the numbers of each layer, `doctor.plot(path)` draws them
    over the epochs, and `checkups` has all of them.

    Raises:
        InputError: a setting breaks its rule.

    >>> import thalweg as tw
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> doctor = Doctor()
    >>> result = tw.train(tw.Network([2, 3, 1]), X * [1, 1000], X[:, 0], stop=tw.Stop(epochs=3), callbacks=[doctor])
    >>> print(doctor.findings[0].sentence)
    column 2 of X is about 1e+03 in size (root mean square).
    """

    every: int = 1
    rows: int = 1000
    seed: int = 0
    findings: list[Finding] = field(init=False, repr=False, default_factory=list)
    checkups: list[Checkup] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        check_whole(self.every, 1, "Doctor: every", "epochs")
        check_whole(self.rows, 1, "Doctor: rows")
        randomness.check_seed(self.seed)
        self._network: Network | None = None

    def on_start(self, run: Run) -> None:
        """Before training: choose the sample, and look at the run before anything is learnt."""
        self.findings, self.checkups = [], []
        self._network = run.network
        weighted = np.flatnonzero(run.training.weights)
        self._of = len(weighted)
        chosen = weighted[np.sort(randomness.permutation(self.seed, "checkup", self._of)[: self.rows])]
        sample = run.training.take(chosen)
        self._sample = Examples(*(array.astype(np.float64) for array in (sample.X, sample.Y, sample.weights)))
        self._before: tuple[np.ndarray, int] | None = None
        self._first, self._status = run.epoch, run.status
        self._look(run)

    def on_epoch(self, run: Run) -> None:
        """After an epoch of the run: look, if it is time to."""
        if (run.epoch - self._first) % self.every == 0:
            self._look(run)

    def on_end(self, run: Run) -> None:
        """Remember how the run ended."""
        self._status = run.status

    def _look(self, run: Run) -> None:
        p, steps = run.parameters.astype(np.float64), int(run.history.latest("steps")) if run.epoch else 0
        checkup = examine(run.network, p, self._sample, epoch=run.epoch, steps=steps, before=self._before)
        self._before = p, steps
        self.checkups.append(checkup)
        places = {(finding.kind, finding.layer): i for i, finding in enumerate(self.findings)}
        for finding in judge(Seen(run.network, self._sample, self.checkups)):
            place = places.get((finding.kind, finding.layer))
            if place is None:
                self.findings.append(finding)
            else:
                self.findings[place] = dataclasses.replace(finding, epoch=self.findings[place].epoch)

    def report(self) -> str:
        """The findings in words, and the numbers of each layer at the last look."""
        network, last = self._seen()
        looks = f"{len(self.checkups)} look{'s' * (len(self.checkups) > 1)}, the last after epoch {last.epoch}"
        lines = [f"{looks}, at {self._sample.n:,} of {self._of:,} training rows. {_count(len(self.findings))}."]
        if self._status is not None and self._status.is_failure:
            lines += ["", f"The training ended early: {self._status.value}"]
        lines += ["", *map(str, self.findings)] if self.findings else []
        heads = ("layer", "units", "activation", "dead", "saturated", "gradient", "step / weight")
        rows = [
            (
                str(number), str(layer.above), repr(layer.activation), _share(last.dead[number - 1]),
                _share(last.saturated[number - 1]), _size(last.gradient[number - 1]), _size(last.update[number - 1]),
            )
            for number, layer in enumerate(network.layers, start=1)
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines += ["", *("  ".join(map(str.ljust, row, widths)).rstrip() for row in (heads, *rows))]
        return "\n".join(lines)

    __str__ = report

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Gradient and step by layer over the epochs, saved as .svg, .png or .pdf where a path is given.

        Raises:
            InputError: nothing has been looked at, or the path has another suffix.
        """
        network, _ = self._seen()
        names = [f"layer {number} ({layer.activation!r})" for number, layer in enumerate(network.layers, start=1)]
        figure = layer_plots.layer_signs(
            np.array([one.epoch for one in self.checkups]), np.stack([one.gradient for one in self.checkups]),
            np.stack([one.update for one in self.checkups]), names, HEALTHY,
        )  # fmt: skip
        return plots.written(figure, path)

    def _seen(self) -> tuple[Network, Checkup]:
        if self._network is None or not self.checkups:
            message = "the Doctor has seen no training yet; give it to one first: tw.train(…, callbacks=[doctor])"
            raise InputError(message)
        return self._network, self.checkups[-1]


def _count(findings: int) -> str:
    return "No findings" if not findings else f"{findings} finding{'s' * (findings > 1)}"


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def _size(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2g}"
