"""Who is timed: Thalweg and its peers, each training the same network on the same rows from the same weights.

A peer is a subclass of `Contender` and a row of `CONTENDERS`. Its packages are imported when it is made, in a process
of its own, after the number of threads has been set.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import thalweg as tw
from contender import Contender, Rows, Task
from products import Products, TorchProducts
from workloads import LEARNING_RATE, SEED


class Thalweg(Contender):
    """`tw.train`, timed from the end of the first epoch to the end of the last by its own history."""

    takes_parts = False

    def _train(self, stop: tw.Stop) -> tw.TrainingResult:
        workload, task = self.workload, self.task
        takes_threads = task.engine != "reference" and not task.all_threads
        return tw.train(
            workload.network,
            self.X,
            self.y,
            parameters=self.p,
            optimizer=tw.Adam(LEARNING_RATE),
            batch="all" if workload.is_full_batch else workload.batch,
            order=workload.order,
            stop=stop,
            engine=task.engine,
            threads=task.threads if takes_threads else None,
            seed=SEED,
        )

    def after(self, steps: int) -> np.ndarray:
        return self._train(tw.Stop(steps=steps)).last_parameters

    def step_seconds(self, first: Rows, timed: Rows) -> float:
        seconds = self._train(tw.Stop(epochs=1 + len(timed))).history.seconds
        return float(seconds[-1] - seconds[0]) / (len(timed) * self.workload.steps)


class ScikitLearn(Contender):
    """MLPClassifier: an epoch with each call of partial_fit, or all of them with one of fit where the order stays.

    fit checks its rows once: with all rows in one step, that takes half as long.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        warnings.simplefilter("ignore")
        self.Y = np.eye(self.workload.sizes[-1], dtype=int)[self.y]

    def start(self) -> None:
        from sklearn.neural_network import MLPClassifier

        size: Any = self.workload.batch  # the annotation of batch_size knows "auto" only
        self.model = MLPClassifier(
            self.workload.sizes[1:-1], self.workload.activation, alpha=0.0, batch_size=size, shuffle=False, tol=0.0,
            learning_rate_init=LEARNING_RATE, n_iter_no_change=10**9, warm_start=True,
        )  # fmt: skip
        self.model.partial_fit(self.X[:size], self.Y[:size], classes=range(self.workload.sizes[-1]))
        # It has one logistic output for two classes: targets in columns and this line give it the others' softmax.
        self.model.out_activation_ = "softmax"
        self.model.coefs_, self.model.intercepts_ = (list(arrays) for arrays in zip(*self.layers(), strict=True))
        del self.model._optimizer  # it has taken a step; a new one is made

    def train(self, handed: Rows) -> None:
        if self.workload.order == "sweep":
            n = len(handed[0])
            self.model.set_params(max_iter=len(handed)).fit(self.X[:n], self.Y[:n])
            return
        for rows in handed:
            self.model.partial_fit(self.X[rows], self.Y[rows])

    def parameters(self) -> np.ndarray:
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return np.concatenate([a.ravel() for pair in pairs for a in pair])


class Torch(Contender):
    """PyTorch, one operation after another; rows are indexed in memory, as a DataLoader would be far slower."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        import torch

        torch.set_num_threads(task.threads)
        self.torch = torch
        self.inputs, self.targets = torch.from_numpy(self.X), torch.from_numpy(self.y)
        self.activation = getattr(torch, self.workload.activation)

    def start(self) -> None:
        self.weights = [  # PyTorch keeps W transposed
            self.torch.from_numpy(np.ascontiguousarray(a.T)).requires_grad_() for pair in self.layers() for a in pair
        ]
        self.optimizer = self.torch.optim.Adam(self.weights, lr=LEARNING_RATE, fused=True)

    def loss(self, p: Sequence[Any], x: Any, y: Any) -> Any:
        """Mean cross-entropy of a batch."""
        functional = self.torch.nn.functional
        *hidden, last = zip(p[::2], p[1::2], strict=True)
        for W, b in hidden:
            x = self.activation(functional.linear(x, W, b))
        return functional.cross_entropy(functional.linear(x, *last), y)

    def step(self, x: Any, y: Any) -> None:
        """One update."""
        self.optimizer.zero_grad()
        self.loss(self.weights, x, y).backward()
        self.optimizer.step()

    def hand_over(self, epochs: Rows) -> list[Any]:
        return [rows if self.workload.order == "sweep" else self.torch.from_numpy(rows) for rows in epochs]

    def train(self, handed: Rows) -> None:
        inputs, targets, step = self.inputs, self.targets, self.step
        for rows in handed:
            for batch in self.batches(rows):
                step(inputs[batch], targets[batch])

    def parameters(self) -> np.ndarray:
        return np.concatenate([w.detach().numpy().T.ravel() for w in self.weights])


class TorchCompiled(Torch):
    """PyTorch with loss, gradient and Adam in one compiled graph.

    Compiling the loss and the optimizer's step apart, or a step that calls backward(), is slower: 300 µs instead of 60
    for 2-2-2.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.compiled = self.torch.compile(self._update, dynamic=False, fullgraph=True)
        self.start()
        started = time.perf_counter()
        self.train(self.hand_over(self.workload.stretch(1)))
        self.compile_seconds = time.perf_counter() - started

    def start(self) -> None:
        super().start()
        self.weights = [w.detach() for w in self.weights]
        self.means, self.squares = ([self.torch.zeros_like(w) for w in self.weights] for _ in range(2))
        self.t = self.torch.zeros(())

    def step(self, x: Any, y: Any) -> None:
        self.compiled(self.weights, self.means, self.squares, self.t, x, y)

    def _update(self, weights: Any, means: Any, squares: Any, t: Any, x: Any, y: Any) -> None:
        gradient = self.torch.func.grad(self.loss)(weights, x, y)
        t.add_(1.0)
        for p, g, m, v in zip(weights, gradient, means, squares, strict=True):
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.sub_(LEARNING_RATE * (m / (1.0 - 0.9**t)) / ((v / (1.0 - 0.999**t)).sqrt() + 1e-8))


