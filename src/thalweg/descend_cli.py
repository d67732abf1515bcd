"""`thalweg descend`: what is typed as functions, starts, optimizers and rates, and one library call for it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg import animations, console, plots
from thalweg.descent import descend, on
from thalweg.errors import InputError
from thalweg.functions import FUNCTIONS
from thalweg.line_searches import LINE_SEARCHES
from thalweg.optimizers import OPTIMIZERS
from thalweg.outputs import check_outputs, form_of
from thalweg.progress import FrameProgress, WalkProgress
from thalweg.stopping import Status, Stop
from thalweg.sweeps import learning_rate_range, race
from thalweg.update_rules import Optimizer
from thalweg.walk_pictures import check_animated, check_kind


# What people call them, beside their own names in any spelling: the optimizer and its settings.
CALLED: dict[str, tuple[str, dict[str, Any]]] = {
    "gd": ("GradientDescent", {}), "momentum": ("GradientDescent", {"momentum": 0.9}),
    "nesterov": ("GradientDescent", {"momentum": 0.9, "nesterov": True}), "cg": ("ConjugateGradient", {}),
}  # fmt: skip
STEPS, ROWS = 1_000, 20
SWEPT = 100  # steps of each walk of a sweep, unless --steps says otherwise

SETTINGS = {"ignore_unknown_options": True}  # a formula may begin with a minus

EXAMPLES = """Examples:

  thalweg descend "x**2 + 3*sin(x)" --start 4 --plot walk.svg

  thalweg descend rosenbrock --optimizer lbfgs --optimizer momentum --learning-rate 0.001 --plot race.svg

  thalweg descend "(x - 1)**2 + 10*y**2" --start=-3,2 --learning-rate backtracking --animate walk.gif

  thalweg descend "x**4" --start 2 --sweep --plot rates.svg

  thalweg descend --list"""


def command(
    function: Annotated[
        str | None, typer.Argument(help='A formula such as "x**2 + 3*sin(x)", or the name of a function (see --list).')
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Where to begin: 4, or 1,-2 in the order of the variables, or x=1,y=-2. Named functions have one."
        ),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            show_default="GradientDescent",
            help=f"{', '.join([*OPTIMIZERS, *CALLED])}, in any spelling; given several times, they race.",
        ),
    ] = None,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            show_default="the optimizer's own",
            help=f"A number, or a search along the direction: {', '.join(LINE_SEARCHES)}, in any spelling.",
        ),
    ] = None,
    momentum: Annotated[float | None, typer.Option(help="Of GradientDescent, from 0 to below 1.")] = None,
    steps: Annotated[int, typer.Option(help="Steps at most.")] = STEPS,
    seconds: Annotated[float | None, typer.Option(help="Seconds at most.")] = None,
    gradient_norm_below: Annotated[float, typer.Option(help="Stop where ‖∇f‖ is below.")] = 1e-8,
    value_below: Annotated[float | None, typer.Option(help="Stop where f is below.")] = None,
    value_change_below: Annotated[float | None, typer.Option(help="Stop where a step changes f by less.")] = None,
    parameter_change_below: Annotated[float | None, typer.Option(help="Stop where a step is shorter.")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Bounds that no step may leave: LOW,HIGH for every variable.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows of the table; 0 for none.")] = ROWS,
    plot: Annotated[Path | None, typer.Option(help="Where a picture goes: .svg, .png or .pdf.")] = None,
    kind: Annotated[str, typer.Option(help="Of the picture: auto, curve, contour, surface or progress.")] = "auto",
    animate: Annotated[Path | None, typer.Option(help="Where an animation goes: .gif or .html.")] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="Try many learning rates instead of walking once.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Show f and its derivatives in LaTeX too.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the functions that have a name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Walk downhill on a function: each step, the derivative, and why the walk went as it did."""
    if listing:
        console.functions(FUNCTIONS.values(), as_json)
        return
    if function is None:
        message = "descend needs a function: a formula such as 'x**2', or a name from thalweg descend --list"
        raise InputError(message)
    stop = Stop(
        steps=steps, seconds=seconds, gradient_norm_below=gradient_norm_below, value_below=value_below,
        value_change_below=value_change_below, parameter_change_below=parameter_change_below,
    )  # fmt: skip
    names = optimizer or ["GradientDescent"]
    named = {name: _optimizer(name, learning_rate, momentum) for name in names}
    if len(named) < len(names):
        message = f"an optimizer races once, and --optimizer names one twice: {', '.join(names)}"
        raise InputError(message)
    if animate is not None and (sweep or len(named) > 1):
        message = "an animation shows one walk; leave out --animate, or --sweep and all but one --optimizer"
        raise InputError(message)
    where: dict[str, Any] = {"start": _start(start), "domain": _domain(domain)}
    if rows < 0:
        message = f"--rows takes a number of rows ≥ 0, not {rows}"
        raise InputError(message)
    if plot is None and kind != "auto":
        message = "--kind is of the picture, and without --plot there is none; give --plot, or leave --kind out"
        raise InputError(message)
    if (sweep or len(named) > 1) and (rows != ROWS or latex):
        message = "--rows and --latex are for one walk; leave them out with --sweep and with several --optimizer"
        raise InputError(message)
    _check_outputs(plot, animate, None if sweep else kind, on(function, **where)[0].n, len(named))
    first, is_interrupted = next(iter(named.values())), False
    if sweep:
        if learning_rate is not None or len(named) > 1 or kind != "auto" or seconds is not None:
            message = (
                "--sweep tries its own learning rates with one optimizer, so many steps each; leave out "
                "--learning-rate, --kind and --seconds"
            )
            raise InputError(message)
        swept = learning_rate_range(function, steps=SWEPT if steps == STEPS else steps, optimizer=first, **where)
        console.swept(swept, as_json)
        draw = swept.plot
    elif len(named) > 1:
        raced = race(function, optimizers=named, stop=stop, **where)
        console.raced(raced, as_json)
        draw = partial(raced.plot, kind)
    else:
        with WalkProgress(steps) as progress:
            walk = descend(function, optimizer=first, stop=stop, callbacks=(progress,), **where)
        console.walked(walk, rows, latex, as_json)
        draw = partial(walk.plot, kind)
        if animate is not None:
            with FrameProgress() as drawn:
                walk.animate(animate, drawn)
            _say(as_json, f"animation  {animate}")
        is_interrupted = walk.status is Status.INTERRUPTED
    if plot is not None:
        draw(path=plot)
        _say(as_json, f"picture    {plot}")
    if is_interrupted:
        typer.echo("thalweg: interrupted; what was reached is shown", err=True)
        raise typer.Exit(130)


