"""The page of a job: self-contained, safe with any name, with links that lead somewhere."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jaxfake.inference.job import DetectionJob, run_job
from jaxfake.inference.report import page
from jaxfake.inference.report.page import write_page
from tests.data.preparation import stand_in


class Seen(HTMLParser):
    """Tags, anchors, links and sources of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.ids, self.links, self.sources = set(), set(), [], []
        self.handlers = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.ids.add(given.get("id"))
        self.handlers += [name for name in given if name.startswith("on")]
        if "href" in given:
            self.links.append(given["href"])
        if "src" in given:
            self.sources.append(given["src"])


@pytest.fixture
def found(detector, tmp_path: Path):
    folder = tmp_path / "asked"
    stand_in.clip(folder / '"><script>alert(1)</script>.mp4', 1)
    stand_in.picture(folder / "<img src=x onerror=alert(1)>.png", 2)
    return run_job(DetectionJob((folder,), tmp_path / "out"), detector)


def seen(tmp_path):
    text = (tmp_path / "out" / "report.html").read_text()
    parser = Seen()
    parser.feed(text)
    return text, parser


def test_names_of_files_do_no_harm(found, tmp_path):
    text, parser = seen(tmp_path)
    assert "script" not in parser.tags
    assert parser.handlers == []
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in text


def test_everything_is_inside_of_the_page(found, tmp_path):
    text, parser = seen(tmp_path)
    assert parser.sources
    assert all(source.startswith("data:image/") for source in parser.sources)
    assert "http" not in re.sub(r"http-equiv|data:[^\"]*", "", text)
    assert "default-src 'none'" in text


def test_each_mark_of_a_timeline_leads_to_its_frame(found, tmp_path):
    _, parser = seen(tmp_path)
    assert len([link for link in parser.links if link.startswith("#file")]) == 3
    assert all(link.removeprefix("#") in parser.ids for link in parser.links)


def test_verdicts_limits_and_card_are_there(found, tmp_path):
    text, _ = seen(tmp_path)
    for one in found.files:
        assert one.verdict.words.replace("'", "&#39;") in text
    for heading in ("What this can and cannot tell", "Model card", "How it was scored"):
        assert f"<h2>{heading}</h2>" in text


def test_a_detector_without_a_map_does_not_claim_one(found, tmp_path):
    text, _ = seen(tmp_path)
    assert "what it recovered" in text
    assert "draws no map" not in text
    files = [
        dataclasses.replace(
            one, tracks=[dataclasses.replace(track, columns=("input",)) for track in one.tracks]
        )
        for one in found.files
    ]
    alone = dataclasses.replace(found, files=files)
    write_page(tmp_path / "out" / "report.html", alone, tmp_path / "out")
    text, _ = seen(tmp_path)
    assert "what it recovered" not in text
    assert "draws no map" in text


def test_a_page_has_so_many_bytes_of_pictures_and_no_more(found, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_PICTURE_BYTES", 1500)
    write_page(tmp_path / "out" / "report.html", found, tmp_path / "out")
    text, parser = seen(tmp_path)
    assert 0 < len("".join(parser.sources)) < 2500
    assert all(link.removeprefix("#") in parser.ids for link in parser.links)
    assert "Model card" in text
