"""The plan verb: what it says of wrong flags; its table and its JSON of a stage."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.experiment import memory_plan
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import GIB, Budget
from jaxfake.train.memory.cost import cost
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.rates import CARDS
from tests.project import ROOT
from tests.train.memory.synthetic import RATES, profile

KNOWN = profile()
BUDGET = Budget(1.5e9, 1e12, offload=False)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaxfake.plan", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("flag", "message"), [("--memroy=1GiB", "memroy"), ("--json", "--config is missing")]
)
def test_a_wrong_flag_is_one_line_and_exit_2(flag: str, message: str) -> None:
    done = _run(flag)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_card_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="--card must be one of 'T4 16 GB'"):
        memory_plan._card("Voodoo 2")


def test_each_card_is_found_by_the_name_that_its_driver_gives() -> None:
    names = ("Tesla T4", "NVIDIA GeForce RTX 4090", "NVIDIA A100-SXM4-40GB", "NVIDIA H200")
    for name, own in zip(names, ("t4", "4090", "a100", "h200"), strict=True):
        found = [card.driver_name for card in CARDS if card.driver_name in name.lower()]
        assert set(found) == {own}


def test_the_table_says_everything_and_marks_it_predicted() -> None:
    stage = memory_plan.described("recover", KNOWN, RATES, "a device", BUDGET, 1, "float32")
    table = memory_plan.table(stage)
    best = search.best(KNOWN, RATES, BUDGET)[0]
    assert "All figures are predicted" in table
    assert str(best.plan) in table
    least = search.smallest_budget(KNOWN, offload=False) / GIB
    assert f"the smallest memory that would do: {least:.2f} GiB" in table
    for card in CARDS:
        assert card.name in table
    values = stage.values
    assert values["predicted"]
    assert values["plans"][0]["plan"] == str(best.plan)
    assert values["plans"][0]["device"] == best.cost.device <= BUDGET.usable


def test_a_card_on_which_nothing_fits_is_told_so() -> None:
    huge = profile(arguments=int(2e10), moments=int(1e6))
    stage = memory_plan.described(
        "recover", huge, RATES, "a device", Budget(1e12, 1e12, False), 1, "float32"
    )
    small, *_, large = stage.values["cards"]
    assert "the smallest budget that would is" in small["why_not"]
    assert "does not fit" in memory_plan.table(stage)
    assert large["plan"]


def test_the_largest_batch_just_fits() -> None:
    most = memory_plan.most_faces(KNOWN, Plan(), BUDGET)
    needs = [cost(KNOWN.for_faces(faces), RATES, Plan()).device for faces in (most, most + 1)]
    assert needs[0] <= BUDGET.usable < needs[1]
    assert memory_plan.most_faces(KNOWN, Plan(), BUDGET._replace(device=1.0)) == 0


def test_timelines_are_drawn(tmp_path: Path) -> None:
    stage = memory_plan.described("recover", KNOWN, RATES, "a device", BUDGET, 1, "float32")
    memory_plan.draw([stage], tmp_path / "new")
    assert (tmp_path / "new" / "recover.svg").read_bytes().startswith(b"<?xml")
