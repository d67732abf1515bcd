"""The compiled core of Thalweg (C++ sources in core/)."""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

import numpy as np

class CpuFeatures(TypedDict):
    """What the processor offers; byte counts are 0 where the system does not tell."""

    architecture: Literal["x86-64", "x86", "arm64", "other"]
    features: list[str]
    usable: list[str]
    instruction_set: Literal["avx512", "avx2", "neon", "portable"]
    compiler: str
    logical_cores: int
    physical_cores: int
    l1_bytes: int
    l2_bytes: int
    l3_bytes: int

def cpu_features() -> CpuFeatures:
    """What this processor offers and which instruction set the core uses, as a dictionary.

    Raises ValueError if the environment variable THALWEG_CPU named, at import, a set that cannot run here.
    """

def choose_set(usable: Sequence[str], wanted: str) -> str:
    """The instruction set to use: the first of `usable`, or `wanted` unless that is empty."""

def usable_sets(features: Sequence[str]) -> list[str]:
    """The instruction sets that a processor with these features can run, best first."""

# Arrays are C-ordered, of the dtype named or of one floating dtype throughout; anything else is a TypeError, a size
# that does not fit a ValueError.

class Program:
    """A formula as instructions on registers; see `thalweg.engines.programs`."""

    def __init__(
        self, inputs: int, code: Sequence[tuple[str, int, Sequence[int], float]], results: Sequence[int]
    ) -> None:
        """An instruction is (name, register it writes, registers it reads, number); inputs stand in the first ones.

        Raises ValueError for one that the core does not have, or that reads what was not written.
        """

class Network:
    """Layers and objective. Raises ValueError for an activation or a loss that the core does not have."""

    def __init__(
        self,
        layers: Sequence[tuple[int, int, str, float, float, int, int, Program | None, Program | None]],
        loss: str,
        loss_parameters: Sequence[float],  # one, or one for each output
        mean: bool,
        l2: float,
        own_loss: Program | None = None,
    ) -> None:
        """A layer is (below, above, activation, its parameter, dropout, where W begins, where b begins or −1, g, g′).

        The last two are programs where the activation is "own", else None; so is `own_loss`, with value and slope.
        """

class Optimizer:
    """An update rule; `clip` 0 is no clipping. Raises ValueError for a rule that the core does not have."""

    def __init__(
        self,
        rule: str,
        momentum: float,
        nesterov: bool,
        beta1: float,
        beta2: float,
        epsilon: float,
        epsilon_hat: bool,
        weight_decay: float,
        clip: float,
    ) -> None: ...

class TrainerFloat32:
    """A training in progress on float32 arrays, which it keeps."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        X: np.ndarray,
        Y: np.ndarray,
        weights: np.ndarray | None,
        parameters: np.ndarray,
        moments: Sequence[np.ndarray],
        t: int,
        threads: int,
        instruction_set: str,
    ) -> None:
        """`t` updates are done; threads 0 lets the core choose; instruction_set "" is the best one here."""

    def run(
        self,
        epoch: int,
        order: np.ndarray,
        batch: int,
        rates: np.ndarray,
        alpha: float,
        seed: int,
        losses: np.ndarray,
        should_stop: Callable[[], bool],
    ) -> tuple[int, tuple[int, int, str] | None, bool]:
        """Steps done, where a value was not finite (step from 0, layer from 1, what), and whether it was stopped."""

    def state(self, parameters: np.ndarray, moments: Sequence[np.ndarray]) -> None:
        """Write the parameters and moments as they are now into these arrays."""

    @property
    def t(self) -> int:
        """Updates done."""

    @property
    def threads(self) -> int:
        """Threads of the last run, at most."""

class TrainerFloat64(TrainerFloat32):
    """A training in progress on float64 arrays, which it keeps."""

def mean_loss(
    network: Network,
    parameters: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    weights: np.ndarray | None,
    threads: int,
    instruction_set: str,
) -> float:
    """Σ_n s_n E_n / Σ_n s_n."""

def loss_and_gradient(
    network: Network,
    parameters: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    weights: np.ndarray | None,
    threads: int,
    instruction_set: str,
    gradient: np.ndarray,
) -> float:
    """The objective; its gradient is written into `gradient`."""

def predict(
    network: Network, parameters: np.ndarray, X: np.ndarray, threads: int, instruction_set: str, out: np.ndarray
) -> None:
    """Write ŷ of each row into `out`."""

def multiply(instruction_set: str, A: np.ndarray, B: np.ndarray, C: np.ndarray, across: bool) -> None:
    """C = A B, or A Bᵀ by the product of the backward pass: the kernel that every pass is made of, for tests."""

def apply(instruction_set: str, function: str, x: np.ndarray, out: np.ndarray) -> None:
    """Write f(x) into `out`, for a function of `math_functions`."""

def program_instructions() -> list[str]:
    """The names of the instructions that a program may have."""

def math_functions() -> list[str]:
    """The names of the vector functions."""

def sorting_order(words: np.ndarray, order: np.ndarray) -> None:
    """Write the stable sorting order of uint64 words into `order` (int64)."""

def random_order(seed: int, purpose: int, epoch: int, step: int, order: np.ndarray) -> None:
    """Write the stable sorting order of the words of this stream into `order` (int64)."""

def fma_peak(instruction_set: str, dtype: str, seconds: float) -> float:
    """GFLOP/s that one thread reaches with multiplications and additions in registers."""
