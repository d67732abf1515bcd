"""The matrix view of a trace (L15): the same numbers, a layer at a time.

    a = z W + b      δ⁽ⁿ⁾ = ∂E/∂z · ∂z/∂a      δ⁽ⁱ⁻¹⁾ = δ⁽ⁱ⁾ · Wᵀ · diag(g′)      ∂E/∂W = zᵀ δ

Vectors are rows, as in the lecture; conventions with columns have them stand, and products the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thalweg.equations import Applied, Matrix, Partial, Transposed
from thalweg.expressions import Expression, Symbol, number
from thalweg.trace_rules import SHARED, fused, plus, times, times_minus


if TYPE_CHECKING:
    from thalweg.arithmetic import Value
    from thalweg.trace_steps import Step, Steps

Rows = tuple[tuple["Step", ...], ...]


@dataclass(frozen=True)
class MatrixStep:
    """One line of the matrix form: what is equal, in symbols and in numbers.

    Args:
        symbol: what is computed.
        formulas: what it is equal to, in symbols.
        numbers: the last of these with the numbers put in; none where the line before says them.
        steps: the scalar steps that the result is made of, row by row.
        equation: its number in the lecture.
    """

    symbol: Expression
    formulas: tuple[Expression, ...]
    numbers: tuple[Expression, ...]
    steps: Rows
    equation: str = "(L15)"

    @property
    def values(self) -> tuple[tuple[Value, ...], ...]:
        """The result, row by row."""
        return tuple(tuple(step.result for step in row) for row in self.steps)

    @property
    def result(self) -> Matrix:
        """The result as it is shown."""
        return _shown(self.steps)

    @property
    def is_about(self) -> bool:
        """Whether one of the printed results is only about what the printed numbers come to."""
        return any(step.is_about for row in self.steps for step in row)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """symbol = formula = numbers = result."""
        return self.symbol, *self.formulas, *self.numbers, self.result


def matrix_steps(trace: Steps, example: int | None = None) -> Iterator[MatrixStep]:
    """The forward and the backward pass of one example in matrices, in the order in which they are computed."""
    m = _Layers(trace, example)
    for layer in range(1, m.last + 1):
        yield from _forward(m, layer)
    yield MatrixStep(m.slope("after", m.last), (), (), m.vector("dE/dz", m.last), "(5)")
    yield from _output_delta(m)
    for layer in range(m.last, 0, -1):
        yield from _gradient(m, layer)
        if layer > 1:
            yield _delta_below(m, layer)


def _shown(rows: Rows) -> Matrix:
    return Matrix(tuple(tuple(step.shown for step in row) for row in rows))


def _turned(rows: Rows) -> Rows:
    return tuple(zip(*rows, strict=True))


class _Layers:
    """The vectors and matrices of one example, as symbols and as steps."""

    def __init__(self, trace: Steps, example: int | None) -> None:
        self.trace, self.example, self.conventions = trace, example, trace.conventions
        self.columns = self.conventions.vectors == "column"
        self.sizes, self.last = trace.network.sizes, len(trace.network.layers)

    def of(self, *key: Any) -> Step:
        return self.trace[key if self.example is None or key[0] in SHARED else (self.example, *key)]

    def vector(self, kind: str, *layer: int) -> Rows:
        """What a layer has, as one row, or as a column; "x" and "y" are those of the ends."""
        size = self.sizes[layer[0] if layer else 0 if kind == "x" else -1]
        row = (tuple(self.of(kind, *layer, j) for j in range(1, size + 1)),)
        return _turned(row) if self.columns else row

    def weights(self, layer: int, kind: str = "W") -> Rows:
        above, below = range(1, self.sizes[layer] + 1), range(1, self.sizes[layer - 1] + 1)
        rows = tuple(tuple(self.of(kind, layer, i, j) for j in above) for i in below)
        return _turned(rows) if self.columns else rows

    def below(self, layer: int) -> tuple[Symbol, Rows]:
        """What enters layer ℓ: x, or z of the layer before."""
        if layer == 1:
            return self.symbol("input"), self.vector("x")
        return self.symbol("after", layer - 1), self.vector("z", layer - 1)

    def symbol(self, name: str, layer: int | None = None) -> Symbol:
        return Symbol(getattr(self.conventions, name), (), layer)

    def slope(self, name: str, layer: int) -> Partial:
        """∂E/∂ of a layer; that of one example of several is ∂E₁/∂."""
        error = Symbol(self.conventions.error, () if self.example is None else (self.example,))
        return Partial(error, self.symbol(name, layer))

    def product(self, *factors: Expression) -> Expression:
        """Factors as they stand for rows; the other way round for columns."""
        return times(*(factors[::-1] if self.columns else factors))


def _forward(m: _Layers, layer: int) -> Iterator[MatrixStep]:
    a, equation = m.symbol("before", layer), "(2)" if layer == 1 else "(3)"
    z, values = m.below(layer)
    formula = m.product(z, m.symbol("weight", layer))
    numbers = m.product(_shown(values), _shown(m.weights(layer)))
    if m.trace.network.bias:
        formula, numbers = plus(formula, m.symbol("bias", layer)), plus(numbers, _shown(m.vector("b", layer)))
    yield MatrixStep(a, (formula,), (numbers,), m.vector("a", layer), equation)
    g = m.trace.network.layers[layer - 1].activation
    head = Applied(m.conventions.activation if g.elementwise else "softmax", a)
    yield MatrixStep(m.symbol("after", layer), (head,), (), m.vector("z", layer), equation)


def _jacobian(m: _Layers, layer: int) -> tuple[Expression, Matrix]:
    """∂z/∂a: a diagonal, or softmax's full matrix."""
    if not m.trace.network.layers[layer - 1].activation.elementwise:
        return Partial(m.symbol("after", layer), m.symbol("before", layer)), _shown(_full(m, layer))
    units = range(1, m.sizes[layer] + 1)
    slope = Applied(m.conventions.activation, m.symbol("before", layer), primes=1)
    return Applied("diag", slope), _diagonal([m.of("g'", layer, j).shown for j in units])


