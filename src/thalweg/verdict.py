"""One sentence on how the network stands to the decision tree and the baseline, as far as held-out rows can tell."""

from __future__ import annotations

from typing import Any

from thalweg import scores
from thalweg.model import Model


WHO = ("network", "tree", "baseline")
BASELINES = {  # what the baseline answers for every row, from the training rows
    "classification": "shares of the classes",
    "multilabel": "share of each target",
    "regression": "mean",
}
FEWEST = 30  # held-out rows for a verdict: of fewer, an interval of two standard errors says too little
LEVEL = 0.05  # of the gap between the baseline and the better of network and tree: differences that are no matter

# How the network stands to the baseline and to the tree -> what the rows show, what follows, which one is best.
_VERDICTS = {
    ("better", "better"): ("the network is better than {tree} and than {baseline}", "", "network"),
    ("better", "level"): (
        "the network is better than {baseline} and level with {tree}",
        "; choose by what you need, the tree is easier to read", None,
    ),
    ("better", "unknown"): (
        "the network is better than {baseline}, but these rows cannot tell it from {tree}",
        "; more rows would be needed to tell them apart", None,
    ),
    ("better", "worse"): (
        "the network is better than {baseline} but worse than {tree}", "; a tree would do better here", "tree",
    ),
    ("unknown", "better"): (
        "the network is better than {tree}, but these rows cannot tell it from {baseline}",
        "; more rows would be needed to say that it has learnt anything", None,
    ),
    ("unknown", "unknown"): (
        "the network cannot be told from {tree} nor from {baseline}", "; more rows would be needed to tell them apart",
        None,
    ),
    ("unknown", "worse"): (
        "the network is worse than {tree}, and these rows cannot tell it from {baseline}",
        "; a tree would do better here", None,
    ),
    ("worse", "better"): (
        "the network is better than {tree} but worse than {baseline}",
        "; neither has learnt anything that holds for new rows", "baseline",
    ),
    ("worse", "unknown"): (
        "the network is worse than {baseline}, and these rows cannot tell it from {tree}",
        "; what it has learnt does not hold for new rows", None,
    ),
    ("worse", "worse"): (
        "the network is worse than {tree} and than {baseline}", "; what it has learnt does not hold for new rows", None,
    ),
}  # fmt: skip


def verdict(model: Model) -> str:
    """How the network compares with the decision tree and the baseline on the held-out rows, in one sentence.

    Their losses (log-loss, squared error) are compared row by row. The network is better or worse than another if the
    mean difference is more than two of its standard errors away from 0. It is level with the tree if it is better than
    the baseline and the difference ± two standard errors lies within 5 % of the gap between the baseline and the
    better of the two. Else the rows cannot tell, and fewer than 30 of them give no verdict.
    """
    figures, encoder = model.figures, model.encoder
    if "network" not in figures:
        reason = "It was interrupted before it was measured" if figures["rows"]["held_out"] else "No rows were held out"
        return f"{reason}, so nothing is known of how good the network is on new rows."
    n = figures["rows"]["held_out"]
    rows = f"{counted(n)} of the test table" if model.settings["test"] else counted(n, "held-out ")
    key = judged_by(figures["network"], len(encoder.targets), encoder.task)
    shown = [scores.number(figures[who][key], 3) for who in WHO]
    measured = (
        f"{'mean ' if len(encoder.targets) > 1 else ''}{scores.MEASURES[key].name} {shown[0]}, "
        f"decision tree {shown[1]}, baseline {shown[2]}"
    )
    standings = _standings(model)
    if standings is None:
        few = "is too few" if n == 1 else "are too few"
        return f"{rows} {few} to say how good the network is, which takes at least {FEWEST}: {measured}."
    found, follows, _ = _VERDICTS[standings]
    leaves = figures["tree"]["size"]["leaves"]
    tree = f"a decision tree of {leaves:,} {'leaf' if leaves == 1 else 'leaves'}"
    found = found.format(tree=tree, baseline=f"always answering with the {BASELINES[encoder.task]}")
    return f"On the {rows} {found}: {measured}{follows}."


def best(model: Model) -> str | None:
    """Which of network, tree and baseline the held-out rows show to be the best."""
    standings = _standings(model)
    return _VERDICTS[standings][2] if standings else None


def judged_by(figures: dict[str, Any], targets: int, task: str) -> str:
    """Key of the measure that decides; several numbers may have different units, which R² has not."""
    if task != "regression":
        return "log_loss"
    return "r2" if targets > 1 and figures["r2"] is not None else "rmse"


def _standings(model: Model) -> tuple[str, str] | None:
    """How the network stands to the baseline and to the tree (scores.standing); None without enough rows to tell."""
    if "network" not in model.figures or model.figures["rows"]["held_out"] < FEWEST:
        return None
    tree, baseline = (model.figures["paired"][who] for who in ("tree", "baseline"))
    to_baseline = scores.standing(**baseline)
    gap = max(tree["difference"], 0.0) - baseline["difference"]  # from the baseline to the better of the two
    return to_baseline, scores.standing(**tree, margin=LEVEL * gap if to_baseline == "better" else 0.0)


def counted(n: int, kind: str = "") -> str:
    """So many rows, in words."""
    return f"{n:,} {kind}row{'' if n == 1 else 's'}"
