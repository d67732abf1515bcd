"""What a walk downhill has reached: `Descent`, with every step that is kept, as arrays, table and pictures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.diagnosis import Diagnosis, diagnose
from thalweg.errors import InputError
from thalweg.expressions import Expression
from thalweg.objectives import THE_FORMULA, Objective
from thalweg.stopping import Status
from thalweg.trail import Row, Trail
from thalweg.update_rules import Optimizer


if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from jaxtyping import Float, Int
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

CONVERGED = (
    Status.VALUE_BELOW, Status.VALUE_CHANGE_BELOW, Status.PARAMETER_CHANGE_BELOW, Status.GRADIENT_NORM_BELOW
)  # fmt: skip
SHOWN = 20  # rows of a printed table
GRID = {1: 600, 2: 160}  # points along each side of a picture of f


class Descent:
    """A finished walk. `x` is the best point seen, not the last; arrays have a row for each step that is kept.

    >>> from thalweg.descent import descend
    >>> d = descend("x**2", 4, optimizer="GradientDescent")
    >>> d.path[:3].round(3).tolist(), d.values[:3].round(3).tolist(), d.converged
    ([4.0, 3.2, 2.56], [16.0, 10.24, 6.554], True)
    """

    status: Status  # why it stopped
    optimizer: Optimizer  # that chose the steps
    trail: Trail  # the steps that are kept, as they were written down
    objective: Objective  # f as the walk sees it
    evaluations: dict[str, int]  # of f ("values"), "gradients", "hessians", up to the end of the walk

    def __init__(
        self, objective: Objective, optimizer: Optimizer, status: Status, why: str, trail: Trail, best: Row, last: Row,
        is_number: bool,
    ) -> None:  # fmt: skip
        self.status, self.optimizer, self.trail, self.objective = status, optimizer, trail, objective
        self._why, self._best, self._last, self._is_number = why, best, last, is_number
        self.evaluations = dict(objective.counts)

    @property
    def x(self) -> Any:
        """The best point: a float where the start was a number, else shape (n,)."""
        return self._point(self._best.point.x)

    @property
    def value(self) -> float:
        """f at the best point."""
        return self._best.point.value

    @property
    def gradient(self) -> Any:
        """∇f at the best point, in the form of `x`."""
        return self._point(self._best.point.gradient)

    @property
    def last_x(self) -> Any:
        """Where the walk ended: its last finite point."""
        return self._point(self._last.point.x)

    @property
    def last_value(self) -> float:
        """f where the walk ended."""
        return self._last.point.value

    @property
    def best_step(self) -> int:
        """The step that led to the best point, 0 being the start."""
        return self._best.step

    @property
    def n_steps(self) -> int:
        """Steps taken."""
        return self._last.step

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self._last.seconds

    @property
    def converged(self) -> bool:
        """Whether a goal of `stop` was reached, or the gradient vanished, where f is as low as anywhere on the walk."""
        if self.last_value > self.value + 1e-9 * (abs(self.value) + abs(float(self.values[0]) - self.value)):
            return False
        return self.status in CONVERGED or (self.status is Status.STALLED and self._best.gradient_norm == 0.0)

    @property
    def message(self) -> str:
        """Why it ended, in a sentence."""
        return f"{self.status.value[:-1]}: {self._why}." if self._why else self.status.value

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the coordinates."""
        return self.objective.names

    @property
    def formula(self) -> Expression | None:
        """f where it is a formula."""
        return self.objective.formula

    @property
    def derivatives(self) -> tuple[Expression, ...]:
        """The partial derivatives of a formula; none where they were too long, and differences took their place."""
        if self.formula is None or self.gradient_from != THE_FORMULA:
            return ()
        return tuple(self.formula.derivative(name) for name in self.names)

    @property
    def gradient_from(self) -> str:
        """Where the gradient came from."""
        return self.objective.gradient_from

    @property
    def steps(self) -> Int[np.ndarray, " rows"]:
        """The numbers of the steps that are kept: all, unless there were so many that they were thinned."""
        return self.trail.steps

    @property
    def path(self) -> Float[np.ndarray, "rows n"]:
        """x after each step, the start first; shape (rows,) where the start was a number."""
        return self.trail.path[:, 0] if self._is_number else self.trail.path

    @property
    def gradients(self) -> Float[np.ndarray, "rows n"]:
        """∇f after each step, in the form of `path`."""
        return self.trail.gradients[:, 0] if self._is_number else self.trail.gradients

    @property
    def values(self) -> Float[np.ndarray, " rows"]:
        """f after each step."""
        return self.trail.column("value")

    @property
    def gradient_norms(self) -> Float[np.ndarray, " rows"]:
        """‖∇f‖ after each step."""
        return self.trail.column("gradient_norm")

    @property
    def rates(self) -> Float[np.ndarray, " rows"]:
        """γ of the step that led there; nan for the start."""
        return self.trail.column("rate")

    @property
    def backtracks(self) -> Int[np.ndarray, " rows"]:
        """Trials of the line search that were not good enough, for each step."""
        return self.trail.column("backtracks").astype(np.int64)

    @property
    def evaluations_by_step(self) -> Int[np.ndarray, " rows"]:
        """Values of f asked for since the beginning, after each step."""
        return self.trail.column("evaluations").astype(np.int64)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """Why the walk went as it did, from the curvature it met, and what to change (L3)."""
        return diagnose(self.objective, self.trail, self.optimizer, self.status, self._best.point.x)

    def table(self, rows: int = SHOWN) -> str:
        """The steps as text: the first ones, the best and the last, at most `rows`.

        Columns: step, x (of at most 3 coordinates), f, its change, ‖∇f‖ (f′ in one dimension), γ, backtracks,
        evaluations of f, seconds.
        """
        headings, cells = self.cells(rows)
        widths = [max(len(heading), *(len(row[i]) for row in cells)) for i, heading in enumerate(headings)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (headings, *cells)
        ]
        return "\n".join(lines)

    def cells(self, rows: int = SHOWN) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The headings and the rows of `table`."""
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
            message = f"a table has a number of rows ≥ 1, not {rows!r}"
            raise InputError(message)
        n = len(self.names)
        coordinates = self.names if n <= 3 else ()
        slope = f"∂f/∂{self.names[0]}" if n == 1 else "‖∇f‖"
        headings = ("step", *coordinates, "f", "change of f", slope, "γ", "backtracks", "evaluations", "seconds")
        steps, values, path = self.steps, self.values, self.trail.path
        slopes = self.trail.gradients[:, 0] if n == 1 else self.gradient_norms
        rates, backtracks, evaluations = self.rates, self.backtracks, self.evaluations_by_step
        seconds = self.trail.column("seconds")
        cells = []
        for i in _chosen(len(steps), rows, int(np.flatnonzero(steps == self.best_step)[0])):
            follows = i and steps[i] == steps[i - 1] + 1
            mark = "*" if steps[i] == self.best_step else ""
            cells.append(
                (
                    f"{mark}{steps[i]:,}", *(f"{path[i, j]:.6g}" for j in range(len(coordinates))), f"{values[i]:.8g}",
                    f"{values[i] - values[i - 1]:+.2e}" if follows else "", f"{slopes[i]:.4g}",
                    f"{rates[i]:.4g}" if i else "", f"{backtracks[i]}" if i else "", f"{evaluations[i]:,}",
                    f"{seconds[i]:.3g}" if i else "",
                )
            )  # fmt: skip
        return headings, cells

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain JSON types, the steps that are kept included."""
        form = None if self.formula is None else {
            "text": str(self.formula), "latex": self.formula.latex,
            "derivatives": {
                name: {"text": str(one), "latex": one.latex}
                for name, one in zip(self.names, self.derivatives, strict=False)
            },
        }  # fmt: skip
        return {
            "formula": form, "names": list(self.names), "optimizer": self.optimizer.to_dict(),
            "gradient_from": self.gradient_from, "status": self.status.name, "message": self.message,
            "converged": self.converged, "x": self._best.point.x.tolist(), "value": self.value,
            "gradient": self._best.point.gradient.tolist(), "best_step": self.best_step, "n_steps": self.n_steps,
            "last_x": self._last.point.x.tolist(), "last_value": self.last_value, "seconds": self.seconds,
            "evaluations": self.evaluations, "diagnosis": self.diagnosis.to_dict(),
            "steps": {
                "step": self.steps.tolist(), "x": self.trail.path.tolist(), "value": self.values.tolist(),
                "gradient": self.trail.gradients.tolist(), "gradient_norm": self.gradient_norms.tolist(),
                "rate": [None, *self.rates[1:].tolist()], "backtracks": self.backtracks.tolist(),
                "evaluations": self.evaluations_by_step.tolist(),
            },
        }  # fmt: skip

    def plot(self, kind: str = "auto", path: str | os.PathLike[str] | None = None) -> Figure:
        """A picture: "curve" (1-D), "contour" or "surface" (2-D), "progress" (any); "auto" chooses the first that fits.

        Args:
            kind: of the picture.
            path: where to write it, .svg, .png or .pdf; None writes nothing.

        Raises:
            InputError: the kind does not suit the number of coordinates, or the path has another suffix.
        """
        from thalweg.walk_pictures import picture

        return picture({"": self}, kind, path)

    def animate(
        self, path: str | os.PathLike[str] | None = None, progress: Callable[[int, int | None], None] | None = None
    ) -> FuncAnimation:
        """The walk step by step, on the curve (1-D) or the contour (2-D).

        Args:
            path: where to write it, .gif or .html; None writes nothing. It takes some 0.1 s for each of 60 frames.
            progress: called with the number of each frame drawn, from 0, and how many there are.

        Raises:
            InputError: f has more than two coordinates, or the path has another suffix.
        """
        from thalweg.walk_pictures import animation

        return animation(self, path, progress)

    def __repr__(self) -> str:
        x = np.array2string(self._best.point.x, precision=6, threshold=6) if not self._is_number else f"{self.x:.8g}"
        return f"Descent to f = {self.value:.8g} at {x} in {self.n_steps:,} steps: {self.status.name}"

    def __str__(self) -> str:
        return f"{self.table()}\n{self!r}\n{self.message}\n{self.diagnosis}"

    def _point(self, x: Float[np.ndarray, " n"]) -> Any:
        return float(x[0]) if self._is_number else x.copy()


def _chosen(count: int, most: int, best: int) -> list[int]:
    """At most `most` of the first `count` places (but 3 at least): the first ones, `best` and the last two.

    >>> _chosen(100, 6, 42)
    [0, 1, 2, 42, 98, 99]
    """
    if count <= most:
        return list(range(count))
    tail = {best, count - 2, count - 1}
    return sorted({*range(max(1, most - len(tail))), *tail})
