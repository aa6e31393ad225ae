"""The record of a detection: it is right until something is changed, and then says what."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jaxfake.inference import record, signature
from jaxfake.inference.job import DetectionJob, run_job
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in


@pytest.fixture
def out(detector, tmp_path: Path) -> Path:
    """Results of a photograph, a clip of frames and a broken file, with a record."""
    folder = tmp_path / "asked"
    stand_in.picture(folder / "anna.png", 1)
    (folder / "broken.jpg").write_bytes(b"nonsense")
    for number in range(3):
        stand_in.picture(folder / "clip" / f"frame_{number}.png", number)
    run_job(DetectionJob((folder,), tmp_path / "out", record=True), detector)
    return tmp_path / "out"


def first_picture(out: Path) -> Path:
    return sorted((out / "pictures").rglob("*_strip.png"))[0]


def test_nothing_has_changed_at_first(out):
    found = record.verify(out)
    assert found.changed == ()
    assert found.unchecked == ()
    assert found.last == record.read_record(out).last


def _in_results(out: Path, change) -> None:
    path = out / "results.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_changed_result_is_named(out):
    _in_results(out, lambda it: it["files"][0]["tracks"][0].update(score=0.25))
    changed = record.verify(out).changed
    assert any("what results.json says of" in one and "anna.png" in one for one in changed)
    assert "results.json was changed" in changed
    assert not any("clip" in one for one in changed)


def test_changed_settings_are_named(out):
    _in_results(out, lambda it: it["runtime"]["options"].update(frames=1))
    assert any("the detector, versions or options" in one for one in record.verify(out).changed)


def test_a_changed_or_deleted_picture_is_named(out):
    name = first_picture(out).relative_to(out).as_posix()
    first_picture(out).write_bytes(b"other")
    assert record.verify(out).changed == (f"{name} was changed",)
    first_picture(out).unlink()
    assert record.verify(out).changed == (f"{name} is gone or damaged",)


def test_a_changed_input_is_named_and_one_that_was_moved_is_not_checked(out, tmp_path):
    stand_in.picture(tmp_path / "asked" / "clip" / "frame_1.png", 9)
    (changed,) = record.verify(out).changed
    assert changed == f"{tmp_path / 'asked' / 'clip'} was changed"
    (tmp_path / "asked" / "clip").rename(tmp_path / "elsewhere")
    found = record.verify(out)
    assert found.changed == ()
    assert found.unchecked == (f"{tmp_path / 'asked' / 'clip'}: it is not there, or not by itself",)


@pytest.mark.parametrize("key", ["sha256", "name", "kind"])
def test_the_chain_shows_a_change_of_itself(out, key):
    path = out / record.FILE
    content = json.loads(path.read_text())
    content["links"][1][key] += "x"
    path.write_text(json.dumps(content))
    assert record.verify(out).changed[0] == "the record itself was changed at its link 2"


def test_nothing_outside_of_the_folder_is_opened(out, tmp_path):
    path = out / record.FILE
    content = json.loads(path.read_text())
    content["links"][-1]["name"] = "../asked/anna.png"
    path.write_text(json.dumps(content))
    assert "../asked/anna.png is gone or damaged" in record.verify(out).changed


def test_a_folder_without_a_record_says_so(tmp_path):
    with pytest.raises(InputError, match=r"holds no record\.json: give --record"):
        record.verify(tmp_path)


@pytest.fixture
def keys(tmp_path):
    """Files of a private key and of its public one."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "public.pem").write_bytes(public)
    return tmp_path / "key.pem", tmp_path / "public.pem"


def test_a_signature_is_of_one_record_by_one_key(out, keys, tmp_path):
    private, public = keys
    made = record.read_record(out)
    signature.sign(out, made, private)
    assert signature.fault(out, made, public) == ""
    other = record.Record(made.format, made.version, made.links[:-1])
    assert "is not the signature" in signature.fault(out, other, public)
    (out / signature.FILE).write_text("zz")
    assert "is not the signature" in signature.fault(out, made, public)


def test_a_file_that_is_not_a_key_is_refused(keys, tmp_path):
    (tmp_path / "text").write_text("no key")
    with pytest.raises(InputError, match="not a private key"):
        signature.check_key(tmp_path / "text")
    with pytest.raises(InputError, match="there is no file"):
        signature.check_key(tmp_path / "nothing")
