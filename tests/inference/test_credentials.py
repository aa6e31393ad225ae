"""Content credentials, as the library gives them, in short; and where they are shown."""

from pathlib import Path

import pytest

from jaxfake.inference import credentials, reading
from jaxfake.inference.job import DetectionJob, run_job
from tests.data.preparation import stand_in

STORE = {
    "active_manifest": "urn:1",
    "validation_state": "Valid",
    "manifests": {
        "urn:1": {
            "claim_generator_info": [{"name": "a tool", "version": "1"}],
            "signature_info": {"issuer": "Somebody\x1b[2J" + "x" * 500, "time": "2026-01-01"},
            "assertions": [
                {"label": "c2pa.hash.data", "data": {}},
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "digitalSourceType": "http://x/trainedAlgorithmicMedia",
                            }
                        ]
                    },
                },
            ],
        }
    },
}


def test_they_are_given_in_short_with_bounded_texts():
    found = credentials._in_short(STORE)
    assert found["state"] == "Valid"
    assert found["signed_by"].startswith(r"Somebody\x1b[2Jx")
    assert len(found["signed_by"]) == 200
    assert found["made_with"] == ["a tool"]
    assert found["actions"] == ["c2pa.created (trainedAlgorithmicMedia)"]


@pytest.mark.parametrize("store", [{}, {"manifests": {}}, {"active_manifest": "x"}])
def test_a_store_without_a_manifest_says_little(store):
    assert credentials._in_short(store)["made_with"] == []


def test_without_the_library_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "are_read", lambda: False)
    stand_in.picture(tmp_path / "a.png", 1)
    assert credentials.read(tmp_path / "a.png") is None


def test_results_and_page_show_them(detector, tmp_path: Path, monkeypatch):
    short = credentials._in_short(STORE)
    monkeypatch.setattr(
        reading.credentials, "read", lambda path: short if path.name == "a.png" else None
    )
    for number, name in enumerate(("a.png", "b.png")):
        stand_in.picture(tmp_path / "asked" / name, number)
    found = run_job(DetectionJob((tmp_path / "asked",), tmp_path / "out"), detector)
    assert [one.credentials for one in found.files] == [short, None]
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("Content credentials: Valid, signed by Somebody") == 1
