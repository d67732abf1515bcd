"""What an exported network answers, as C: a structure, the function that fills it, and how it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thalweg.c_words import comment, identifier, number, string
from thalweg.encoding import Encoder
from thalweg.labels import Labels
from thalweg.targets import NumberTarget


@dataclass(frozen=True)
class Answer:
    """The structure @_output, the function @_answer(y, output), and the lines of a program that print it."""

    declarations: str
    code: str
    printed: str


def of_table(encoder: Encoder, classes: Sequence[np.ndarray]) -> Answer:
    """The answer to a row of a table.

    Args:
        encoder: its target roles.
        classes: the labels of each that has classes.

    Raises:
        InputError: a label is a text that C cannot hold.
    """
    if encoder.task == "classification":
        return _most_probable(classes[0])
    return _several(encoder, classes) if encoder.task == "multilabel" else _numbers(encoder)


def of_network(labels: Labels | None, count: int, dtype: np.dtype) -> Answer:
    """The answer of a network without an encoder.

    Args:
        labels: what its outputs stand for; None for themselves.
        count: how many there are.
        dtype: of its numbers.

    Raises:
        InputError: a label is a text that C cannot hold.
    """
    if labels is None:
        return _outputs(count)
    if labels.kind == "multilabel":
        return _yes_or_no(count)
    if labels.kind == "multioutput":
        return _columns_of_classes(labels.classes, number(np.finfo(dtype).tiny))
    return _most_probable(labels.classes[0], is_single=labels.kind == "binary")


def _outputs(count: int) -> Answer:
    """The outputs of a network as they are: a number, or an array of them."""
    if count == 1:
        printed = 'printf("%.9g", (double)output.prediction);'
        return Answer(_structure(["@real prediction;"]), _function(["output->prediction = y[0];"]), printed)
    return Answer(
        _structure([f"@real prediction[{count}];"]),
        _function(["memcpy(output->prediction, y, sizeof output->prediction);"]),
        _print_array("prediction", count, first='j ? "," : ""'),
    )


def _most_probable(labels: np.ndarray, *, is_single: bool = False) -> Answer:
    """The most probable of several labels, or of two where a single output is the probability of the second.

    Where training knew one label only, it is both.
    """
    labels = np.resize(labels, 2) if is_single else labels
    k = len(labels)
    members = [
        "const char *label;",
        "size_t index; /* of the label in @_labels, from 0 */",
        f"@real probabilities[{k}]; /* in the order of @_labels */",
    ]
    filling = ["output->probabilities[0] = 1 - y[0];", "output->probabilities[1] = y[0];"]
    function = _function(
        [
            *(filling if is_single else ["memcpy(output->probabilities, y, sizeof output->probabilities);"]),
            "output->index = 0;",
            f"for (size_t j = 1; j < {k}; j++)",
            "    if (output->probabilities[j] > output->probabilities[output->index])",
            "        output->index = j;",
            "output->label = @_labels[output->index];",
        ]
    )
    printed = ["@_print(output.label);", _print_array("probabilities", k)]
    declared, table = _label_table("@_labels", labels)
    return Answer(_structure(members) + declared, table + function, _lines(printed))


def _label_table(name: str, labels: np.ndarray) -> tuple[str, str]:
    """Its declaration, and the table of the labels' texts."""
    texts = "\n".join(f"    {string(written(label))}," for label in labels.tolist())
    kind = f"const char *const {name}[{len(labels)}]"
    return f"extern {kind};\n", f"{kind} = {{\n{texts}\n}};\n\n"


def _yes_or_no(count: int) -> Answer:
    """0 or 1 for each output."""
    members = [
        f"int prediction[{count}]; /* 1 where the probability is above 0.5, else 0 */",
        f"@real probabilities[{count}]; /* of the 1 in each column */",
    ]
    lines = [
        "memcpy(output->probabilities, y, sizeof output->probabilities);",
        f"for (size_t j = 0; j < {count}; j++)",
        "    output->prediction[j] = y[j] > (@real)0.5;",
    ]
    predictions = f'for (size_t j = 0; j < {count}; j++)\n    printf("%s%d", j ? "," : "", output.prediction[j]);'
    return Answer(_structure(members), _function(lines), _lines([predictions, _print_array("probabilities", count)]))


