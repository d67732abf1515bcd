"""Everything in the package has a type that any type checker sees: nothing is left to inference."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import thalweg


# scikit-learn ships no types: of our estimators the base classes are unknown, and of what takes them a part.
OF_SKLEARN = re.compile('Type of (base class|metaclass)|Type of parameter .* is partially unknown\\s+.* is ".*MLP')


def test_all_types_are_known():
    """As `pyright --verifytypes thalweg --ignoreexternal` says."""
    paths = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # pyright asks python for packages
        "PYTHONPATH": str(Path(thalweg.__file__).parents[1]),
    }
    command = [sys.executable, "-m", "pyright", "--verifytypes", "thalweg", "--ignoreexternal", "--outputjson"]
    ran = subprocess.run(command, env={**os.environ, **paths}, capture_output=True, text=True, check=False)
    found = json.loads(ran.stdout)["typeCompleteness"]
    assert found["pyTypedPath"] and len(found["symbols"]) > 1_000
    said = [
        f"{symbol['name']}: {one['message']}"
        for symbol in found["symbols"]
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
        for one in symbol["diagnostics"]
        if not OF_SKLEARN.match(one["message"]) and "No docstring" not in one["message"]
    ]
    assert said == []
    assert found["completenessScore"] > 0.99
