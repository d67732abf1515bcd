"""Gradient descent on any function (L1–L5): walk downhill from a start, and say why the walk ended."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.callables import coordinate_names, of_callable
from thalweg.errors import DescentFailed, InputError
from thalweg.expressions import Expression
from thalweg.functions import FUNCTIONS, find_function
from thalweg.interruption import Interruption
from thalweg.landscape import Point, norm
from thalweg.line_searches import Found, LineSearch, Lipschitz, NoStepError
from thalweg.objectives import Objective, of_formula
from thalweg.optimizers import find_optimizer
from thalweg.parsing import parse
from thalweg.settings import check_choice
from thalweg.starts import check_domain, first_point, names_and_start
from thalweg.steps import along_a_ray, by_rule
from thalweg.stopping import Reached, Status, Stop
from thalweg.trail import Row, Trail
from thalweg.update_rules import GradientDescent, Optimizer, UpdateRule
from thalweg.walk import Descent


if TYPE_CHECKING:
    from jaxtyping import Float

    Take = Callable[[Point, int], Found]

GROWTHS = 5  # times in a row that f may grow beyond its start before plain descent counts as running away
UNMOVED = 10  # steps in a row that may leave every bit of x as it is: a schedule may begin at a rate of 0
FAR = 10.0  # times the size of the start: a step that leads farther, to where f is not finite, ran away
RATES_AT_ONCE = 256  # a schedule is asked for so many steps together


def descend(
    f: Any,
    start: Any = None,
    *,
    gradient: Any = None,
    hessian: Any = None,
    optimizer: Any = GradientDescent(0.1),  # noqa: B008  (frozen)
    stop: Stop = Stop(steps=10_000, gradient_norm_below=1e-8),  # noqa: B008  (frozen)
    domain: Any = None,
    check: bool = True,
    callbacks: Iterable[Callable[[Row], Any]] = (),
    on_failure: str = "return",
    record: int | None = None,
) -> Descent:
    """Walk downhill on f: x := x − γ ∇f(x), or another optimizer's step, until a test of `stop` is met (L1, L5).

    Args:
        f: a formula such as "x**2 + 3*sin(x)", the name of a function in `FUNCTIONS`, or a callable of a number, of n
            numbers, or of a vector of shape (n,), which gives a value, or a value and a gradient.
        start: where to begin: a number, n numbers in the order of the formula's variables, or a dict by variable; a
            named function has a start of its own.
        gradient: of a callable: a callable, or "complex" (complex step) or "central" (central differences); None takes
            the complex step where f goes along with it, else central differences. A formula has its own.
        hessian: of a callable: a callable that gives the (n, n) second derivatives, which Newton uses; None for
            differences of gradients.
        optimizer: an update rule, a direction, or the name of one; its learning rate a number, a schedule, or a line
            search. Schedules count each step as an epoch.
        stop: looked at before the first step and after each one.
        domain: (low, high), or one such pair for each coordinate: the walk ends where a step leaves it.
        check: compare a given gradient with a numeric one at the start, coordinate by coordinate, and refuse a wrong
            one.
        callbacks: called with the Row of each step; one that returns True ends the walk.
        on_failure: "return" what was reached, or "raise" DescentFailed, where the walk ran away or broke off.
        record: rows to keep at most; every second one goes when there are more. None: what fits into 128 MiB.

    Raises:
        InputError: f, the start or a setting breaks its rule, or a given gradient is wrong.
        DescentFailed: on_failure="raise", and the walk ran away, left the domain or met a value that is not finite.

    >>> d = descend("x**2 + 3*sin(x)", 4)
    >>> d.status.name, round(d.x, 6), round(d.value, 6)
    ('GRADIENT_NORM_BELOW', -0.914856, -1.540463)
    """
    check_choice(on_failure, ("return", "raise"), "on_failure")
    if not isinstance(stop, Stop):
        message = f"stop must be a Stop, such as Stop(steps=1000), not {stop!r}"
        raise InputError(message)
    if record is not None and (isinstance(record, bool) or not isinstance(record, int) or record < 2):
        message = f"record must be a number of rows ≥ 2, or None for what fits into memory, not {record!r}"
        raise InputError(message)
    listed = tuple(callbacks)
    for callback in listed:
        if not callable(callback):
            message = f"a callback of descend is called with each step's row, and {callback!r} cannot be called"
            raise InputError(message)
    rule = find_optimizer(optimizer)
    objective, x, is_number = on(f, start, gradient=gradient, hessian=hessian, domain=domain)
    first = first_point(objective, x, check)
    done = walk_on(objective, first, is_number, rule, stop, listed, record)
    if done.status.is_failure and on_failure == "raise":
        raise DescentFailed(done.message, done)
    return done


def on(
    f: Any, start: Any = None, *, gradient: Any = None, hessian: Any = None, domain: Any = None
) -> tuple[Objective, Float[np.ndarray, " n"], bool]:
    """f as what walks go on, the start as a vector, and whether it was given as one number.

    Raises:
        InputError: as `descend`.
    """
    named = find_function(f)
    if named is not None:
        start = named.start if start is None else start
        f = named.formula
    if isinstance(f, str) and f.isidentifier():
        alike = difflib.get_close_matches(f.lower(), FUNCTIONS, n=1, cutoff=0.7)
        if alike and len(f) > 2:
            message = f"there is no function named {f!r}; did you mean {alike[0]!r}? A variable needs another name"
            raise InputError(message)
    if start is None:
        message = "descend needs a start: a number, or a list of one number for each coordinate, such as start=4"
        raise InputError(message)
    formula = parse(f) if isinstance(f, str) else f if isinstance(f, Expression) else None
    if formula is None and (isinstance(f, str) or not callable(f)):
        message = f"f must be a formula such as 'x**2', one of {', '.join(FUNCTIONS)}, or a callable, not {f!r}"
        raise InputError(message)
    if formula is not None and not formula.variables:
        message = f"the formula {formula} has no variable to walk along; write one, such as x"
        raise InputError(message)
    names, x, is_number = names_and_start(formula, start)
    if formula is not None:
        box = check_domain(domain, x, names)
        objective = of_formula(formula, names, box, gradient, hessian)
        known = named or next((row for row in FUNCTIONS.values() if row.formula == formula), None)
        objective.minima = known.minima if known else ()
        return objective, x, is_number
    box = check_domain(domain, x, coordinate_names(len(x), is_number))
    with np.errstate(all="ignore"):
        objective = of_callable(f, x, is_number, box, gradient, hessian)  # pyright: ignore[reportArgumentType]
    objective.counts.update(dict.fromkeys(objective.counts, 0))
    return objective, x, is_number


def walk_on(
    objective: Objective, first: Point, is_number: bool, optimizer: Optimizer, stop: Stop,
    callbacks: tuple[Callable[[Row], Any], ...] = (), record: int | None = None,
) -> Descent:  # fmt: skip
    """Walk from a point that is known to be sound; several walks may share an objective, one after another."""
    with np.errstate(all="ignore"):
        walk = _Walk(objective, first, optimizer, stop, callbacks, Trail(objective.n, record))
        status, why = walk.run()
    return Descent(objective, optimizer, status, why, walk.trail, walk.best, walk.last, is_number)


class _Walk:
    """One walk with everything settled."""

    def __init__(
        self, objective: Objective, first: Point, optimizer: Optimizer, stop: Stop,
        callbacks: tuple[Callable[[Row], Any], ...], trail: Trail,
    ) -> None:  # fmt: skip
        self.objective, self.optimizer, self.stop, self.callbacks = objective, optimizer, stop, callbacks
        self.trail = trail
        self._last = self._best = (
            0, first, norm(first.gradient), math.nan, 0, objective.counts["values"], 0.0
        )  # fmt: skip
        trail.add(self._last)

    def run(self) -> tuple[Status, str]:
        """Step after step; the status, and what else there is to say."""
        with Interruption() as interruption:
            status, why = self._run(self._stepper(), interruption.requested)
        self.trail.close(self.best, self.last)
        return status, why

    def _run(self, take: Take, is_interrupted: Callable[[], bool]) -> tuple[Status, str]:
        stop, trail, callbacks, start = self.stop, self.trail, self.callbacks, self.last.point
        counts, clock, started = self.objective.counts, time.perf_counter, time.perf_counter()
        watches_distance = stop.parameter_change_below is not None
        watches_growth = isinstance(self.optimizer, GradientDescent) and not self.optimizer.momentum
        at, at_norm = start, self.last.gradient_norm
        best_value, best_step = start.value, 0
        k = growths = unmoved = 0
        reached = Reached(0, 0, 0.0, at.value, gradient_norm=at_norm)
        status = stop.met(reached)
        while status is None:
            k += 1
            try:
                found = take(at, k)
            except NoStepError as error:
                return Status.STALLED, str(error)
            point = found.point
            value, length = point.value, norm(point.gradient)
            if not (math.isfinite(value) and math.isfinite(length)) and not point.is_finite:
                return self._broken(start, at, point, found.rate)
            seconds = clock() - started
            # A plain tuple, as one is made at every step; it becomes a Row where somebody looks at it.
            row = (k, point, length, found.rate, found.backtracks, counts["values"], seconds)
            trail.add(row)
            self._last = row
            if value < best_value:
                self._best, best_value, best_step = row, value, k
            if value == at.value and length == at_norm and (point.x == at.x).all():
                unmoved += 1
                if unmoved == UNMOVED:
                    return Status.STALLED, f"the last {UNMOVED} steps were too short to change x"
            else:
                unmoved = 0
            if watches_growth:
                growths = growths + 1 if value > at.value and value > start.value else 0
                if growths == GROWTHS:
                    return Status.DIVERGING, self._ran_away(f"f grew {GROWTHS} times in a row beyond its start")
            if watches_distance:
                reached.parameter_change = norm(point.x - at.x)
            reached.epochs = reached.steps = k
            reached.seconds, reached.value, reached.gradient_norm = seconds, value, length
            reached.value_change, reached.since_best = abs(value - at.value), k - best_step
            at, at_norm = point, length
            status = stop.met(reached)
            if callbacks and any([_asks_to_stop(callback(Row(*row))) for callback in callbacks]):
                status = Status.CALLBACK
            if is_interrupted():
                status = Status.INTERRUPTED
        return status, ""

    @property
    def last(self) -> Row:
        """Where the walk stands."""
        return Row(*self._last)

    @property
    def best(self) -> Row:
        """The lowest point seen."""
        return Row(*self._best)

    def _stepper(self) -> Take:
        """What takes one step: by an update rule at a scheduled rate, or along a ray."""
        objective, optimizer = self.objective, self.optimizer
        state: dict[str, Any] = optimizer.start(objective.n)
        if isinstance(optimizer.learning_rate, LineSearch):
            return lambda at, k: along_a_ray(at, objective, optimizer, state, math.nan)
        rate = self._rates()
        if isinstance(optimizer, UpdateRule):
            return lambda at, k: by_rule(at, objective, optimizer, state, rate(k), k)
        return lambda at, k: along_a_ray(at, objective, optimizer, state, rate(k))

    def _rates(self) -> Callable[[int], float]:
        """The scheduled rate of step k, the schedule being asked for many at once."""
        schedule = self.optimizer.learning_rate
        total = min((n for n in (self.stop.epochs, self.stop.steps) if n is not None), default=None)
        if schedule.needs_total and total is None:
            message = f"{schedule!r} ends with the walk, so Stop needs steps to say when"
            raise InputError(message)
        rates: list[float] = []

        def rate(k: int) -> float:
            at = (k - 1) % RATES_AT_ONCE
            if at == 0:
                rates[:] = schedule.at(np.arange(k - 1, k - 1 + RATES_AT_ONCE, dtype=float), total).tolist()
            return rates[at]

        return rate

    def _broken(self, start: Point, at: Point, point: Point, rate: float) -> tuple[Status, str]:
        """What to call a step to where f or its gradient is not finite."""
        objective, x = self.objective, point.x
        reach = FAR * (1.0 + float(np.abs(start.x).max()))
        far = not np.isfinite(x).all() or float(np.abs(x - start.x).max()) > reach
        overflows = far or (point.value == math.inf and objective.formula is not None)
        step = f"one step of γ = {rate:.4g} after {self._place(at.x)}"
        left = Status.LEFT_DOMAIN, f"{objective.why}, {step}"
        if objective.domain is not None and objective.why and math.isnan(point.value):
            return left
        if (overflows or point.value == -math.inf) and at.value < start.value and point.value != math.inf:
            fell = f"f falls without end, to {at.value:.4g} before it overflows: there may be no minimum"
            return Status.DIVERGING, fell
        if overflows or (at.value > start.value and point.value == math.inf):
            return Status.DIVERGING, self._ran_away(f"a step of γ = {rate:.4g} led to where f overflows")
        if objective.why:
            return left
        what = f"f is {point.value}" if not math.isfinite(point.value) else "the gradient is not finite"
        advice = "use a smaller learning rate, or give the domain"
        return Status.NON_FINITE, f"{what} at {self._place(x)}, {step}; {advice}"

    def _ran_away(self, how: str) -> str:
        if isinstance(self.optimizer.learning_rate, Lipschitz):
            return f"{how}; give a larger L, or none"
        plain = isinstance(self.optimizer, GradientDescent) and self.optimizer.walks_rays
        return f"{how}; use a smaller learning rate{', or Backtracking()' if plain else ''}"

    def _place(self, x: Float[np.ndarray, " n"]) -> str:
        shown = ", ".join(f"{name} = {number:.6g}" for name, number in zip(self.objective.names[:4], x, strict=False))
        return shown + (", …" if len(x) > 4 else "")


def _asks_to_stop(answer: Any) -> bool:
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
