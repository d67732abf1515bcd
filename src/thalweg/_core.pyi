"""The compiled core of Thalweg (C++ sources in core/)."""

from collections.abc import Sequence
from typing import Literal, TypedDict

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
