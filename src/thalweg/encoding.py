"""From tables to matrices and back: learned on training rows only, then frozen.

The roles of input columns are in `thalweg.features`, how one is chosen in `thalweg.choosing`, targets in
`thalweg.targets`.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.choosing import choose
from thalweg.coercion import factorize, shown, spoiled_number
from thalweg.errors import FileError, InputError, TableError, ThalwegWarning
from thalweg.features import ROLES, TEXT_ROLES, Role
from thalweg.records import from_plain, to_plain
from thalweg.sources import check_present
from thalweg.table import Column, Kind, Table
from thalweg.targets import FEW_INTEGERS, ClassTarget, NumberTarget, Target, are_classes


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num, Shaped


_LEFT_OUT = "left out on request"
TASKS = ("classification", "regression", "multilabel")


@dataclass(frozen=True)
class Decision:
    """What became of one column of the training table, and why."""

    column: str
    role: str
    why: str


def drop_missing_targets(table: Table, targets: Sequence[str]) -> tuple[Table, int]:
    """The rows of which every target is there, and how many were left out; raises TableError if none is left.

    >>> from thalweg.table import read
    >>> drop_missing_targets(read("SELECT 1 AS x, 2 AS y UNION ALL SELECT 3, NULL"), ["y"])[1]
    1
    """
    missing = np.zeros(table.n_rows, dtype=bool)
    for target in targets:
        missing |= table[target].missing
    if missing.all():
        names = " or ".join(repr(target) for target in targets)
        raise TableError(f"Every row of {table.name} misses the target {names}; there is nothing to learn.")
    return (table.take(~missing), int(missing.sum())) if missing.any() else (table, 0)


@dataclass(frozen=True)
class Encoder:
    """Table → features and targets, and network outputs → predictions, as learned on the training rows.

    >>> from thalweg.table import read
    >>> table = read("SELECT * FROM (VALUES (1, 'no'), (2, 'yes'), (3, 'yes'), (4, 'no')) AS t(x, y)")
    >>> encoder = Encoder.learn(table, ["y"])
    >>> encoder.encode(read("SELECT 2.5 AS x")).tolist(), encoder.classes.tolist()
    ([[0.0]], ['no', 'yes'])
    """

    task: str  # classification, regression, multilabel, or none
    roles: tuple[Role, ...]  # what each column that is used becomes
    target_roles: tuple[Target, ...]  # the same of the targets
    decisions: tuple[Decision, ...]  # what was made of each column, and why

    @classmethod
    def learn(
        cls,
        table: Table,
        targets: Sequence[str],
        task: str = "auto",
        drop: Collection[str] = (),
        *,
        keep: Collection[str] = (),
        all_rows: Table | None = None,
    ) -> Encoder:
        """Learn from training rows without missing targets.

        `drop` names columns to leave out, those included that the table was read without (`read(…, without=drop)`);
        both kinds are among the decisions, the latter at the end.
        `keep` names columns to use although they look like identifiers or free text. `all_rows` (default: `table`) is
        where the task and the names of the classes come from, so that a class without a training row still has a name;
        nothing else is taken from it. Raises TableError where target or columns leave nothing to learn.
        """
        targets = [targets] if isinstance(targets, str) else list(targets)
        drop, keep = set(drop), set(keep)
        _check_request(table, targets, task, drop, keep)
        whole = table if all_rows is None else all_rows
        task, target_roles, whys = _targets(table, whole, targets, task)
        roles, decisions = _inputs(table, drop, keep, whys)
        return cls(task, roles, target_roles, decisions)

    @classmethod
    def of_inputs(cls, table: Table, drop: Collection[str] = (), *, keep: Collection[str] = ()) -> Encoder:
        """An encoder without a target (task "none"): it encodes, and there is nothing to decode.

        Raises TableError where the columns leave nothing to learn.
        """
        _check_names(table, [], set(drop), set(keep))
        roles, decisions = _inputs(table, set(drop), set(keep), {})
        return cls("none", roles, (), decisions)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target columns."""
        return tuple(target.column for target in self.target_roles)

    @property
    def columns(self) -> tuple[str, ...]:
        """The input columns that are used: what a table must have to be encoded."""
        return tuple(role.column for role in self.roles)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Those to read as they are written, targets included: `read(file, columns=…, text=e.text_columns)`."""
        inputs = (role.column for role in self.roles if isinstance(role, TEXT_ROLES))
        labels = (t.column for t in self.target_roles if isinstance(t, ClassTarget) and t.form == "text")
        return (*inputs, *labels)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each feature, as in "age", "age is missing", "job = clerk"."""
        return tuple(name for role in self.roles for name in role.names)

    def get_feature_names_out(self, input_features: Any = None) -> Shaped[np.ndarray, " features"]:
        """`feature_names` as an array of objects, as scikit-learn asks; `input_features` does nothing."""
        del input_features
        return np.array(self.feature_names, dtype=object)

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """For each feature the column that it comes from."""
        return tuple(role.column for role in self.roles for _ in role.names)

    @property
    def classes(self) -> Any:
        """The labels in order: an array for classification, a list of arrays for multilabel, None for regression."""
        if self.task == "regression":
            return None
        classes = [target.classes for target in self.target_roles if isinstance(target, ClassTarget)]
        return classes[0] if self.task == "classification" else classes

    def encode(self, table: Table) -> Float[np.ndarray, "n features"]:
        """The features of a table, whose columns may stand in any order, beside others.

        Raises TableError for columns that are not there and for the first cell that cannot be what it was in training.
        """
        check_present(self.columns, table.names, table.name)
        columns = {column.name: column for column in table.columns}
        features = np.empty((table.n_rows, len(self.feature_names)))
        start = 0
        for role in self.roles:
            part = role.encode(columns[role.column], table)
            features[:, start : start + part.shape[1]] = part
            start += part.shape[1]
        return features

    def encode_targets(self, table: Table) -> Num[np.ndarray, "n ..."]:
        """Class indices (n,) int64, standardised numbers (n, k) or 0/1 (n, k), by the task; raises TableError."""
        check_present(self.targets, table.names, table.name)
        parts = [target.encode(table[target.column], table) for target in self.target_roles]
        return parts[0] if self.task == "classification" else np.stack(parts, axis=1).astype(np.float64)

    def class_numbers(self, outputs: Float[np.ndarray, "n k"]) -> Int[np.ndarray, "n ..."]:
        """The place among the classes that outputs speak for: the largest, or for several targets 0.5 or more each."""
        return np.argmax(outputs, axis=1) if self.task == "classification" else (outputs >= 0.5).astype(np.int64)

    def decode(self, outputs: Float[np.ndarray, "n k"]) -> Shaped[np.ndarray, "n ..."]:
        """Predictions in the targets' own labels or units, (n,) for one target and (n, k) for several."""
        if self.task == "classification":
            return self.classes[self.class_numbers(outputs)]
        parts = [
            target.classes[self.class_numbers(outputs[:, i])]
            if isinstance(target, ClassTarget)
            else target.decode(outputs[:, i])
            for i, target in enumerate(self.target_roles)
        ]
        if len(parts) == 1:
            return parts[0]
        same = len({part.dtype for part in parts}) == 1
        return np.stack([part if same else part.astype(object) for part in parts], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain JSON types; `from_dict` gives the same encoder back, to the last bit."""
        return {
            "task": self.task,
            "roles": [{"role": role.role, **to_plain(role)} for role in self.roles],
            "targets": [to_plain(target) for target in self.target_roles],
            "decisions": to_plain(self.decisions),
        }

    @classmethod
    def from_dict(cls, plain: Any) -> Encoder:
        """The encoder of `to_dict`; raises FileError for anything that it cannot have written."""
        keys = ("task", "roles", "targets", "decisions")
        if not isinstance(plain, dict) or set(plain) != set(keys) or plain["task"] not in TASKS:
            raise FileError(f"The encoder in the file is damaged: it must have {', '.join(keys)} and a known task.")
        if not all(isinstance(plain[key], list) and plain[key] for key in keys[1:]):
            raise FileError(
                "The encoder in the file is damaged: roles, targets and decisions must be lists, not empty."
            )
        roles = [_role(role, f"roles[{i}]") for i, role in enumerate(plain["roles"])]
        form = NumberTarget if plain["task"] == "regression" else ClassTarget
        targets = from_plain(tuple[form, ...], plain["targets"], "targets")
        decisions = from_plain(tuple[Decision, ...], plain["decisions"], "decisions")
        _check_whole(plain["task"], roles, targets, decisions)
        return cls(plain["task"], tuple(roles), targets, decisions)


def _role(plain: Any, place: str) -> Role:
    name = plain.get("role") if isinstance(plain, dict) else None
    if not isinstance(name, str) or name not in ROLES:
        raise FileError(f"The encoder in the file is damaged: {place} has no known role.")
    return from_plain(ROLES[name], {key: value for key, value in plain.items() if key != "role"}, place)


def _check_whole(task: str, roles: Sequence[Role], targets: Sequence[Target], decisions: Sequence[Decision]) -> None:
    """What belongs together in an encoder that was read."""
    names = [role.column for role in roles] + [target.column for target in targets]
    decided = [decision.column for decision in decisions if decision.role != "dropped"]
    if len(set(names)) != len(names) or sorted(names) != sorted(decided):
        raise FileError("The encoder in the file is damaged: its roles, targets and decisions name different columns.")
    if task != "regression" and (task == "classification") != (len(targets) == 1):
        raise FileError(f"The encoder in the file is damaged: {task} does not go with {len(targets)} target(s).")
    if task == "multilabel" and any(isinstance(t, ClassTarget) and len(t.labels) != 2 for t in targets):
        raise FileError("The encoder in the file is damaged: a multilabel target has two labels.")


def _inputs(
    table: Table, drop: set[str], keep: set[str], targets: Mapping[str, str]
) -> tuple[tuple[Role, ...], tuple[Decision, ...]]:
    """The roles of the input columns, and what became of each column; `targets` says why of the others."""
    roles: list[Role] = []
    decisions: list[Decision] = []
    for column in table.columns:
        if column.name in targets:
            decisions.append(Decision(column.name, "target", targets[column.name]))
            continue
        role, why = (None, _LEFT_OUT) if column.name in drop else choose(column, table, column.name in keep)
        decisions.append(Decision(column.name, "dropped" if role is None else role.role, why))
        if role is not None:
            roles.append(role)
    decisions += [Decision(name, "dropped", _LEFT_OUT) for name in sorted(drop.difference(table.names))]
    if not roles:
        reasons = [f"{d.column!r}: {d.why}" for d in decisions if d.role == "dropped"]
        listed = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
        raise TableError(f"{table.name} has no column to learn from ({listed or 'only the target'}).")
    return tuple(roles), tuple(decisions)


def _check_request(table: Table, targets: list[str], task: str, drop: set[str], keep: set[str]) -> None:
    if task not in ("auto", "classification", "regression"):
        raise InputError(f"task must be 'auto', 'classification' or 'regression', not {task!r}.")
    if not targets or len(set(targets)) != len(targets):
        raise InputError(f"targets must name one column or more, each once, not {targets!r}.")
    _check_names(table, targets, drop, keep)


def _check_names(table: Table, targets: list[str], drop: set[str], keep: set[str]) -> None:
    for names, what in ((drop & set(targets), "a target"), (drop & keep, "kept"), (keep & set(targets), "a target")):
        if names:
            raise InputError(f"Column {min(names)!r} cannot be {what} and dropped or kept at once.")
    check_present([*targets, *sorted(keep)], table.names, table.name)


def _targets(
    table: Table, whole: Table, targets: list[str], task: str
) -> tuple[str, tuple[Target, ...], dict[str, str]]:
    """The task, the targets' roles and why, by name."""
    classes = {t: are_classes(whole[t]) if task == "auto" else task == "classification" for t in targets}
    if len(set(classes.values())) > 1:
        one, other = (next(t for t in targets if classes[t] is kind) for kind in (True, False))
        raise TableError(
            f"The targets of {table.name} mix classes ({one!r}) and numbers ({other!r}); train one model for each, or "
            f"choose the task 'regression' if all are numbers."
        )
    if not classes[targets[0]]:
        numbers = [NumberTarget.learn(table[t], table.name) for t in targets]
        whys = {t.column: f"a number, mean {t.mean:g}, standard deviation {t.deviation:g}" for t in numbers}
        return "regression", tuple(numbers), {t: _how(whole[t], why, task) for t, why in whys.items()}
    for target in targets:
        _refuse_many_texts(whole[target], whole)
    labels = [ClassTarget.learn(whole[t], table.name) for t in targets]
    if len(labels) > 1:
        many = next((label for label in labels if len(label.labels) > 2), None)
        if many is not None:
            raise TableError(
                f"Target {many.column!r} of {table.name} has {len(many.labels)} classes; several targets must have two "
                f"classes each, or all be numbers (task 'regression')."
            )
    for label in labels:
        _warn_of_single_rows(label, whole)
    whys = {t.column: f"{len(t.labels)} classes ({_some(t.labels)})" for t in labels}
    kind = "classification" if len(labels) == 1 else "multilabel"
    return kind, tuple(labels), {t: _how(whole[t], why, task) for t, why in whys.items()}


def _refuse_many_texts(column: Column, table: Table) -> None:
    """A target of text that is a spoiled number or an identifier, on which classes would be nonsense."""
    spoiled = spoiled_number(column, table)
    if spoiled:
        raise TableError(f"The target {column.name!r} of {table.name} is text: {spoiled}; mend or empty such cells.")
    if column.kind is Kind.TEXT:
        present = column.values[~column.missing]
        distinct = len(factorize(present)[1])
        if distinct > max(20, len(present) / 2):
            raise TableError(
                f"The target {column.name!r} of {table.name} has {distinct:,} different texts in {len(present):,} "
                f"rows, as of an identifier; choose a target whose values come back."
            )


def _how(column: Column, why: str, task: str) -> str:
    """For numbers that task "auto" decided on: what would change it."""
    if task != "auto" or column.kind.value != "number":
        return why
    if are_classes(column):
        return f"{why}, as integers of at most {FEW_INTEGERS} values are; as a number: task 'regression'"
    return f"{why}; as classes: task 'classification'"


def _warn_of_single_rows(target: ClassTarget, table: Table) -> None:
    present, _ = drop_missing_targets(table, [target.column])
    counts = np.bincount(target.encode(present[target.column], present))
    single = [shown(target.labels[i]) for i in np.flatnonzero(counts == 1)]
    if single:
        message = f"{'Class' if len(single) == 1 else 'Classes'} {_some(single)} of {target.column!r} in {table.name} "
        message += "has a single row" if len(single) == 1 else "have a single row each"
        warnings.warn(message + ", too little to learn from or to test on.", ThalwegWarning, stacklevel=4)


def _some(items: Sequence[Any]) -> str:
    return ", ".join(str(item) for item in items[:5]) + (", …" if len(items) > 5 else "")