def _columns_of_classes(classes: Sequence[np.ndarray], tiny: str) -> Answer:
    """For each column of classes y0, y1, … its outputs' largest; probabilities are these, scaled to sum to 1."""
    members, lines, printed, declared, tables = [], [], [], "", ""
    first = 0
    for column, labels in enumerate(classes):
        y, k = f"y{column}", len(labels)
        declaration, table = _label_table(f"@_labels_{y}", labels)
        declared, tables = declared + declaration, tables + table
        members.append(
            f"struct {{ const char *label; size_t index; @real probabilities[{k}]; }} {y}; /* see @_labels_{y} */"
        )
        lines += [
            f"total = 0, output->{y}.index = 0;",
            f"for (size_t j = 0; j < {k}; j++) {{",
            f"    total += y[{first} + j];",
            f"    if (y[{first} + j] > y[{first} + output->{y}.index])",
            f"        output->{y}.index = j;",
            "}",
            f"for (size_t j = 0; j < {k}; j++)",
            f"    output->{y}.probabilities[j] = y[{first} + j] / fmax@f(total, {tiny});",
            f"output->{y}.label = @_labels_{y}[output->{y}.index];",
        ]
        printed += [
            *(["putchar(',');"] if column else []),
            f"@_print(output.{y}.label);",
            _print_array(f"{y}.probabilities", k),
        ]
        first += k
    return Answer(_structure(members) + declared, tables + _function(["@real total;", *lines]), _lines(printed))


def _several(encoder: Encoder, classes: Sequence[np.ndarray]) -> Answer:
    """For each target a label and a probability."""
    members, lines, printed = [], [], []
    taken: set[str] = set()
    for i, (target, labels) in enumerate(zip(encoder.target_roles, classes, strict=True)):
        member = identifier(target.column, taken)
        low, high = map(written, labels.tolist())
        members.append(
            f"struct {{ const char *label; @real probability; }} {member}; "
            f"/* {comment(target.column)}, and how probable {comment(high)} is */"
        )
        lines += [
            f"output->{member}.probability = y[{i}];",
            f"output->{member}.label = y[{i}] >= (@real)0.5 ? {string(high)} : {string(low)};",
        ]
        printed += [
            *(["putchar(',');"] if i else []),
            f"@_print(output.{member}.label);",
            f'printf(",%.9g", (double)output.{member}.probability);',
        ]
    return Answer(_structure(members), _function(lines), _lines(printed))


def _numbers(encoder: Encoder) -> Answer:
    """For each target a number in its own units."""
    members, lines, printed = [], [], []
    taken: set[str] = set()
    for i, target in enumerate(encoder.target_roles):
        assert isinstance(target, NumberTarget)
        member = identifier(target.column, taken)
        members.append(f"double {member}; /* {comment(target.column)}, in its own units */")
        lines.append(f"output->{member} = @_in_units(y[{i}], {number(target.deviation)}, {number(target.mean)});")
        printed.append(f'printf("{"," if i else ""}%.17g", output.{member});')
    return Answer(_structure(members), _IN_UNITS + _function(lines), _lines(printed))


_IN_UNITS = """\
static double @_in_units(double standardised, double deviation, double mean)
{
    const double largest = 1.7976931348623157e308;
    return fmin(fmax(standardised * deviation + mean, -largest), largest);
}

"""


def written(label: str | bool | float) -> str:
    """A label as `thalweg predict` writes it.

    >>> [written(label) for label in ("ham", True, 3, 0.5)]
    ['ham', 'true', '3', '0.5']
    """
    return str(label).lower() if isinstance(label, bool) else str(label)


def _structure(members: Sequence[str]) -> str:
    return "\n".join(["typedef struct {", *(f"    {member}" for member in members), "} @_output;", "", ""])


def _function(lines: Sequence[str]) -> str:
    head = "static void @_answer(const @real *y, @_output *output)"
    return "\n".join([head, "{", *(f"    {line}" for line in lines), "}", "", ""])


def _print_array(member: str, count: int, first: str = '","') -> str:
    return f'for (size_t j = 0; j < {count}; j++)\n    printf("%s%.9g", {first}, (double)output.{member}[j]);'


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines)
