"""One row of a comparison, explained by both: what the tree asked, and what carried the network's decision.

The row is a test row, so that neither has learnt from it. Without a wish it is the one on which both disagree most,
for there an explanation has something to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import scores, writers
from thalweg.document import Block, Document, Heading, Paragraph, Table
from thalweg.encoding import Encoder
from thalweg.errors import InputError, TableError
from thalweg.explaining import SHOWN_INPUTS, RowExplanation, cell, explain, signed
from thalweg.judgement import called
from thalweg.model import Model
from thalweg.pruned_tree import PrunedTree
from thalweg.raw_features import RawFeatures
from thalweg.run import TrainingResult
from thalweg.scores import number
from thalweg.standings import Compared
from thalweg.tree_rules import ARROW, path_of


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.table import Table as Rows


@dataclass(frozen=True)
class Question:
    """What the tree asked on the way to its leaf, and how the row answered."""

    said: str  # "age = 41, so age > 37.5"
    cell: str  # of the column that is asked about


@dataclass(frozen=True)
class TreePath:
    """The way of one row through a pruned tree."""

    questions: tuple[Question, ...]  # from the root down; none where the tree is one leaf
    answer: str  # "yes with probability 91.5% (128 of 140 rows)"


@dataclass(frozen=True, repr=False)
class ExplainedRow:
    """One row of a comparison with the network's explanation and the tree's, as far as they took part."""

    row: int  # its number in the table, from 1
    fold: int  # whose test row it is, from 1
    why: str  # this row
    target: str  # what stands in the table
    network: RowExplanation | None
    tree: TreePath | None

    def document(self) -> Document:
        """The explanations one after the other."""
        blocks: list[Block] = [Paragraph(f"{self.why} In the table it is {self.target}.")]
        if self.tree is not None:
            blocks += [Heading("The pruned tree"), Paragraph(f"It says {self.tree.answer}, {self.tree_because}")]
        if self.tree is not None and self.tree.questions:
            asked = tuple((str(i), one.said, one.cell) for i, one in enumerate(self.tree.questions, 1))
            blocks.append(Table(("question", "what is so", "cell"), asked))
        if self.network is not None:
            blocks += [Heading("The network"), Paragraph(f"It says {self.network.prediction}. {self.network_because}")]
            blocks.append(Table(("column", "cell", "integrated gradients", "gradient × input"), self.carried))
        return Document(f"Row {self.row}", tuple(blocks))

    def __str__(self) -> str:
        return writers.write(self.document(), "text")

    @property
    def tree_because(self) -> str:
        """How the tree came to what it says, before the questions are listed."""
        assert self.tree is not None
        n = len(self.tree.questions)
        return f"by {n} question{'' if n == 1 else 's'}." if n else "whatever the row is: it is one leaf."

    @property
    def network_because(self) -> str:
        """What the numbers of the network's table are."""
        assert self.network is not None
        found, scale = self.network.attribution, self.network.scale
        return (
            f"From a row whose inputs are all 0 (of numbers, the median in training) to this one, the output "
            f"{self.network.output_name} changes by {signed(found.difference * scale)}. Integrated gradients share "
            f"this out among the columns; gradient × input is the slope at the row alone."
        )

    @property
    def carried(self) -> tuple[tuple[str, str, str, str], ...]:
        """(column, cell, integrated gradients, gradient × input) of the columns that carried most, for reading."""
        assert self.network is not None
        columns = self.network.columns
        shown = tuple((name, cell, signed(a), signed(b)) for name, cell, a, b in columns[:SHOWN_INPUTS])
        others = columns[SHOWN_INPUTS:]
        if not others:
            return shown
        share, slope = sum(one[2] for one in others), sum(one[3] for one in others)
        return (*shown, (f"{len(others)} other{'' if len(others) == 1 else 's'}", "", signed(share), signed(slope)))

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        tree = self.tree and {
            "questions": [vars(one) for one in self.tree.questions],
            "answer": self.tree.answer,
        }
        network = self.network and self.network.to_dict()
        return {
            "row": self.row, "fold": self.fold, "why": self.why, "target": self.target, "network": network,
            "tree": tree,
        }  # fmt: skip


