"""When to save, on a clock that the test turns."""

import math

import pytest

from jaxfake.config import Checkpoints
from jaxfake.train import save_interval
from jaxfake.train.save_interval import SaveTimer, best_interval

HOUR = 3600.0


class Machine:
    """Training of one second a step, whose saves take as long as they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rule: Checkpoints) -> None:
        self.now = self.worked = self._saving_until = 0.0
        monkeypatch.setattr(save_interval.time, "monotonic", lambda: self.now)
        self.clock = SaveTimer(rule)
        self.saves: list[float] = []

    def train(self, seconds: float, waits: float, writes: float, slower: float = 1.0) -> None:
        """Saves whenever the clock says so; steps take `slower` times as long while one is written."""
        until = self.now + seconds
        while self.now < until:
            saving = self.now < self._saving_until
            if self.clock.due(self.worked, saving):
                self.saves.append(self.now)
                self.now += waits
                self._saving_until = self.now - waits + writes
                self.clock.saving(waits)
            step = slower if self.now < self._saving_until else 1.0
            self.now, self.worked = self.now + step, self.worked + step


@pytest.mark.parametrize(("cost", "between"), [(0.1, HOUR), (2.0, HOUR), (30.0, 2 * HOUR)])
def test_the_interval_is_where_the_expected_loss_is_least(cost: float, between: float) -> None:
    def loss(interval: float) -> float:
        """Of the time, to first order twice: exactly, with exponential interruptions (Daly, 2006)."""
        return math.exp(cost / between) * math.expm1((interval + cost) / between) / interval

    best = best_interval(cost, between)
    assert loss(best) <= min(loss(best * 0.9), loss(best * 1.1))


def test_a_save_dearer_than_the_time_between_interruptions_is_made_once_in_it() -> None:
    assert best_interval(100.0, 40.0) == 40.0


def test_what_a_save_costs_is_the_wait_and_the_slower_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, Checkpoints(2 * HOUR, 1000.0, 3))
    machine.train(1200, waits=0.5, writes=8.5, slower=2.0)
    cost = machine.clock.cost()
    assert cost is not None
    assert cost.waited == 0.5
    assert cost.slowed == pytest.approx(4.0, abs=1.0)  # four steps of two seconds
    assert cost.written == pytest.approx(8.5, abs=2.0)
    between = [
        later - one for one, later in zip(machine.saves[1:], machine.saves[2:], strict=False)
    ]
    assert len(between) >= 2
    assert between == pytest.approx([best_interval(cost.total, 2 * HOUR)] * len(between), rel=0.05)


def test_steps_in_which_the_host_gets_ahead_say_nothing_of_what_a_save_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Long steps: the first ones seem to take no time, and the first save falls between them."""
    machine = Machine(monkeypatch, Checkpoints(2 * HOUR, 1000.0, 3))
    for worked in (0.0, 0.1, 0.2, 4.2, 8.2, 12.2):
        machine.now = worked
        due = machine.clock.due(worked, False)
    assert due
    machine.clock.saving(0.5)
    for worked in (16.2, 20.2, 24.2):
        machine.clock.due(worked, worked < 24)
    cost = machine.clock.cost()
    assert cost is not None
    assert cost.slowed == pytest.approx(0.0)


@pytest.mark.parametrize(("bound", "writes"), [(60.0, 5.0), (60.0, 20.0)])
def test_no_more_work_is_at_risk_than_the_bound(
    monkeypatch: pytest.MonkeyPatch, bound: float, writes: float
) -> None:
    machine = Machine(monkeypatch, Checkpoints(1000 * HOUR, bound, 3))
    machine.train(1000, waits=5.0, writes=writes)
    safe = [0.0, *(save + writes for save in machine.saves)]  # from when on, the state is on disk
    saved = [0.0, *machine.saves]
    at_risk = [later - of for of, later in zip(saved, safe[1:], strict=False)]
    assert max(at_risk) <= bound + 2  # a step or two
    assert len(machine.saves) >= 1000 / bound


def test_a_bound_that_the_disk_cannot_keep_makes_saves_follow_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, Checkpoints(HOUR, 0.0, 3))
    machine.train(100, waits=0.0, writes=10.0)
    between = [later - one for one, later in zip(machine.saves, machine.saves[1:], strict=False)]
    assert min(between) >= 10
    assert max(between) <= 12


def test_the_expected_loss_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, Checkpoints(HOUR, 300.0, 3))
    machine.clock.tell_once(20.0)
    assert capsys.readouterr().out == ""
    machine.train(60, waits=2.0, writes=2.0)
    machine.clock.tell_once(20.0)
    machine.clock.tell_once(20.0)
    said = capsys.readouterr().out
    assert said.count("a save every") == 1
    assert "the loop waits 2.00 s" in said
    every = best_interval(2.0, HOUR)
    lost = 2.0 / every + (every / 2 + 20) / HOUR
    assert float(said.split("loses ")[1].split("%")[0]) == pytest.approx(100 * lost, abs=0.2)
