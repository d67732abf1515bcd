"""The contenders beside each other: cells, plain text, and what a notebook shows."""

import pytest

from compared import comparison, result, shifted
from html_pages import Page
from thalweg import comparison_table


FIGURES = {"error": [0.1] * 5, "auc": [0.9] * 5, "calibration": [0.05] * 5}


@pytest.fixture
def found():
    # Half the width of the interval: √(1/5 + 1/4) · s · t(97.5 %, 4), s = 0.02·√(2.5)/2 = 0.0158: 0.0294.
    network = result("network", {**FIGURES, "log_loss": [0.25] * 5})
    tree = result("tree", {**FIGURES, "auc": [0.95] * 5, "log_loss": shifted(0.5, 0.02)})
    return comparison(tree, network, data="<b>.csv")


def test_cells(found):
    assert comparison_table.rows(found) == [
        ["network", "*0.2500", "*10.0%", "0.9000", "*5.0%", "–"],
        ["tree", "0.5000", "*10.0%", "*0.9500", "*5.0%", "−0.2500 (−0.2794 to −0.2206)"],
    ]
    assert comparison_table.note(found).endswith("The last column is of the log-loss: below 0 the network is better.")


def test_text(found):
    lines = str(found).splitlines()
    assert " ".join(lines).startswith(repr(found)) and max(map(len, lines)) <= comparison_table.WIDTH
    heading = next(at for at, line in enumerate(lines) if line.lstrip().startswith("log-loss"))
    table = lines[heading : heading + 3]
    assert table == [
        "         log-loss   error      AUC  calibration error    network − it, 95% interval",
        "network   *0.2500  *10.0%   0.9000              *5.0%                             –",
        "tree       0.5000  *10.0%  *0.9500              *5.0%  −0.2500 (−0.2794 to −0.2206)",
    ]
    joined = " ".join(line.strip() for line in lines)
    assert all(f"- {reason}" in joined for reason in found.reasons)


def test_a_notebook_shows_it_as_a_table_and_no_text_as_markup(found):
    shown = found._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;.csv" in shown
    expected = [*comparison_table.headings(found), *sum(comparison_table.rows(found), [])]
    assert Page(shown).cells == expected


def test_without_a_measured_value_there_is_a_dash():
    found = comparison(result("tree", {**FIGURES, "auc": [None] * 5, "log_loss": [0.5] * 5}))
    assert comparison_table.rows(found) == [["tree", "*0.5000", "*10.0%", "–", "*5.0%", "–"]]
