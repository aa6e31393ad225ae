"""The server with the detector itself: the contract between the two."""

import tarfile

import cv2
import pytest

from jaxfake.serving.jobs import detector_command
from tests.data.drawn import drawn_photo
from tests.project import ROOT
from tests.serving.conftest import PATIENT


@pytest.mark.usefixtures("face_models")
def test_the_detector_scores_a_sent_picture(serving, tmp_path):
    with tarfile.open(ROOT / "tests" / "golden" / "earlier_run.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    command = detector_command.detect_command(str(tmp_path / "finished"), PATIENT)
    with serving(command=command) as served:
        person = served.person()
        picture = cv2.imencode(".png", drawn_photo(1)[..., ::-1])[1].tobytes()
        job = person.ended(person.send(picture, name="toy person.png").json()["id"])
        assert (job["state"], job["message"]) == ("done", "")
        assert job["answer"] in ("fake", "real", "cannot_tell")
        results = person.client.get(f"/api/jobs/{job['id']}/results").json()
        assert results["schema"] == "jaxfake.results"
        [file] = results["files"]
        assert file["verdict"]["words"] == job["words"]
        assert job["notes"] == [one["sentence"] for one in results["runtime"]["degraded"]]
        report = person.client.get(f"/api/jobs/{job['id']}/report").text
        assert job["words"][:40] in report
        assert "<script" not in report
        for said in (report, str(results)):
            assert str(served.folder) not in said