def _check_outputs(plot: Path | None, animate: Path | None, kind: str | None, n: int, walks: int) -> None:
    """Whether the pictures can be made and written, said before the walk."""
    if plot is not None:
        form_of(plot, plots.FORMS, "a figure")
        if kind is not None:
            check_kind(kind, n, walks)
    if animate is not None:
        form_of(animate, animations.FORMS, "an animation")
        check_animated(n)
    check_outputs({"picture": plot, "animation": animate}, {})


def _say(as_json: bool, text: str) -> None:
    typer.echo(text, err=as_json)


def _spelling(name: str) -> str:
    """A name as it is compared: without case, spaces and hyphens."""
    return "".join(c for c in name.lower() if c.isalnum())


def _optimizer(name: str, learning_rate: str | None, momentum: float | None) -> Optimizer:
    known = {_spelling(one): (one, {}) for one in OPTIMIZERS} | CALLED
    if _spelling(name) not in known:
        message = f"there is no optimizer {name!r}; choose one of {', '.join([*OPTIMIZERS, *CALLED])}"
        raise InputError(message)
    row, settings = known[_spelling(name)]
    if momentum is not None and row == "GradientDescent":
        settings = {**settings, "momentum": momentum}
    elif momentum is not None:
        message = f"--momentum is for GradientDescent, and {row} has none; leave it out"
        raise InputError(message)
    if learning_rate is not None:
        settings = {**settings, "learning_rate": _learning_rate(learning_rate)}
    return OPTIMIZERS[row](**settings)


def _learning_rate(given: str) -> Any:
    searches = {_spelling(one): row for one, row in LINE_SEARCHES.items()}
    if _spelling(given) in searches:
        return searches[_spelling(given)]()
    try:
        return float(given)
    except ValueError:
        message = f"--learning-rate takes a number or one of {', '.join(LINE_SEARCHES)}, not {given!r}"
        raise InputError(message) from None


def _start(given: str | None) -> Any:
    """4, or 1,-2, or x=1,y=-2."""
    if given is None:
        return None
    parts = [part.strip() for part in given.split(",")]
    try:
        if "=" in given:
            pairs = [part.split("=") for part in parts]
            named = {name.strip(): float(number) for name, number in pairs}
            if len(named) < len(pairs):
                message = f"--start gives a variable twice: {given!r}"
                raise InputError(message)
            return named
        numbers = [float(part) for part in parts]
    except ValueError:
        message = f"--start takes numbers parted by commas, such as 4 or 1,-2 or x=1,y=-2, not {given!r}"
        raise InputError(message) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _domain(given: str | None) -> Any:
    if given is None:
        return None
    try:
        low, high = (float(part) for part in given.split(","))
    except ValueError:
        message = f"--domain takes two numbers, such as --domain=-5,5, not {given!r}"
        raise InputError(message) from None
    return low, high
