"""What an exported network answers, as C: a structure, the function that fills it, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from thalweg.c_words import comment, identifier, number, string
from thalweg.encoding import Encoder
from thalweg.exports import Label
from thalweg.targets import ClassTarget, NumberTarget


@dataclass(frozen=True)
class Answer:
    """The structure @_output, the function @_answer(y, output), and the lines of a program that print it."""

    declarations: str
    code: str
    printed: str


def of_table(encoder: Encoder) -> Answer:
    """The answer to a row of a table.

    Raises:
        InputError: a label is a text that C cannot hold.
    """
    return _TASKS[encoder.task](encoder)


def outputs(count: int) -> Answer:
    """The outputs of a network as they are."""
    return Answer(
        _structure([f"@real outputs[{count}];"]),
        _function(["memcpy(output->outputs, y, sizeof output->outputs);"]),
        _print_array("outputs", count, first='j ? "," : ""'),
    )


def classes(labels: Sequence[Label], is_single: bool = False) -> Answer:
    """The most probable of several labels, or of two where a single output is the probability of the second."""
    k = len(labels)
    members = [
        "const char *label;",
        "size_t index; /* of the label in @_labels, from 0 */",
        f"@real probabilities[{k}]; /* in the order of @_labels */",
    ]
    texts = "\n".join(f"    {string(written(label))}," for label in labels)
    table = f"const char *const @_labels[{k}] = {{\n{texts}\n}};\n\n"
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
    return Answer(_structure(members) + f"extern const char *const @_labels[{k}];\n", table + function, _lines(printed))


def _one(encoder: Encoder) -> Answer:
    (target,) = encoder.target_roles
    assert isinstance(target, ClassTarget)
    return classes(target.labels)


def _several(encoder: Encoder) -> Answer:
    """For each target a label and a probability."""
    members, lines, printed = [], [], []
    taken: set[str] = set()
    for i, target in enumerate(encoder.target_roles):
        assert isinstance(target, ClassTarget)
        member = identifier(target.column, taken)
        low, high = (string(written(label)) for label in target.labels)
        members.append(
            f"struct {{ const char *label; @real probability; }} {member}; "
            f"/* {comment(target.column)}, and how probable {comment(written(target.labels[1]))} is */"
        )
        lines += [
            f"output->{member}.probability = y[{i}];",
            f"output->{member}.label = y[{i}] >= (@real)0.5 ? {high} : {low};",
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


_TASKS: Mapping[str, Callable[[Encoder], Answer]] = {
    "classification": _one,
    "multilabel": _several,
    "regression": _numbers,
}

_IN_UNITS = """\
static double @_in_units(double standardised, double deviation, double mean)
{
    const double largest = 1.7976931348623157e308;
    return fmin(fmax(standardised * deviation + mean, -largest), largest);
}

"""


def written(label: Label) -> str:
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
