"""A small network typed in by a person, in a TOML file or on the command line, with every number the fraction it is.

0.1 means 1/10 and not the float nearest to it, so that a gradient worked out in fractions is that of what was typed.
What is typed may be hostile: it is read within bounds, and nothing in it is run.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import text_files
from thalweg.errors import FileError, InputError, shown
from thalweg.named import Named
from thalweg.network import Network
from thalweg.typed_numbers import MAX_DIGITS, MAX_LENGTH, typed_number


if TYPE_CHECKING:
    from jaxtyping import Float

KEYS = ("sizes", "activation", "output", "loss", "reduction", "learning_rate", "x", "y", "weights", "biases")
NEEDED = ("weights", "x", "y")
OPTIONS = {"output": "output-activation", "learning_rate": "learning-rate"}  # where they have another name
MAX_NUMBERS = 10_000  # weights; inputs or targets of all examples
ROW = "a list of numbers"

_WITH_PARAMETER = re.compile(r"\s*(\w+)\s*\(\s*(\w+)\s*=([^()]*)\)\s*")  # as a message prints it: huber(delta=0.5)

# Texts and comments of TOML. A quantifier that gives nothing back keeps the time linear, and so does \b below.
_TEXTS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'{3,5})?'
    r'|"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?|#[^\n]*+',
    re.DOTALL,
)
_ABSURD = re.compile(r"\.[ \t]*+[\w-]*+[ \t]*+\.|\b\w{1000}")  # a key of three parts; a number without end

Matrix = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class TypedNetwork:
    """A network with its numbers and examples, all of them exact.

    >>> xor = TypedNetwork.from_texts(activation="relu", weights="1 1; 1 1 | 1; -2", biases="0 -1 | 0",
    ...                               x="0 0; 0 1; 1 0; 1 1", y="0 1 1 0")
    >>> str(xor.network), xor.parameters[-2], xor.X[1], xor.Y[1]
    ('2-2-1 relu, relu output, squared_error', Fraction(-2, 1), (Fraction(0, 1), Fraction(1, 1)), (Fraction(1, 1),))
    """

    network: Network  # layers and objective
    parameters: tuple[Fraction, ...]  # in the order of the network's vector
    X: Matrix  # a row for each example
    Y: Matrix  # their targets
    learning_rate: Fraction | None = None  # γ of the step of gradient descent; None without that step

    @property
    def p(self) -> Float[np.ndarray, " p"]:
        """The parameters, each as the nearest float64."""
        return np.array([float(one) for one in self.parameters])

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> TypedNetwork:
        """The network in the TOML file `path`: the keys of `from_dict`, and fractions in quotes.

        Raises:
            FileError: there is no such file, it is over 1 MB, no text, or no TOML (which line and column).
            InputError: as `from_dict`.

        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        ...     _ = file.write('weights = [[[0.1, "1/3"]]]; x = 2; y = [0, 1]'.replace("; ", chr(10)))
        ...     file.flush()
        ...     TypedNetwork.from_toml(file.name).parameters
        (Fraction(1, 10), Fraction(1, 3))
        """
        name = os.fspath(path)
        return _read(
            cls,
            _toml(text_files.read(name, "a network that was typed").replace("\r\n", "\n"), name),
            _Source(f"{name!r}: "),
        )

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TypedNetwork:
        """The network that these keys describe; numbers as `typed_number` takes them.

        Args:
            plain: any of these, and `weights`, `x` and `y` in any case.
                weights: a matrix for each layer; weights[ℓ][i][j] leads from unit i below to unit j above.
                biases: a list for each layer, or 0 for zeros; without this key the network has no biases.
                x, y: an example, or a list of examples; examples of one number need no brackets of their own.
                sizes: units of each layer, the inputs first; they follow from the weights.
                activation: a name for all hidden layers, or a list with one for each; else "sigmoid" (L14). With its
                    parameter it is "leaky_relu(slope=1/10)" or {"name": "leaky_relu", "slope": "1/10"}.
                output: else the activation where that is one name, the lecture's g, or "identity" where it is a list.
                loss: else "cross_entropy" where the output is "softmax", and "squared_error" (L7) elsewhere.
                reduction: "sum" (L13) or "mean" over the examples; else "sum".
                learning_rate: a number > 0; else None.

        Raises:
            InputError: a key is missing or unknown, a number is none, or shapes disagree: which, where, what to do.

        >>> typed = TypedNetwork.from_dict({"weights": [[[1, "-1/2"], [3, 4]], [[5], [6]]], "x": [7, 8], "y": 9})
        >>> typed.network.sizes, typed.network.output, typed.p.tolist()
        ((2, 2, 1), sigmoid, [1.0, -0.5, 3.0, 4.0, 5.0, 6.0])
        """
        return _read(cls, plain, _Source())

    @classmethod
    def from_texts(
        cls, *, weights: str | None = None, biases: str | None = None, x: str | None = None, y: str | None = None,
        sizes: str | None = None, activation: str | None = None, output: str | None = None, loss: str | None = None,
        reduction: str | None = None, learning_rate: str | None = None,
    ) -> TypedNetwork:  # fmt: skip
        """The network that texts describe, as on the command line, with the meanings and defaults of `from_dict`.

        Layers are parted by |, rows (one for each unit below) and examples by ;, activations of several layers by
        commas. A row has its numbers parted by spaces, or by commas: here a decimal has a point.

        Args:
            weights: such as "0.15 0.25; 0.2 0.3 | 0.4; 0.45", a row for each unit below.
            biases: such as "0.35 0.35 | 0.6", or "0"; without them the network has none.
            x: inputs, such as "0.05 0.1"; several examples as "0 0; 0 1".
            y: targets, likewise.
            sizes: such as "2 2 1".
            activation: of the hidden layers, such as "relu" or "tanh, relu".
            output: activation of the output layer.
            loss: the name of a loss.
            reduction: "sum" or "mean".
            learning_rate: a number > 0.

        Raises:
            InputError: as `from_dict`; messages name the option, such as --weights.

        >>> TypedNetwork.from_texts(weights="0.15 0.25; 0.2 0.3", x="0.05, 0.1", y="1/2 ½").Y
        ((Fraction(1, 2), Fraction(1, 2)),)
        """
        texts = {
            "sizes": sizes, "activation": activation, "output": output, "loss": loss, "reduction": reduction,
            "learning_rate": learning_rate, "x": x, "y": y, "weights": weights, "biases": biases,
        }  # fmt: skip
        plain = {key: _PARTED.get(key, str.strip)(text) for key, text in texts.items() if text is not None}
        return _read(cls, plain, _Source(options=True))

    def to_toml(self) -> str:
        """The TOML that `from_toml` reads as an equal object; decimals of few digits are written as such.

        A network with a penalty or dropout is no typed one: they have no key.

        >>> print(TypedNetwork.from_texts(weights="1/3 0.1", biases="0 ½", x="2", y="0 1").to_toml(), end="")
        sizes = [1, 2]
        activation = []
        output = "sigmoid"
        loss = "squared_error"
        reduction = "sum"
        x = [[2]]
        y = [[0, 1]]
        weights = [
            [["1/3", 0.1]],
        ]
        biases = [
            [0, 0.5],
        ]
        """
        network = self.network
        lines = [
            f"sizes = {list(network.sizes)}",
            f"activation = [{', '.join(_written_kind(one) for one in network.activation)}]",
            f"output = {_written_kind(network.output)}",
            f"loss = {_written_kind(network.loss)}",
            f'reduction = "{network.reduction}"',
        ]
        if self.learning_rate is not None:
            lines.append(f"learning_rate = {_written(self.learning_rate)}")
        lines += [f"x = {_written(self.X)}", f"y = {_written(self.Y)}", "weights = ["]
        for layer in network.layers:
            flat = self.parameters[layer.weights]
            lines.append(f"    {_written([flat[i : i + layer.above] for i in range(0, len(flat), layer.above)])},")
        lines.append("]")
        if network.bias:
            rows = [self.parameters[layer.biases] for layer in network.layers if layer.biases]
            lines += ["biases = [", *(f"    {_written(row)}," for row in rows), "]"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Source:
    """Where a network was typed, as messages name it."""

    lead: str = ""  # "'net.toml': "
    options: bool = False

    def of(self, key: str) -> str:
        return self.lead + self.bare(key)

    def bare(self, key: str) -> str:
        return f"--{OPTIONS.get(key, key)}" if self.options else key

    def renamed(self, message: str) -> str:
        """A message that names arguments of Network, as output=, with what was typed."""
        return re.sub(r"\b(output|loss)=", lambda match: self.bare(match[1]), message) if self.options else message


def _toml(text: str, name: str) -> dict[str, Any]:
    # A key of many parts takes tomllib quadratic time, and a number of many digits cannot even be printed.
    absurd = _ABSURD.search(_TEXTS.sub("", text))
    if absurd:
        message = f"{name!r}: {shown(absurd[0])} is part of no key and no number; the keys are {', '.join(KEYS)}"
        raise FileError(message)
    try:
        return tomllib.loads(text, parse_float=lambda typed: typed.replace("_", ""))
    except tomllib.TOMLDecodeError as error:
        message = f'{name!r} is no TOML: {error}; correct it there, and put fractions in quotes, as in "1/3"'
        raise FileError(message) from error
    except RecursionError as error:
        message = f"{name!r} has too many brackets in brackets; weights have three deep, and x, y and biases two"
        raise FileError(message) from error


def _row(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if "," in text else text.split()


def _rows(text: str) -> list[list[str]]:
    return [_row(row) for row in text.split(";")]


_PARTED: dict[str, Callable[[str], Any]] = {
    "sizes": lambda text: [int(part) if re.fullmatch("[0-9]{1,9}", part) else part for part in _row(text)],
    "activation": lambda text: text.split(",") if "," in text else text,
    "x": lambda text: _rows(text) if ";" in text else _row(text),
    "y": lambda text: _rows(text) if ";" in text else _row(text),
    "weights": lambda text: [_rows(layer) for layer in text.split("|")],
    "biases": lambda text: ["0" if layer.strip() == "0" else _row(layer) for layer in text.split("|")],
}


def _read(cls: type[TypedNetwork], plain: Mapping[str, Any], source: _Source) -> TypedNetwork:
    given = _known(plain, source)
    matrices = _matrices(given["weights"], source.of("weights"))
    network = _network(given, matrices, source)
    _check_shapes(matrices, network.sizes, "sizes" in given, source.of("weights"))
    biases = _biases(given["biases"], network.sizes[1:], source.of("biases")) if network.bias else [()] * len(matrices)
    parameters = (one for W, b in zip(matrices, biases, strict=True) for row in (*W, b) for one in row)
    X = _examples(given["x"], network.sizes[0], "input", source.of("x"))
    Y = _examples(given["y"], network.sizes[-1], "output", source.of("y"))
    if len(X) != len(Y):
        here, there = source.of("x"), source.of("y")
        message = f"{here} has {_counted(len(X), 'example')}, and {there} has {len(Y)}; give one y for each x"
        raise InputError(message)
    _check_targets(Y, network, source.of("y"))
    rate = typed_number(given["learning_rate"], source.of("learning_rate")) if "learning_rate" in given else None
    if rate is not None and rate <= 0:
        message = f"{source.of('learning_rate')} must be a number > 0, such as 0.5, not {rate}"
        raise InputError(message)
    return cls(network, tuple(parameters), X, Y, rate)


def _known(plain: Mapping[str, Any], source: _Source) -> dict[str, Any]:
    """What is given, under keys that there are."""
    if not isinstance(plain, Mapping):
        message = f"a typed network is a dictionary with the keys {', '.join(KEYS)}, not {shown(plain)}"
        raise InputError(message)
    for key in plain:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key)[:MAX_LENGTH].lower(), KEYS, n=1)
            asked = f"did you mean {near[0]!r}? The" if near else "the"
            message = f"{source.lead}there is no key {shown(key)}; {asked} keys are {', '.join(KEYS)}"
            raise InputError(message)
    given = {key: value for key, value in plain.items() if value is not None}
    for key in NEEDED:
        if key not in given:
            message = f"{source.of(key)} is missing; give {', '.join(map(source.bare, NEEDED))}"
            raise InputError(message)
    return given


def _network(given: Mapping[str, Any], matrices: Sequence[Matrix], source: _Source) -> Network:
    sizes = given.get("sizes", [len(matrices[0]), *(len(matrix[0]) for matrix in matrices)])
    if not isinstance(sizes, (list, tuple)) or not all(isinstance(units, int) for units in sizes):
        message = f"{source.of('sizes')} must be whole numbers, the inputs first, such as [2, 3, 1], not {shown(sizes)}"
        raise InputError(message)
    if len(sizes) != len(matrices) + 1:
        message = (
            f"{source.of('weights')} has {_counted(len(matrices), 'layer')}, and sizes {shown(sizes)} need "
            f"{len(sizes) - 1}, one for each size after the first; change one of them"
        )
        raise InputError(message)
    typed, place = given.get("activation", "sigmoid"), source.of("activation")
    several = isinstance(typed, (list, tuple))
    hidden = [_kind(one, place) for one in typed] if several else _kind(typed, place)
    output = _kind(given["output"], source.of("output")) if "output" in given else "identity" if several else hidden
    loss = _kind(given.get("loss", "cross_entropy" if output == "softmax" else "squared_error"), source.of("loss"))
    reduction = given.get("reduction", "sum")
    try:
        return Network(sizes, activation=hidden, output=output, loss=loss, bias="biases" in given, reduction=reduction)
    except InputError as error:
        message = f"{source.lead}{source.renamed(str(error))}"
        raise InputError(message) from error


def _kind(given: Any, place: str) -> Any:
    """The name, or the name and the parameter, of an activation or a loss."""
    found = _WITH_PARAMETER.fullmatch(given[:MAX_LENGTH]) if isinstance(given, str) else None
    kind = {"name": found[1], found[2]: found[3]} if found else given
    if isinstance(kind, str) and len(kind) <= MAX_LENGTH:
        return kind.strip()
    if isinstance(kind, dict) and isinstance(kind.get("name"), str) and len(kind) == 2:
        return {k: v if k == "name" else float(typed_number(v, f"{place}: {shown(k)}")) for k, v in kind.items()}
    message = f'{place} must be a name, or a name and its parameter, as in "elu(alpha=0.5)", not {shown(given)}'
    raise InputError(message)


def _matrices(given: Any, place: str) -> Sequence[Matrix]:
    matrices = []
    for layer, matrix in enumerate(_listed(given, place, "a list of matrices, such as [[[1, 2], [3, 4]]]"), start=1):
        here = f"{place} of layer {layer}"
        rows = _listed(matrix, here, "a list of rows, one for each unit below")
        n = len(_listed(rows[0], f"{here}, row 1", ROW))
        numbered = enumerate(rows, start=1)
        matrices.append(tuple(_numbers(row, f"{here}, row {i}", n, "as many as row 1") for i, row in numbered))
    _check_count(sum(len(rows) * len(rows[0]) for rows in matrices), place, "make the layers narrower")
    return matrices


def _check_shapes(matrices: Sequence[Matrix], sizes: Sequence[int], typed: bool, place: str) -> None:
    for layer, (rows, below, above) in enumerate(zip(matrices, sizes, sizes[1:], strict=False), start=1):
        shape = len(rows), len(rows[0])
        if shape != (below, above):
            wanted = f"sizes {shown(list(sizes))} need" if typed else f"layer {layer - 1} of {below} units needs"
            advice = "transpose it" if shape == (above, below) else "change the matrix or the sizes"
            message = (
                f"{place} of layer {layer} has {shape[0]} × {shape[1]} numbers, and {wanted} {below} × {above}: "
                f"a row for each unit below, with a number for each unit above; {advice}"
            )
            raise InputError(message)


def _biases(given: Any, sizes: Sequence[int], place: str) -> Matrix:
    rows = _listed(given, place, "a list, with a list of numbers, or 0, for each layer")
    if len(rows) != len(sizes):
        message = (
            f"{place} has {_counted(len(rows), 'layer')}, and the weights {len(sizes)}; give a list, or 0, for each"
        )
        raise InputError(message)
    biases = []
    for layer, (row, units) in enumerate(zip(rows, sizes, strict=True), start=1):
        here = f"{place} of layer {layer}"
        is_zero = not isinstance(row, (list, tuple)) and typed_number(row, here) == 0
        biases.append((Fraction(0),) * units if is_zero else _numbers(row, here, units, "one for each unit"))
    return tuple(biases)


def _examples(given: Any, units: int, unit: str, place: str) -> Matrix:
    rows = _listed(given if isinstance(given, (list, tuple)) else [given], place, ROW)
    if not any(isinstance(one, (list, tuple)) for one in rows):
        rows = [[one] for one in rows] if units == 1 else [rows]
    _check_count(len(rows) * units, place, "give fewer examples")
    why = f"one for each {unit} of the network"
    return tuple(_numbers(row, f"{place}, example {i}", units, why) for i, row in enumerate(rows, start=1))


def _check_targets(Y: Matrix, network: Network, place: str) -> None:
    values = np.array([[float(one) for one in row] for row in Y])
    valid = np.broadcast_to(network.loss.targets(values), values.shape)
    if not valid.all():
        example, k = (int(i) for i in np.argwhere(~valid)[0])
        message = (
            f"{place}: the loss {network.loss!r} takes {network.loss.targets_rule}, and example {example + 1}, "
            f"number {k + 1} is {Y[example][k]}; change it or the loss"
        )
        raise InputError(message)


def _check_count(n: int, place: str, advice: str) -> None:
    if n > MAX_NUMBERS:
        message = f"{place} has {n:,} numbers, and at most {MAX_NUMBERS:,} can be typed; {advice}"
        raise InputError(message)


def _numbers(given: Any, place: str, n: int, why: str) -> tuple[Fraction, ...]:
    """A row of n numbers; `why` so many."""
    row = _listed(given, place, ROW)
    if len(row) != n:
        message = f"{place} has {_counted(len(row), 'number')} and needs {n}, {why}; write {n}"
        raise InputError(message)
    return tuple(typed_number(one, f"{place}, number {j}") for j, one in enumerate(row, start=1))


def _listed(given: Any, place: str, rule: str) -> Sequence[Any]:
    if not isinstance(given, (list, tuple)) or not given:
        message = f"{place} must be {rule}, not {shown(given)}"
        raise InputError(message)
    return given


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _written(value: Fraction | Sequence[Any]) -> str:
    if not isinstance(value, Fraction):
        return f"[{', '.join(map(_written, value))}]"
    if value.denominator == 1 and abs(value) < 2**63:  # what TOML promises of whole numbers
        return str(value)
    decimal = repr(float(value))
    return decimal if Fraction(decimal) == value else f'"{value}"'


def _written_kind(row: Named) -> str:
    if not row.parameter_name:
        return f'"{row.name}"'
    # A tiny float has more digits than can be typed; the fraction it was typed as, or one as near, has not.
    parameter = Fraction(repr(row.parameter)).limit_denominator(10**MAX_DIGITS)
    return f'{{ name = "{row.name}", {row.parameter_name} = {_written(parameter)} }}'