def explained_row(comparison: Compared, row: int | None = None) -> ExplainedRow | None:
    """A test row of a comparison, explained by its network and its pruned tree.

    Args:
        comparison: as `compare` returns it.
        row: number of a row in the table, from 1, the header not counted; None is the row on which both disagree most
            (with one of them alone, the row that it answers worst).

    Returns:
        None where neither the network nor the pruned tree took part.

    Raises:
        InputError: the row is no whole number from 1.
        TableError: the table has no such row with a target, or no fold tested it.

    >>> from thalweg.comparing import compare
    >>> rows = "SELECT range % 11 AS x, range % 11 > 4 AS big FROM range(120)"
    >>> found = compare(rows, "big", contenders=["network", "tree"], epochs=2, hidden=3, n_folds=2, repeats=1,
    ...                 evidence=False)
    >>> both = explained_row(found, 6)
    >>> both.target, [one.said for one in both.tree.questions]
    ('true', ['x = 5, so x > 4.5'])
    """
    if not comparison.runs or not explainers(comparison.runs[0]):
        return None
    at, place, why = _most_telling(comparison) if row is None else _asked_for(comparison, row)
    run = comparison.runs[at]
    index = int(run.test[place])
    one, model, tree = comparison.table.take([index]), model_of(run), tree_of(run)
    return ExplainedRow(
        row=comparison.table.row_number(index), fold=at + 1, why=why, target=cell(one, comparison.target),
        network=None if model is None else replace(explain(model, one, 1), row=comparison.table.row_number(index)),
        tree=None if tree is None else _path(tree, run.encoder, one),
    )  # fmt: skip


def model_of(run: Any) -> Model | None:
    """The network of a fold with the encoder that its inputs went through, as a model that can be asked."""
    answer = run.answers.get("network")
    result = answer.fitted.model if answer else None
    if not isinstance(result, TrainingResult):
        return None
    return Model(run.encoder, result.network, result.parameters, result.history, result.status, {}, {})


def tree_of(run: Any) -> PrunedTree | None:
    """The pruned tree of a fold."""
    answer = run.answers.get("tree")
    return answer.fitted.model if answer and isinstance(answer.fitted.model, PrunedTree) else None


def explainers(run: Any) -> list[str]:
    """The names of those of a fold that explain themselves: the network, the pruned tree, both or neither."""
    return [name for name, of in (("network", model_of), ("tree", tree_of)) if of(run) is not None]


def _most_telling(comparison: Compared) -> tuple[int, int, str]:
    """(fold, place among its test rows, why) of the row with the largest disagreement, of equals the first."""
    known = explainers(comparison.runs[0])
    by_fold = []
    for run in comparison.runs:
        outputs = [run.answers[name].outputs for name in known]
        by_fold.append(
            _apart(*outputs) if len(known) == 2 else scores.row_losses(run.tested.y, outputs[0], comparison.task)
        )
    at = int(np.argmax([found.max() for found in by_fold]))
    place = int(by_fold[at].argmax())
    if len(known) < 2:
        return at, place, f"It is the test row of all folds that {called(known[0])} answers worst."
    apart = float(by_fold[at][place])
    far = f"{apart:.0%} of probability apart" if comparison.classes else f"{number(apart)} apart"
    why = f"It is the test row of all folds on which the network and the pruned tree disagree most: they are {far}."
    return at, place, why


def _apart(first: Float[np.ndarray, "n ..."], second: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, " n"]:
    """How far two answers to each row are apart: as probabilities by total variation, or in the target's unit.

    >>> _apart(np.array([[0.9, 0.1]]), np.array([[0.2, 0.8]])).round(9), _apart(np.array([3.0]), np.array([5.0]))
    (array([0.7]), array([2.]))
    """
    apart = np.abs(first - second)
    return apart if apart.ndim == 1 else 0.5 * apart.sum(axis=1)


def _asked_for(comparison: Compared, row: int) -> tuple[int, int, str]:
    if not (isinstance(row, int | np.integer) and not isinstance(row, bool) and row >= 1):
        message = f"rows are numbered from 1, the header not counted; there is no row {row!r}"
        raise InputError(message)
    table = comparison.table
    numbers = np.arange(1, table.n_rows + 1) if table.numbers is None else table.numbers
    if not len(index := np.flatnonzero(numbers == row)):
        message = f"{table.name} has no row {row:,} with a target; choose one of the rows up to {numbers.max():,}"
        raise TableError(message)
    for at, run in enumerate(comparison.runs):
        if len(place := np.flatnonzero(run.test == index[0])):
            return at, int(place[0]), f"It was chosen; fold {at + 1} tested it."
    message = f"no fold that was run tested row {row:,} of {table.name}; choose another one, or give a larger budget"
    raise TableError(message)


def _path(tree: PrunedTree, encoder: Encoder, one: Rows) -> TreePath:
    raw = RawFeatures(encoder)
    x, features = raw.plain(one)[0], raw.plain_features
    *said, answer = path_of(tree, x, features, () if encoder.task == "regression" else encoder.classes)
    cells = [cell(one, features[feature].column) for _, feature, *_ in tree.path(x)]
    questions = tuple(Question(*each) for each in zip(said, cells, strict=True))
    return TreePath(questions, answer.removeprefix(ARROW).strip())
