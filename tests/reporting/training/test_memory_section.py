"""The report shows the simulated timeline of a stage that was trained under a plan."""

from pathlib import Path

import pytest

from jaxfake.experiment import job
from jaxfake.experiment.results.frozen_params import NO_STAGE_ONE, FrozenParams
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.training.training_section import memory_section
from jaxfake.train.memory import choose
from jaxfake.train.memory.cost import iteration
from jaxfake.train.memory.plan import uniform
from tests.tiny import tiny_config
from tests.train.memory.synthetic import RATES, profile

KNOWN = profile()
PLAN = uniform("full", KNOWN.depths, optimizer="host")


def test_both_orders_are_drawn_and_their_overlap_is_stated(tmp_path: Path) -> None:
    section = memory_section("recover", str(PLAN), iteration(KNOWN, RATES, PLAN))
    (words,) = section.paragraphs
    assert "optimizer=host" in words
    assert "in naive order" in words
    shares = [word for word in words.split() if word.endswith("%")]
    assert len(shares) == 2
    ahead, naive = (float(share.rstrip("%")) for share in shares)
    assert ahead > naive
    report = Report("a run", (), (), (), (section,))
    write_report(tmp_path / "report.html", report)
    assert "A simulation, not a measurement." in (tmp_path / "report.html").read_text()


def test_a_run_without_a_plan_has_no_such_section(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny_config(tiny_root)
    assert run.memory == choose.OFF
    outcome = job.Outcome(None, None, "nothing", FrozenParams(NO_STAGE_ONE, None))
    assert list(job._memory_sections(run, outcome)) == []
