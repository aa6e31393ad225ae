"""A source file goes to another machine and back as it was."""

import dataclasses
import json
from pathlib import Path

from jaxfake.data import source_json
from jaxfake.data.layouts.listing import SourceFile


def comes_back(source: SourceFile) -> None:
    line = json.dumps(source_json.to_json(source))
    assert source_json.from_json(json.loads(line)) == source


def test_a_clip_comes_back():
    path, mask = Path("/a\nb\udcff.mp4"), Path("/m.mp4")
    comes_back(SourceFile(path, "b", 1, "Swap", "id", "v", mask=mask))


def test_a_clip_of_several_pictures_comes_back():
    frames, masks = (Path("/v/1.png"), Path("/v/2.png")), (Path("/m/1.png"), Path("/m/2.png"))
    clip = SourceFile(Path("/v"), "v", 1, "Swap", "id", "v", mask=masks, frames=frames)
    comes_back(dataclasses.replace(clip, original=Path("/o"), linked=("donor",)))


def test_a_relative_path_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = SourceFile(Path("a.mp4"), "a.mp4", 0, "real", "a", "a", frames=(Path("b.png"),))
    found = source_json.from_json(source_json.to_json(source))
    assert found.path == tmp_path / "a.mp4"
    assert found.frames == (tmp_path / "b.png",)
    assert found.mask is None
