"""Where the time went: nothing is counted twice, and what was lost is said."""

import dataclasses
import json
import time
from pathlib import Path

import pytest

from jaxfake.checkpoints.wall_time import WallTime, wall_time_of
from jaxfake.train import goodput
from jaxfake.train.goodput import TimeAccount, after_interruption


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(goodput.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_every_second_is_in_one_place(clock: Clock, tmp_path: Path) -> None:
    account = TimeAccount(tmp_path / "heartbeat.json", since=990.0)
    for price, seconds in (("restore", 2.0), ("compile", 5.0), ("data_wait", 1.0)):
        with account.booking(price):  # type: ignore[arg-type]
            clock.now += seconds
    clock.now += 40
    with account.booking("save"):
        clock.now += 0.5
    wall = account.so_far()
    assert wall == WallTime(useful=40, start=10, restore=2, compile=5, data_wait=1, save=0.5)
    assert wall.total == clock.now - 990
    assert account.restart == 17
    assert account.working == 41


def test_what_was_done_after_the_save_is_lost_and_the_rest_is_kept(
    clock: Clock, tmp_path: Path
) -> None:
    heartbeat = tmp_path / "heartbeat.json"
    account = TimeAccount(heartbeat, since=clock.now)
    clock.now += 30
    saved = account.so_far()
    clock.now += 12
    with account.booking("data_wait"):
        clock.now += 3
    account.beat()
    killed = clock.now
    after = after_interruption(saved, heartbeat)
    assert after == WallTime(useful=30, data_wait=3, lost=12, interruptions=1)
    clock.now += 10_000  # nobody lives
    again = TimeAccount(heartbeat, since=clock.now)
    again.continue_from(after)
    clock.now += 5
    assert again.so_far().total == (killed - 1000) + 5
    assert again.so_far().useful == 35


def test_the_heartbeat_is_written_once_a_second(clock: Clock, tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat.json"
    account = TimeAccount(heartbeat, since=clock.now)
    account.beat()
    first = heartbeat.read_bytes()
    clock.now += 0.9
    account.beat()
    assert heartbeat.read_bytes() == first
    clock.now += 0.2
    account.beat()
    assert heartbeat.read_bytes() != first


@pytest.mark.parametrize("damage", [b"", b"{", b'{"content": {"useful": 9}, "sha256": "0"}', None])
def test_without_its_heartbeat_nothing_is_made_up(tmp_path: Path, damage: bytes | None) -> None:
    if damage is not None:
        (tmp_path / "heartbeat.json").write_bytes(damage)
    saved = WallTime(useful=30, lost=2, interruptions=4)
    assert after_interruption(saved, tmp_path / "heartbeat.json") == dataclasses.replace(
        saved, interruptions=5
    )


def test_a_disk_that_refuses_the_heartbeat_does_not_stop_training(tmp_path: Path) -> None:
    account = TimeAccount(tmp_path / "missing" / "heartbeat.json", since=time.monotonic())
    account.beat()
    assert not (tmp_path / "missing").exists()


def test_a_row_of_metrics_gives_the_account_back() -> None:
    wall = WallTime(useful=3, compile=2, lost=1, interruptions=2)
    row = json.loads(json.dumps({"stage": "recover", "step": 3, **wall.columns()}))
    assert wall_time_of(row) == wall
    assert wall_time_of({"stage": "recover", "step": 3}) is None
