"""For every rule of every check: something to boot that breaks it, and the same thing when it does not.

One module for each family, with its name and `CASES`: the id of each of its rules, and the case. Nothing else names
them: `tests/unit/checks/test_rules.py` takes them from here, and fails for a rule that has none.

    CASES = {
        "modules.nested": Case(
            breaks=of(kernel_=make.kernel(), modules_=make.modules(below="lib/modules/6.1")),
            keeps=of(kernel_=make.kernel(), modules_=make.modules()),
        ),
    }

The two differ in nothing but what the rule is about.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bootworthy.checks.subject import Subject
from bootworthy.host import registry
from tests import check_trees as make

Maker = Callable[[Path], Subject]
"""Makes something to boot, with its files in a folder."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two things to boot; a rule is about their difference."""

    breaks: Maker
    keeps: Maker


def of(**given: Any) -> Maker:
    """What `check_trees.subject` makes of these arguments; others are fields of the `Subject` that it does not set."""
    arguments = {name: given.pop(name) for name in [*given] if name in inspect.signature(make.subject).parameters}
    return lambda folder: replace(make.subject(folder, **arguments), **given)


def known() -> dict[str, dict[str, Case]]:
    """The cases of every family, by its name."""
    return registry.scan("tests.check_cases", "CASES", dict)
