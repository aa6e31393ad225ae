"""What a reader learns of single cues beside the detector."""

import pytest

from jaxfake.evaluation.evidence.probes import Probe
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting.confounds_section import probes_section, probes_sentence


def auc(value: float, width: float = 0.03) -> Auc:
    return Auc(value, Interval(value - width, value + width), 100, 200, 100, 100)


CUES = (Probe("asymmetry", auc(0.52)), Probe("landmarks", auc(0.6)))


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (0.9, "Mover is better than the best single cue (landmarks: 0.600)"),
        (0.64, "Mover is not clearly better than the best single cue (landmarks: 0.600)"),
        (0.4, "Mover is not clearly better"),
    ],
)
def test_the_detector_is_compared_with_the_best_cue(measured: float, expected: str) -> None:
    assert probes_sentence(CUES, "Mover", auc(measured)).startswith(expected)


def test_the_table_begins_with_the_detector() -> None:
    (table,) = probes_section(CUES, "Mover", auc(0.9)).blocks
    assert [row[:2] for row in table.rows] == [
        ("Mover", "0.900"),
        ("asymmetry", "0.520"),
        ("landmarks", "0.600"),
    ]


def test_a_reason_stands_where_nothing_was_measured() -> None:
    section = probes_section(Undefined("no faces"), "Mover", auc(0.9))
    assert section.paragraphs == ("Not measured: no faces.",)
    none = (Probe("asymmetry", Auc(Undefined("one class"), Undefined("one class"), 0, 9, 0, 9)),)
    assert "all of one class" in probes_sentence(none, "Mover", auc(0.9))
