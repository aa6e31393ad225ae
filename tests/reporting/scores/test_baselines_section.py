"""Whether a detector is above the best of its baselines is said in words, and why one is missing."""

import pytest

from jaxfake.evaluation import detection
from jaxfake.evaluation.evidence.baselines.linear_probe import FittedOn, LinearProbe
from jaxfake.evaluation.evidence.baselines.measured import (
    PROBE_IMPORTED,
    PROBE_STAGE_1,
    RECOVERY_RAW,
    Baseline,
)
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.paired_auc import AucDifference
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting.scores.baselines_section import (
    baselines_highlight,
    baselines_section,
    baselines_sentences,
)
from tests.in_memory import random_scores

PROBE = LinearProbe((1.0,), 0.0, 0.01, 0.62, FittedOn("n", "", "", 900, 800, 7, 6))


def baseline(value, low, probe=None):
    above = AucDifference(low + 0.05, Interval(low, low + 0.1), 0.04, seeds_counted=False)
    return Baseline(Auc(value, Interval(value - 0.1, value + 0.1), 30, 40, 20, 20), above, probe)


def test_the_best_of_them_decides():
    weak, strong = baseline(0.6, 0.2), baseline(0.8, -0.02)
    (said,) = baselines_sentences({RECOVERY_RAW: weak, PROBE_STAGE_1: strong}, "mover")
    assert "recovery error alone, raw 0.600, linear probe on stage 1 0.800." in said
    assert "mover is not clearly above the best of them: +0.030 (95 % interval -0.020" in said
    (said,) = baselines_sentences({RECOVERY_RAW: weak}, "mover")
    assert "mover is above the best of them by +0.250" in said
    (highlight,) = baselines_highlight({RECOVERY_RAW: weak, PROBE_STAGE_1: strong})
    assert (highlight.value, highlight.name) == ("0.800", "video AUC, best baseline")


@pytest.fixture
def found(dataset):
    return detection.measure(dataset, random_scores(dataset), "mean")


def test_the_section_has_a_row_each_and_says_what_is_missing(found):
    baselines = {
        RECOVERY_RAW: Undefined("stage 1 is not at hand"),
        PROBE_STAGE_1: baseline(0.7, 0.1, PROBE),
        PROBE_IMPORTED: Undefined("it was finetuned"),
    }
    (section,) = baselines_section(baselines, found, "mover")
    text = " ".join(section.paragraphs)
    assert "Not measured: recovery error alone, raw: stage 1 is not at hand." in text
    assert "Not measured: linear probe on the imported network: it was finetuned." in text
    assert "fitted on 900 real and 800 fake training faces" in text
    assert "(C 0.01) was chosen on validation, where it has a face AUC of 0.620" in text
    (table,) = section.blocks
    assert [row[0] for row in table.rows] == ["mover", "linear probe on stage 1"]
    assert table.rows[1][1:5] == ("0.700", "0.600 to 0.800", "+0.150", "0.100 to 0.200")


def test_nothing_is_said_where_there_is_nothing(found):
    assert baselines_section({}, found, "mover") == ()
    assert baselines_sentences({}, "mover") == []
    assert baselines_sentences({RECOVERY_RAW: Undefined("no")}, "mover") == []
    assert baselines_highlight({RECOVERY_RAW: Undefined("no")}) == ()


def test_an_undefined_auc_is_not_the_best():
    nothing = Auc(Undefined("one class"), Undefined("one class"), 0, 4, 0, 4)
    one = Baseline(nothing, Undefined("one class"))
    assert "None has an AUC here." in baselines_sentences({RECOVERY_RAW: one}, "mover")[0]
    assert baselines_highlight({RECOVERY_RAW: one}) == ()