def _diagonal(values: Sequence[Expression]) -> Matrix:
    n = range(len(values))
    return Matrix(tuple(tuple(values[i] if i == j else number(0) for j in n) for i in n))


def _full(m: _Layers, layer: int) -> Rows:
    units = range(1, m.sizes[layer] + 1)
    return tuple(tuple(m.of("dz/da", layer, k, j) for j in units) for k in units)


def _output_delta(m: _Layers) -> Iterator[MatrixStep]:
    jacobian, numbers = _jacobian(m, m.last)
    if not m.trace.network.output.elementwise:
        yield MatrixStep(jacobian, (), (), _full(m, m.last))
    delta, steps = m.symbol("delta", m.last), m.vector("delta", m.last)
    chain = m.product(m.slope("after", m.last), jacobian)
    pair = fused(m.trace.network)
    if pair is None:
        yield MatrixStep(delta, (chain,), (m.product(_shown(m.vector("dE/dz", m.last)), numbers),), steps)
        return
    z, rows = m.symbol("after", m.last), m.vector("z", m.last)
    formula, numbers = plus(z, times_minus(m.symbol("target"))), plus(_shown(rows), times_minus(_shown(m.vector("y"))))
    if pair.slope != "z - y":  # (1 − z)(z − y), of Poisson's loss behind a sigmoid
        formula = m.product(formula, Applied("diag", _complement(z)))
        numbers = m.product(numbers, _diagonal([_complement(step.shown) for row in rows for step in row]))
    yield MatrixStep(delta, (chain, formula), (numbers,), steps)


def _complement(z: Expression) -> Expression:
    return plus(number(1), times_minus(z))


def _gradient(m: _Layers, layer: int) -> Iterator[MatrixStep]:
    delta, deltas = m.symbol("delta", layer), m.vector("delta", layer)
    z, below = m.below(layer)
    formula = m.product(Transposed(z), delta)
    numbers = m.product(_shown(_turned(below)), _shown(deltas))
    yield MatrixStep(m.slope("weight", layer), (formula,), (numbers,), m.weights(layer, "dE/dW"))
    if m.trace.network.bias:
        yield MatrixStep(m.slope("bias", layer), (delta,), (), m.vector("dE/db", layer))


def _delta_below(m: _Layers, layer: int) -> MatrixStep:
    """δ⁽ⁱ⁻¹⁾ from δ⁽ⁱ⁾."""
    jacobian, slopes = _jacobian(m, layer - 1)
    formula = m.product(m.symbol("delta", layer), Transposed(m.symbol("weight", layer)), jacobian)
    numbers = m.product(_shown(m.vector("delta", layer)), _shown(_turned(m.weights(layer))), slopes)
    return MatrixStep(m.symbol("delta", layer - 1), (formula,), (numbers,), m.vector("delta", layer - 1))
