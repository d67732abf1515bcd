"""For tests: the Python blocks of a Markdown page, and running them from top to bottom."""

import re
from pathlib import Path
from typing import Any


ROOT = Path(__file__).resolve().parents[1]


def python_blocks(page: str) -> list[str]:
    """The blocks of a page, such as "docs/table-estimators.md", in their order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def run(page: str, blocks: list[str]) -> dict[str, Any]:
    """Run blocks one after another with the same names, and give those back."""
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    return names
