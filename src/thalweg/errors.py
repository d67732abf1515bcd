"""What can go wrong, as a tree. Every message names the rule, the value, the place and the next step.

ThalwegError
├── InputError (also ValueError)      what was given breaks a rule
│   ├── TableError                    a table that cannot be read or used: which column, row, value
│   ├── FormulaError                  a formula that cannot be read: the message shows the place with a caret
│   ├── FileError                     a file of ours that is not whole, or not ours
│   └── EngineError                   an engine that is missing, or cannot do what was asked
├── TrainingFailed (also ValueError)  training met a non-finite value and `on_failure="raise"`; has `.result`
├── Undefined (also ArithmeticError)  a formula has no value at a point (nodes.py)
└── DescentFailed                     a walk ran away or broke off and `on_failure="raise"`; has `.result`
ThalwegWarning (UserWarning)          went on, but you should know
"""

from typing import Any


def with_article(noun: str) -> str:
    """A noun, or the name of a class, with a or an, as it is spoken.

    >>> with_article("model"), with_article("estimator"), with_article("MLPClassifier")
    ('a model', 'an estimator', 'an MLPClassifier')
    """
    return f"{'an' if noun.startswith((*'aeioAEIO', 'MLP')) else 'a'} {noun}"


def shown(value: Any) -> str:
    """A value as a message shows it: its repr, at most 60 characters of it.

    >>> shown("four"), len(shown("x" * 1000))
    ("'four'", 58)
    """
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


class ThalwegError(Exception):
    """Anything Thalweg raises on purpose."""


class InputError(ThalwegError, ValueError):
    """What was given breaks a rule; the message says which, and what to do."""


class TableError(InputError):
    """A table cannot be read or used: the message names file, column, row (from 1, header not counted) and value."""


class FormulaError(InputError):
    """A formula cannot be read; the message ends with its text and, on a line of its own, a caret under the place."""


class FileError(InputError):
    """A file is damaged, cut, hostile or not one of ours."""


class EngineError(InputError):
    """An engine is missing or cannot do what was asked; nothing is substituted silently."""


class TrainingFailed(ThalwegError, ValueError):
    """Training met a non-finite value and `on_failure="raise"` was chosen; `result` is what was reached.

    Also a ValueError, which is what scikit-learn's estimators raise, and its searches expect.
    """

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class DescentFailed(ThalwegError):
    """A walk downhill ran away or broke off and `on_failure="raise"` was chosen; `result` is what was reached."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class ThalwegWarning(UserWarning):
    """Went on, but you should know."""
