"""What `compare` returns: what was measured, in words, in plain JSON types."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from typing import Any

from thalweg import comparison_report, comparison_table, judgement
from thalweg.standings import Compared


@dataclass(frozen=True, repr=False)
class Comparison(Compared):
    """Network and trees on the same folds of one table, with evidence."""

    def __repr__(self) -> str:
        data = self.data if self.data.isprintable() else repr(self.data)  # a terminal obeys what cannot be printed
        return f"Comparison on {data}, target {self.target!r}: {self.verdict}"

    def __str__(self) -> str:
        words = comparison_table.paragraph
        reasons = "\n".join(words(reason, "- ") for reason in self.reasons)
        table = f"{comparison_table.text(self)}\n\n{words(comparison_table.note(self))}"
        return f"{words(repr(self))}\n\n{table}\n\n{reasons}".rstrip()

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        return (
            f"<p>{escape(repr(self))}</p>{comparison_table.html(self)}"
            f"<p>{escape(comparison_table.note(self))}</p><ul>{reasons}</ul>"
        )

    @property
    def verdict(self) -> str:
        """Who does better and how sure that is; level where nobody does, or where these rows cannot tell."""
        return judgement.verdict(self)

    @property
    def reasons(self) -> list[str]:
        """Sentences beside the verdict: other measures, simpler models, tendencies, experiments, speed."""
        return judgement.reasons(self)

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        outcome = self.outcome
        return {
            "data": self.data, "target": self.target, "task": self.task, "classes": [*self.classes],
            "rows": self.rows, "columns": self.columns, "folds": self.folds, "measure": self.measure,
            "winner": self.winner, "certainty": outcome.certainty if outcome else None, "verdict": self.verdict,
            "champion": outcome.champion if outcome else None,
            "reasons": self.reasons,
            "contenders": {name: self._of(name) for name in self.results},
            "tendencies": [vars(one) for one in self.tendencies],
            "criteria": [vars(one) for one in self.criteria],
            "trials": [vars(one) for one in self.trials],
            "cut": [*self.cut], "settings": dict(self.settings),
        }  # fmt: skip

    def report(self, path: str | os.PathLike[str], *, command: str | None = None, row: int | None = None) -> None:
        """Write all of it with figures to one HTML file that needs nothing else; see comparison_report.write.

        Args:
            path: of the file; an older one is replaced.
            command: the command line that made the comparison, to be shown.
            row: number of the row that both explain, from 1; None is the one on which they disagree most.

        Raises:
            FileError: the path cannot be written.
            InputError: the row is no whole number from 1.
            TableError: the table has no such row with a target, or no fold tested it.
        """
        comparison_report.write(self, path, command=command, row=row)

    def _of(self, name: str) -> dict[str, Any]:
        one = self.results[name]
        differences = {measure: self.difference(name, measure) for measure in self.measures}
        return {
            "family": one.family, "what": one.what, "needs_scaling": one.scaling,
            "figures": {measure: one.figure(measure) for measure in self.measures},
            "by_fold": {measure: [*one.by_fold[measure]] for measure in self.measures},
            "network_minus_it": {
                measure: vars(found) for measure, found in differences.items() if found is not None
            },
            "fit_seconds": one.fit_seconds, "row_seconds": one.row_seconds, "million_seconds": one.million_seconds,
            "bytes": one.size, "count": one.count, "unit": one.unit,
        }  # fmt: skip
