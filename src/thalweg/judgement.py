"""A comparison in words: one sentence with its certainty, and the reasons, none of which decides alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from thalweg.contenders import CONTENDERS
from thalweg.intervals import CONFIDENCE, Difference
from thalweg.scores import MEASURES
from thalweg.standings import LEVEL, OF_TASK, Compared, Outcome, Result, difference, mean_loss, settle
from thalweg.tendencies import FORETOLD


READABLE = 32  # leaves of a tree that people read
SURE = {"clear": "clearly", "likely": "probably"}
SIDES = {"network": "the network", "trees": "trees"}


def verdict(comparison: Compared) -> str:
    """Who does better and how sure that is; level where nobody does, or where the rows cannot tell."""
    outcome = comparison.outcome
    if outcome is None:
        order = ranked(comparison)
        lowest = mean_loss(order[0], comparison.measure)
        best = [called(one.name) for one in order if mean_loss(one, comparison.measure) == lowest]
        have = "has" if len(best) == 1 else "have"
        figure = _shown(comparison, order[0])
        return f"Of those compared {' and '.join(best)} {have} the best {_name(comparison)}: {figure}."
    measured = f"{_measured(comparison, outcome)}{_hopeless(comparison, outcome)}"
    if outcome.winner:
        verb = "does" if outcome.winner == "network" else "do"
        side = SIDES[outcome.winner]
        return f"{side[0].upper()}{side[1:]} {verb} better here, {SURE[outcome.certainty]}: {measured}"
    if outcome.certainty == "level":
        within = f"all of the interval is within {100 * LEVEL:g} % of what the better one gains over the same answer"
        surely = outcome.difference.low * outcome.difference.high > 0.0
        small = " There surely is a difference, of a size that this comparison calls no matter." if surely else ""
        return f"Level: choose by what you need. {_upper(measured)} {_upper(within)} for every row.{small}"
    if outcome.difference.low > 0.0:  # settle asks for more of the best of several
        measured += " The interval excludes 0, but not the wider one that the best of several, who may be lucky, needs."
    more = "More rows, or a larger budget," if comparison.cut else "More rows"
    return (
        f"Level as far as these rows can tell: choose by what you need. {_upper(measured)} {more} would be needed to "
        f"tell them apart."
    )


def reasons(comparison: Compared) -> list[str]:
    """Sentences beside the verdict: other measures, simpler models that do as well, tendencies, experiments, speed."""
    return [*_other_measures(comparison), *_simpler(comparison), *_evidence(comparison), *_speed(comparison)]


def ranked(comparison: Compared) -> list[Result]:
    """The contenders, best first, by the measure that decides."""
    return sorted(comparison.results.values(), key=lambda one: mean_loss(one, comparison.measure))


def called(name: str) -> str:
    """What a contender is called within a sentence."""
    one = CONTENDERS.get(name)
    return one.words if one else name


def between(found: Difference, measure: str) -> str:
    """A difference and its interval, without a sign where it is a difference of sizes."""
    low, high = sorted((abs(found.low), abs(found.high))) if found.low * found.high > 0 else (found.low, found.high)
    mean = abs(found.mean) if found.low * found.high > 0 else found.mean
    shown = MEASURES[measure].shown
    return f"{shown(mean)}, {CONFIDENCE:.0%} interval {shown(low)} to {shown(high)}"


def _measured(comparison: Compared, outcome: Outcome) -> str:
    network, champion = comparison.results["network"], comparison.results[outcome.champion]
    trees = sum(one.family == "trees" for one in comparison.results.values())
    of = f", the best of {trees} kinds of trees," if trees > 1 else ""
    by_fold = network.by_fold[comparison.measure]
    folds = sum(value is not None for value in by_fold)
    run, learnt, training = (comparison.settings[key] for key in ("run", "learnt_from", "training_rows"))
    what = "folds" if run == len(by_fold) else f"parts of {run} folds" if run > 1 else "parts of one fold"
    what += f", learnt from {learnt:,} of {training:,} training rows each" if learnt < training else ""
    return (
        f"the network's {_name(comparison)} is {_shown(comparison, network)}, that of {called(champion.name)}{of} "
        f"{_shown(comparison, champion)} (difference {between(outcome.difference, comparison.measure)}, over {folds} "
        f"{what}){_missing(comparison)}."
    )


def _missing(comparison: Compared) -> str:
    """Whom the budget left out, as a verdict without them is another one."""
    gone = comparison.settings["left_out"]
    return f", {' and '.join(gone)} left out" if gone else ""


def _hopeless(comparison: Compared, outcome: Outcome) -> str:
    """Said where neither of the two is surely better than the same answer for every row."""
    if "baseline" not in comparison.results:
        return ""
    same = comparison.results["baseline"]
    over = [
        difference(comparison.results[name], same, comparison.measure, comparison.ratio)
        for name in ("network", outcome.champion)
    ]
    if any(found is None or found.high < 0.0 for found in over):
        return ""
    if all(found is not None and found.low > 0.0 for found in over):
        return " Both are worse than always giving the same answer."
    return " By these folds neither can be told from always giving the same answer."


def _other_measures(comparison: Compared) -> Iterator[str]:
    outcome = comparison.outcome
    for measure in OF_TASK[comparison.task]:
        other = None if measure == comparison.measure else settle(comparison.results, measure, comparison.ratio)
        if outcome and other and other.winner != outcome.winner and (other.winner or other.certainty == "level"):
            said = f"{SIDES[other.winner]} {'is' if other.winner == 'network' else 'are'} better" if other.winner else (
                "they are level"
            )  # fmt: skip
            found = between(other.difference, measure)
            yield f"By {MEASURES[measure].name} {said} (difference {found}): choose the measure that your use needs."


def _simpler(comparison: Compared) -> Iterator[str]:
    """A linear model, or a tree that can be read, that is better than the same answer and no worse than the best."""
    best = ranked(comparison)[0]
    for name, gain in (("linear", "it has the fewest numbers to explain"), ("tree", "it can be read as rules")):
        one = comparison.results.get(name)
        if one is None or "baseline" not in comparison.results or (name == "tree" and one.count > READABLE):
            continue
        over = difference(one, comparison.results["baseline"], comparison.measure, comparison.ratio)
        if over is None or over.high >= 0.0:
            continue
        if one is best:
            yield f"{_upper(called(name))} ({one.extent}) is the best of all, and {gain}."
            continue
        found = difference(one, best, comparison.measure, comparison.ratio)
        if found is not None and found.low <= 0.0:
            yield (
                f"{_upper(called(name))} ({one.extent}) cannot be told from the best, "
                f"{called(best.name)}, on these rows, and {gain}."
            )


def _evidence(comparison: Compared) -> Iterator[str]:
    """How many properties of the data point to either side, and what each experiment showed."""
    towards = [one.towards for one in comparison.tendencies if one.towards in SIDES]
    if comparison.tendencies:
        counts = " and ".join(f"{towards.count(side)} to {name}" for side, name in SIDES.items())
        yield f"Properties of the data: {counts}, of {len(comparison.tendencies)}. {FORETOLD}"
    yield from (trial.because for trial in comparison.trials if trial.towards in SIDES)


def _speed(comparison: Compared) -> Iterator[str]:
    outcome = comparison.outcome
    if outcome is None:
        return
    network, champion = comparison.results["network"], comparison.results[outcome.champion]
    yield (
        f"To train takes the network {seconds(network.fit_seconds)} and {called(champion.name)} "
        f"{seconds(champion.fit_seconds)}; one row {seconds(network.row_seconds)} and {seconds(champion.row_seconds)}; "
        f"the files have {size(network.size)} and {size(champion.size)}."
    )


def seconds(value: float) -> str:
    """A time for reading.

    >>> seconds(0.0000123), seconds(0.25), seconds(75.0)
    ('12 µs', '250 ms', '75 s')
    """
    unit, factor = ("s", 1.0) if value >= 1.0 else ("ms", 1e3) if value >= 1e-3 else ("µs", 1e6)
    scaled = value * factor
    return f"{scaled:.0f} {unit}" if scaled >= 10.0 else f"{scaled:.1f} {unit}"


def size(value: int) -> str:
    """Bytes for reading.

    >>> size(812), size(145_000), size(108_000_000)
    ('812 B', '145 kB', '108 MB')
    """
    power = 0 if value < 1000 else min(int(math.log10(value)) // 3, 3)
    return f"{value / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"


def _name(comparison: Compared) -> str:
    return MEASURES[comparison.measure].name


def _shown(comparison: Compared, result: Result) -> str:
    return MEASURES[comparison.measure].shown(result.figure(comparison.measure))


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
