import re
from html.parser import HTMLParser

import numpy as np
import pytest

from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.evaluation import zero_shot
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.recovery import AUTOENCODER, PartError, RecoveryTable
from jaxfake.reporting import figures
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.recovered_strips import COLUMNS
from jaxfake.reporting.recovery_section import recovery_highlights, recovery_section
from jaxfake.reporting.strips import Strip
from jaxfake.reporting.training.goodput_section import goodput_section
from jaxfake.reporting.training.training_log import read_log
from jaxfake.reporting.training.training_section import training_section
from jaxfake.reporting.zero_shot_section import (
    zero_shot_highlight,
    zero_shot_section,
    zero_shot_sentences,
)

EVIL = "<script>alert('$x$')</script>"


class Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]

    def handle_data(self, data):
        self.words.append(data)


def part_error(error):
    interval = Interval(error * 0.9, error * 1.1)
    return PartError(error, interval, 12.0, Interval(-0.01, 0.02))


@pytest.fixture
def table():
    errors = {
        name: {part: part_error(error) for part in ("eyes", "cheek_nose", "lips", "all parts")}
        for name, error in ((AUTOENCODER, 0.05), ("mean face", 0.2), ("mirror", 0.1))
    }
    return RecoveryTable(errors, 8, 9, 4, 3, 16, "test")


def measured(dataset):
    scores = np.random.default_rng(0).normal(size=len(dataset))
    frames = FrameScores(np.arange(len(dataset)), scores, {"error_max": scores * 2})
    return zero_shot.measure(dataset, frames)


def written(path, result, table, log):
    pixels = np.zeros((16, 64, 3), np.uint8)
    strips = {
        "real": [Strip("a face", 0.1, COLUMNS, pixels)],
        EVIL: [Strip(EVIL, 0.2, COLUMNS, pixels)],
    }
    sections = (
        recovery_section(table, strips),
        zero_shot_section(result),
        training_section("recover", log),
    )
    highlights = (zero_shot_highlight(result), *recovery_highlights(table))
    summary = (zero_shot_sentences(result),)
    facts = (("config", EVIL),)
    write_report(path, Report("A run", summary, highlights, facts, sections))
    return path.read_text()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "metrics.jsonl"
    rows = [f'{{"stage": "recover", "step": {n}, "loss": {1 / n}}}' for n in (1, 2)]
    cut_short = '{"stage": "recover", "st'
    other = '{"stage": "detect", "step": 3, "loss": 9}'
    failed = '{"stage": "recover", "step": 4, "loss": null, "faces_per_second": 80.0}'
    path.write_text("\n".join([*rows, other, failed, cut_short]))
    return read_log(path, "recover")


def test_the_page_fetches_nothing_and_runs_nothing(make_dataset, table, log, tmp_path):
    dataset = make_dataset([("real", "a", 0, 2), ("real", "b", 0, 2), (EVIL, "a", 1, 2)])
    text = written(tmp_path / "report.html", measured(dataset), table, log)
    page = Page(text)
    assert len(page.links) >= 6
    within = [link for link in page.links if link.startswith("#section-")]
    assert all(link.startswith("data:image/") for link in page.links if link not in within)
    assert within  # the contents
    assert all(text.count(f'<section id="{link[1:]}">') == 1 for link in within)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "//" not in re.sub(r'"data:[^"]*"', "", text)
    assert EVIL in "".join(page.words)  # shown, as text


def test_numbers_and_counts_are_on_the_page(dataset, table, log, tmp_path):
    result = measured(dataset)
    words = " ".join(Page(written(tmp_path / "r.html", result, table, log)).words)
    auc = result.headline.overall.video.auc
    assert f"{auc.value:.3f} (95 % interval {auc.ci95.low:.3f} to {auc.ci95.high:.3f}" in words
    assert "4 real and 6 fake videos" in words
    assert "0.0500 (12.0)" in words
    assert "error_max" in words


def test_the_account_of_the_time_is_on_the_page(dataset, table, log, tmp_path):
    walls = {
        "recover": WallTime(useful=60, compile=15, lost=25, interruptions=3),
        EVIL: WallTime(useful=100),
    }
    section = goodput_section(walls)
    path = tmp_path / "r.html"
    write_report(path, Report("A run", (), (), (), (section,)))
    words = " ".join(Page(path.read_text()).words)
    assert "Goodput: 80.0% of 200 s" in words
    assert "Interruptions: 3." in words
    assert "25.0 s (25.0%)" in words
    assert goodput_section({}) is None


def test_reals_alone_make_a_page_too(make_dataset, table, tmp_path):
    dataset = make_dataset([("real", "a", 0, 2), ("real", "b", 0, 2)])
    empty = read_log(tmp_path / "none.jsonl", "recover")
    text = written(tmp_path / "report.html", measured(dataset), table, empty)
    assert "undefined" in text
    assert "no video AUC" in text


def test_training_log_keeps_whole_rows_of_its_stage(log):
    assert log.step.tolist() == [1, 2, 4]
    np.testing.assert_array_equal(log.loss, [1.0, 0.5, np.nan])
    np.testing.assert_array_equal(log.faces_per_second, [np.nan, np.nan, 80.0])


def test_the_same_numbers_draw_the_same_bytes():
    aucs = {
        "one": Auc(0.7, Interval(0.6, 0.8), 3, 3, 3, 3),
        "two $x$": Auc(Undefined("none"), Undefined("none"), 0, 3, 0, 3),
    }
    assert figures.auc_bars(aucs) == figures.auc_bars(aucs)
