"""What every test may ask for: `shared`, `rng` and `engine`; and how thorough hypothesis is."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest


ROOT = Path(__file__).resolve().parents[1]

# The same examples every time where a change is judged; new ones every time where people work.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True, derandomize="CI" in os.environ)
hypothesis.settings.register_profile(
    "acceptance",
    deadline=None,
    print_blob=True,
    max_examples=10_000,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", default="all", help="run engine tests on this engine only (default: all that work here)"
    )
    parser.addoption("--seed", type=int, default=None, help="seed of the `rng` fixture (default: a new one each run)")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = 0 if "CI" in os.environ else int(np.random.SeedSequence().generate_state(1)[0])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" not in metafunc.fixturenames:
        return
    from thalweg import engines

    names = engines.available()
    assert names, "thalweg.engines.available() is empty: the engine tests would test nothing"
    wanted = metafunc.config.getoption("--engine")
    if wanted != "all" and wanted not in names:
        raise pytest.UsageError(f"--engine={wanted}: the engines that work here are {', '.join(names)}")
    metafunc.parametrize("engine", names if wanted == "all" else [wanted])


class SeededGenerator(np.random.Generator):
    """A generator whose repr, which pytest prints beside a failure, tells how to repeat it."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self.seed = seed

    def __repr__(self) -> str:
        return f"SeededGenerator({self.seed})  # repeat with --seed={self.seed}"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> SeededGenerator:
    """Random numbers, new each run; each test starts from the run's seed, so it repeats alone."""
    return SeededGenerator(request.config.option.seed)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tables and golden files that lies beside a checkout; it is not part of the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: the real tables are not part of the repository")
    return folder
