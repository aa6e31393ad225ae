import numpy as np
import pytest

from jaxfake.evaluation import detection
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.reporting.scores.mistakes_section import mistaken_rows, mistakes_section
from jaxfake.reporting.scores.model_card import model_card
from tests.reporting.strips_of import strips_of


@pytest.fixture
def faces(make_dataset):
    return make_dataset(
        [(m, f"{n}", k, 2) for k, m in enumerate(("real", "lips")) for n in range(6)]
    )


def measured(faces):
    base = np.where(faces.index.label == 1, 0.7, 0.3)
    order = np.array([int(one) for one in faces.index.video_id]) * 0.04
    score = base + order + 0.01 * faces.index.frame
    return detection.measure(faces, FrameScores(np.arange(len(faces)), score, {}), "mean")


def test_the_worst_of_each_class_are_shown_worst_first(faces):
    result = measured(faces)
    chosen = mistaken_rows(result, 3)
    reals, fakes = chosen.values()
    assert [faces.name(row) for row in reals] == [f"toys/real/{n} frame 1" for n in (5, 4, 3)]
    assert [faces.name(row) for row in fakes] == [f"toys/lips/{n} frame 0" for n in (0, 1, 2)]
    section = mistakes_section(result, strips_of(faces, chosen))
    (gallery,) = section.blocks
    assert [group.name for group in gallery.groups] == list(chosen)
    assert gallery.groups[0].pictures[0].note.startswith("video 0.505, this face 0.")


def test_without_a_label_nothing_is_a_mistake(make_dataset):
    unknown = make_dataset([("unknown", f"{n}", -1, 2) for n in range(3)])
    result = measured(unknown)
    chosen = mistaken_rows(result, 3)
    assert all(len(rows) == 0 for rows in chosen.values())
    assert mistakes_section(result, strips_of(unknown, chosen)).blocks == ()


def test_the_model_card_says_what_it_must_not_be_used_for(faces):
    card = model_card("Mover", "toyfaces", measured(faces), Undefined("there are 6 people"))
    rows = dict(card.blocks[0].rows)
    assert "only ground of a decision" in rows["must not be used"]
    assert rows["trained on"] == "toyfaces"
    assert rows["manipulations here"] == "lips"
    assert "Not calibrated: there are 6 people" in rows["strength of evidence"]
