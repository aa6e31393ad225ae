"""The plan verb: what it says of itself and of wrong flags; its table of a stage."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.experiment import memory_plan
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import costs, search
from jaxfake.train.memory.cards import CARDS
from jaxfake.train.memory.plan import uniform
from jaxfake.train.memory.search import Budget
from tests.train.memory.synthetic import SPEED, profile

ROOT = Path(__file__).parents[1]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaxfake.plan", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--memroy=1GiB", "memroy"),
        ("--config=configs/none.py", "configs/none.py"),
        ("--json", "--config is missing"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_2(flag: str, said: str) -> None:
    done = _run(flag)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_card_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="--card must be one of 'T4 16 GB'"):
        memory_plan._card("Voodoo 2")


def test_each_card_is_found_by_the_name_that_its_driver_gives() -> None:
    names = ("Tesla T4", "NVIDIA GeForce RTX 4090", "NVIDIA A100-SXM4-40GB", "NVIDIA H200")
    for name, words in zip(names, ("t4", "4090", "a100", "h200"), strict=True):
        assert any(card.words == words and card.words in name.lower() for card in CARDS)


def test_tables_and_json_say_the_same() -> None:
    known = profile()
    budget = Budget(1.5e9, 1e12, offload=False)
    plans = search.best(known, SPEED, budget)
    stage = memory_plan.StagePlans(
        "recover",
        "a device",
        known.faces,
        budget,
        plans,
        costs.cost(known, SPEED, uniform("none", known.depths)),
        search.smallest_budget(known, offload=False),
        (99, 11),
        [
            memory_plan.OnCard(CARDS[0], plans[0], "", 11),
            memory_plan.OnCard(CARDS[1], None, "no", 0),
        ],
        memory_plan._timelines(known, SPEED, plans[0].plan),
    )
    table = memory_plan.as_tables([stage])
    assert "all figures predicted" in table
    assert str(plans[0].plan) in table
    assert "most faces at once: 99 with plan 1, 11 without a plan" in table
    said = json.loads(memory_plan.as_json([stage]))["stages"][0]
    assert said["plans"][0]["plan"] == str(plans[0].plan)
    assert said["cards"][1]["why_not"] == "no"
