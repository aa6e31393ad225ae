"""A plan that offloads is compared with the plain gradient once for each device and versions."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import gradient_check
from jaxfake.train.memory.gradient_check import check_gradient, relative
from jaxfake.train.memory.plan import uniform
from tests.train.memory.workloads import workload

OFFLOADED = uniform("offload", {"encoder": 2, "decoder": 2}, optimizer="host")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One element for each comparison that is made; each finds a wrong gradient."""
    calls: list[int] = []

    def wrong(*_: Any) -> float:
        calls.append(1)
        return 0.5

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(gradient_check, "difference", wrong)
    return calls


def test_a_wrong_gradient_is_refused_and_remembered(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = workload("recover")
    for _ in range(2):
        with pytest.raises(InputError, match=r"differs from the plain one by 5\.0e-01"):
            check_gradient(of, OFFLOADED)
    assert len(asked) == 1
    monkeypatch.setattr(jax, "__version__", "another")
    with pytest.raises(InputError, match="with JAX another its gradient differs"):
        check_gradient(of, OFFLOADED)
    assert len(asked) == 2


def test_a_plan_that_offloads_nothing_is_not_compared(asked: list[int]) -> None:
    check_gradient(workload("recover"), uniform("full", {"encoder": 2}))
    assert not asked


def test_what_counts_as_a_wrong_gradient() -> None:
    right = [np.ones(4), np.full(3, 2.0)]
    assert relative(right, right) == 0.0
    assert relative(right, [np.ones(4), np.zeros(3)]) == pytest.approx(1.0)
    assert relative(right, [np.ones(4), np.full(3, np.nan)]) == float("inf")