class Jax(Contender):
    """JAX, with `lax.scan` over the steps of an epoch in one compiled call; over all epochs where each is one step.

    scan(unroll=8) gains a third for 30-16-2 on one thread, takes four times as long to compile, and gains nothing or
    loses elsewhere.
    """

    takes_parts = False

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        import jax

        self.jax, self.jnp = jax, jax.numpy
        self.activation = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh}[self.workload.activation]
        one_hot = np.eye(self.workload.sizes[-1], dtype=np.float32)[self.y]  # faster than an index into the logarithms
        self.examples = (self.jnp.asarray(self.X), self.jnp.asarray(one_hot))
        self.calls: dict[int, Any] = {}  # number of steps -> compiled function

    def start(self) -> None:
        weights = [tuple(map(self.jnp.asarray, pair)) for pair in self.layers()]
        zeros = [self.jax.tree.map(self.jnp.zeros_like, weights) for _ in range(2)]
        self.state = (weights, *zeros, self.jnp.float32(0.0))

    def loss(self, weights: Any, x: Any, y: Any) -> Any:
        """Mean cross-entropy of a batch."""
        for W, b in weights[:-1]:
            x = self.activation(x @ W + b)
        W, b = weights[-1]
        return -self.jnp.mean(self.jnp.sum(self.jax.nn.log_softmax(x @ W + b) * y, axis=1))

    def step(self, state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """One update: Adam by hand."""
        weights, means, squares, t = state
        loss, gradient = self.jax.value_and_grad(self.loss)(weights, x, y)
        each, t = self.jax.tree.map, t + 1.0
        means = each(lambda m, g: 0.9 * m + 0.1 * g, means, gradient)
        squares = each(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradient)
        mean_scale, square_scale = 1.0 - 0.9**t, 1.0 - 0.999**t
        weights = each(
            lambda p, m, v: p - LEARNING_RATE * (m / mean_scale) / (self.jnp.sqrt(v / square_scale) + 1e-8),
            weights, means, squares,
        )  # fmt: skip
        return (weights, means, squares, t), loss

    def hand_over(self, epochs: Rows) -> list[tuple[Any, Any]]:
        calls = []
        for rows in [np.concatenate(epochs)] if self.workload.is_full_batch else epochs:
            steps = len(rows) // self.workload.batch
            given = self._given(rows, steps)
            if steps not in self.calls:
                self.calls[steps] = self._compile(given, steps)
            calls.append((self.calls[steps], given))
        return calls

    def _given(self, rows: np.ndarray, steps: int) -> Any:
        if self.workload.is_full_batch:
            return self.examples
        if self.workload.order == "sweep":  # the scan hands out the rows themselves
            return tuple(a[: len(rows)].reshape(steps, self.workload.batch, -1) for a in self.examples)
        return (*self.examples, self.jnp.asarray(rows.reshape(steps, self.workload.batch)))

    def _compile(self, given: Any, steps: int) -> Any:
        def call(state: Any, *given: Any) -> Any:
            if self.workload.is_full_batch:
                return self.jax.lax.scan(lambda state, _: self.step(state, *given), state, length=steps)
            if self.workload.order == "sweep":
                return self.jax.lax.scan(lambda state, pair: self.step(state, *pair), state, given)
            X, Y, batches = given
            return self.jax.lax.scan(lambda state, rows: self.step(state, X[rows], Y[rows]), state, batches)

        started = time.perf_counter()
        compiled = self.jax.jit(call, donate_argnums=0).lower(self.state, *given).compile()
        self.compile_seconds = time.perf_counter() - started
        return compiled

    def train(self, handed: list[tuple[Any, Any]]) -> None:
        for call, given in handed:
            self.state, losses = call(self.state, *given)
            losses.block_until_ready()

    def parameters(self) -> np.ndarray:
        return np.concatenate([np.ravel(a) for pair in self.state[0] for a in pair])


OURS = "thalweg"
# name -> (what the tables call it, class, package that it needs)
CONTENDERS: dict[str, tuple[str, type[Contender], str]] = {
    OURS: ("Thalweg", Thalweg, "thalweg"),
    "scikit-learn": ("scikit-learn", ScikitLearn, "sklearn"),
    "torch": ("PyTorch", Torch, "torch"),
    "torch-compiled": ("PyTorch, compiled", TorchCompiled, "torch"),
    "jax": ("JAX", Jax, "jax"),
    "numpy-products": ("products by NumPy", Products, "numpy"),
    "torch-products": ("products by PyTorch", TorchProducts, "torch"),
}
BLAS = tuple(name for name, (_, kind, _) in CONTENDERS.items() if issubclass(kind, Products))
PEERS = tuple(name for name in CONTENDERS if name != OURS and name not in BLAS)
