"""What an evaluation departs in from its protocol is said, and so is what nobody checked."""

import dataclasses

import numpy as np

from jaxfake.evaluation import detection
from jaxfake.evaluation.evidence.protocols.departures import EvaluatedVideos, departures, of_dataset
from jaxfake.evaluation.evidence.protocols.frames import frames_of_videos
from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
from tests.in_memory import build_dataset, random_scores

SETTINGS = {"frames": 32, "subject": "largest", "label": "by the layout of FaceForensics++, c23"}


def ffpp(**changes):
    protocol = load_protocol("ffpp_c23")
    (tested,) = protocol.test
    whole = EvaluatedVideos("ffpp", 140, 560, tested.manipulations, SETTINGS, protocol.attributes)
    return departures(protocol, dataclasses.replace(whole, **changes))


def test_only_what_cannot_be_checked_is_left_of_a_faithful_evaluation():
    assert ffpp() == ["Not checked: that the detector was trained on ffpp c23 alone."]


def test_each_departure_is_named():
    for changes, said in (
        ({"real": 139}, "139 real videos of ffpp, where its list has 140"),
        ({"manipulations": ["Deepfakes", "FaceShifter"]}, "Fakes by FaceShifter"),
        ({"settings": SETTINGS | {"frames": 8}}, "At most 8 frames"),
        ({"settings": SETTINGS | {"subject": "mask"}}, "chosen by 'mask'"),
        ({"settings": SETTINGS | {"label": "by the layout, c40"}}, "of compression c23"),
        ({"settings": {}}, "Not checked: how frames"),
        ({"attributes": ["face_size"]}, "file_bytes"),
    ):
        assert any(said in line for line in ffpp(**changes)), said


def test_what_was_evaluated_is_counted_from_the_results(tmp_path):
    videos = [("real", "a", 0, 2), ("lips", "a", 1, 2), ("eyes", "a", 1, 1)]
    faces = dataclasses.replace(build_dataset(videos), folder=tmp_path / "toys" / "1.0.0")
    result = detection.measure(faces, random_scores(faces), "mean")
    (counted,) = of_dataset(faces, result)
    assert (counted.dataset, counted.real, counted.fake) == ("toys", 1, 2)
    assert counted.manipulations == ["eyes", "lips"]
    assert counted.attributes == []


def test_frames_are_evenly_spaced_within_each_video():
    faces = build_dataset([("real", "a", 0, 9), ("real", "b", 0, 3), ("lips", "a", 1, 4)])
    rows = frames_of_videos(faces.index, 3)
    got = {}
    for row in rows:
        key = faces.index.method[row], faces.index.video_id[row]
        got.setdefault(key, []).append(int(faces.index.frame[row]))
    assert got == {
        ("real", "a"): [0, 4, 8],
        ("real", "b"): [0, 1, 2],
        ("lips", "a"): [0, 2, 3],
    }
    np.testing.assert_array_equal(frames_of_videos(faces.index, 99), np.arange(len(faces)))


def test_a_protocol_may_leave_videos_without_a_face_out(tmp_path, monkeypatch):
    from jaxfake.evaluation import missing_videos

    missing = missing_videos.columns([("toys", "real", "z", "z", 0, "no_face")])
    monkeypatch.setattr(detection, "missing_videos", lambda _: missing)
    faces = dataclasses.replace(
        build_dataset([("real", "a", 0, 2), ("lips", "a", 1, 2)]), folder=tmp_path
    )
    scores = random_scores(faces)
    counted = detection.measure(faces, scores, "mean", no_face="half")
    left_out = detection.measure(faces, scores, "mean", no_face="left_out")
    assert counted.overall.video.auc.n_real == 2
    assert left_out.overall.video.auc.n_real == 1
    assert left_out.coverage.no_face == 1
