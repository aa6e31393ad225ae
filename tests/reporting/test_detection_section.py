import numpy as np
import pytest

from jaxfake.evaluation import detection
from jaxfake.evaluation.predict import FrameScores
from jaxfake.reporting.detection_section import detection_section, ranked_rows
from jaxfake.reporting.html import Gallery
from tests.in_memory import random_scores
from tests.reporting.strips_of import strips_of


def test_the_gallery_goes_from_most_real_to_most_fake(make_dataset):
    dataset = make_dataset([("real", f"{n:02}", 0, 3) for n in range(20)])
    middle = np.random.default_rng(0).permutation(20) / 20
    score = (middle[:, None] + [-0.03, 0.001, 0.02]).ravel()
    frames = FrameScores(np.arange(60), np.clip(score, 0, 1), {})
    result = detection.measure(dataset, frames, "mean")
    ((title, rows),) = ranked_rows(result, 5).items()
    shown = [int(place) for place in np.argsort(middle)[[0, 5, 10, 14, 19]]]
    assert (rows // 3).tolist() == shown
    assert set(rows[1:] % 3) == {1}  # nearest to the mean of its video
    section = detection_section(result, "Mover", strips_of(dataset, {title: rows}))
    (gallery,) = (block for block in section.blocks if isinstance(block, Gallery))
    assert gallery.columns == ("input",)
    notes = [picture.note for picture in gallery.groups[0].pictures]
    values = [float(note.split()[2].rstrip(",")) for note in notes]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(result.videos.score.max(), abs=1e-3)


def test_fewer_videos_than_places_are_all_shown_once(dataset):
    result = detection.measure(dataset, random_scores(dataset), "mean")
    (rows,) = ranked_rows(result, 99).values()
    assert len(set(rows // 2)) == 10
