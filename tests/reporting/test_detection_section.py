import numpy as np
import pytest

from jaxfake.evaluation import detection
from jaxfake.evaluation.predict import FrameScores
from jaxfake.reporting.detection_section import detection_section, plain_words, ranked_rows
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


def measured(make_dataset, score_of_fakes: float, reals: int = 30):
    """Scores of reals from 0 to 1, and fakes that all have one score."""
    videos = [("real", f"{n:02}", 0, 1) for n in range(reals)]
    videos += [("lips", f"{n:02}", 1, 1) for n in range(30)]
    score = np.append(np.linspace(0, 1, reals), np.full(30, score_of_fakes))
    frames = FrameScores(np.arange(len(videos)), score, {})
    return detection.measure(make_dataset(videos), frames, "mean")


def test_the_result_is_said_in_plain_words(make_dataset):
    (good,) = plain_words(measured(make_dataset, 0.9))
    assert "takes the right one for the fake in 90 of 100 pairs; guessing does so in 50." in good
    assert "it finds 0 of 100 fakes" in good
    assert "not shown to be better" not in good
    assert good.endswith("must not be the only ground of a decision about a person.")
    (chance,) = plain_words(measured(make_dataset, 0.55))
    assert "So it was not shown to be better than guessing." in chance
    assert plain_words(measured(make_dataset, 0.9, reals=0)) == []


def test_fewer_videos_than_places_are_all_shown_once(dataset):
    result = detection.measure(dataset, random_scores(dataset), "mean")
    (rows,) = ranked_rows(result, 99).values()
    assert len(set(rows // 2)) == 10
