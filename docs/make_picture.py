"""Draws docs/thalweg.svg, the picture of the README: the lecture's network walks downhill and tells mails apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import thalweg as tw
from thalweg import demo, plots


PICTURE = Path(__file__).with_name("thalweg.svg")


def draw() -> Figure:
    """Squared error epoch by epoch, and the network's answer over length and sender."""
    spam = demo.spam()
    figure = Figure(figsize=(9.0, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    left.plot(spam.result.history.epoch, spam.result.history.loss, color="#0072B2", marker="o", markersize=4)
    left.set(xlabel="epoch of incremental gradient descent", ylabel="squared error per mail")
    left.set_title("The lecture's network walks downhill …")
    left.set_xticks(spam.result.history.epoch[1::2])
    left.grid(alpha=0.3)

    log_length = np.linspace(np.log(60), np.log(30_000), 200)
    senders = (("a stranger", -1.0, "#D55E00", "-"), ("a trusted sender", 1.0, "#0072B2", "--"))
    for sender, trusted, color, style in senders:
        X = np.stack([log_length - demo.MIDDLE, np.full(200, trusted)], axis=1)
        answer = tw.predict(spam.network, spam.result.parameters, X)[:, 0]
        right.plot(np.exp(log_length), answer, color=color, linestyle=style, label=f"from {sender}")
    length, answer = spam.undecided
    right.plot([length], [answer[0]], color="black", marker="o")
    right.annotate(
        f"{length:.0f} letters from a stranger\ncannot be told apart:\n[{answer[0]:.2f}, {answer[1]:.2f}]",
        (length, answer[0]), (62, 0.62), arrowprops={"arrowstyle": "->"},
    )  # fmt: skip
    right.set(xscale="log", ylim=(0, 1), xlabel="letters in the mail", ylabel="output for spam")
    right.set_title("… and tells mails apart")
    right.legend(loc="lower right")
    right.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    plots.save(draw(), PICTURE)
