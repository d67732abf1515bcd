"""docs/network-or-tree.md: its Python runs from top to bottom, and its tables are there."""

import re

import pytest

from pages import ROOT, python_blocks, run


PAGE = "docs/network-or-tree.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_it_runs_and_names_the_trees(monkeypatch, tmp_path, capsys):
    blocks = python_blocks(PAGE)
    assert len(blocks) == 5
    monkeypatch.chdir(tmp_path)
    names = run(PAGE, blocks)
    printed = capsys.readouterr().out
    found = names["found"]
    assert found.winner == "trees" and str(found) in printed
    assert "income ≤" in printed and "debts" in printed  # the rules that were put in
    assert (tmp_path / "comparison.html").stat().st_size > 10_000


@pytest.mark.parametrize(("part", "rows"), [("constructed", 8), ("tables", 17)])
def test_the_measured_tables_are_whole(part, rows):
    begin, end = f"<!-- {part}: written by benchmarks/compare.py -->", f"<!-- end of {part} -->"
    lines = re.findall(r"^\|.*\|$", TEXT.split(begin)[1].split(end)[0], re.MULTILINE)
    assert len(lines) == 2 + rows
    assert len({line.count("|") for line in lines}) == 1
