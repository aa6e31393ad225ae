"""`report.html`: one self-contained file of sections, each with paragraphs, figures, tables and galleries.

Nothing here depends on a stage or a method.
"""

import base64
import dataclasses
from pathlib import Path
from typing import ClassVar

import cv2
import jinja2
import numpy as np

from jaxfake.runtime.files import write_atomically


@dataclasses.dataclass(frozen=True)
class Figure:
    """A plot. The caption says how to read it."""

    kind: ClassVar[str] = "figure"
    title: str
    caption: str
    source: str  # data: URI, see `svg_source`, `png_source`


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of text under a header; the first column names the row."""

    kind: ClassVar[str] = "table"
    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first_row_leads: bool = False  # shown in bold: the row that the others are compared with
    wraps: bool = False  # cells are sentences, not numbers


@dataclasses.dataclass(frozen=True)
class Picture:
    """One picture of a gallery."""

    name: str
    note: str
    source: str


@dataclasses.dataclass(frozen=True)
class PictureGroup:
    """Pictures under a common heading."""

    name: str
    pictures: tuple[Picture, ...]


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Groups of pictures, under a line that names the columns of every picture."""

    kind: ClassVar[str] = "gallery"
    title: str
    caption: str
    columns: tuple[str, ...]
    groups: tuple[PictureGroup, ...]


@dataclasses.dataclass(frozen=True)
class TimelinePoint:
    """One mark of a timeline."""

    x: float  # 0..1, from left to right
    y: float  # 0..1, upwards
    label: str  # shown when the mark is pointed at, and read aloud
    target: str  # anchor of a small picture that the mark leads to; '' for none


@dataclasses.dataclass(frozen=True)
class TimelineSeries:
    """What is followed over time; each has a shape and a colour of its own."""

    name: str
    points: tuple[TimelinePoint, ...]


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Values from 0 to 1 over time, each mark a link."""

    kind: ClassVar[str] = "timeline"
    title: str
    caption: str
    ticks: tuple[tuple[float, str], ...]  # of the horizontal axis: place, 0 or 1, and text
    series: tuple[TimelineSeries, ...]  # at most as many as there are `SHAPES`


@dataclasses.dataclass(frozen=True)
class SmallPicture:
    """A small picture that a timeline leads to."""

    anchor: str
    note: str
    source: str


@dataclasses.dataclass(frozen=True)
class SmallPictures:
    """Small pictures in rows; one that a link leads to is framed."""

    kind: ClassVar[str] = "small"
    title: str
    caption: str
    pictures: tuple[SmallPicture, ...]


SHAPES = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0",
    "M-4.5-4.5h9v9h-9z",
    "M0-6L5.5 4.5H-5.5z",
    "M0-6L5 0L0 6L-5 0z",
    "M0 6L5.5-4.5H-5.5z",
    "M-5-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z",
)
"""Paths around (0, 0), so that series are told apart without colours."""

Block = Figure | Table | Gallery | Timeline | SmallPictures


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading, plain paragraphs, then blocks."""

    title: str
    paragraphs: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Highlight:
    """A number shown large at the top of the page."""

    value: str
    name: str
    note: str


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything on the page, from top to bottom. All texts are plain text, never HTML."""

    title: str
    summary: tuple[str, ...]  # paragraphs
    highlights: tuple[Highlight, ...]
    facts: tuple[tuple[str, str], ...]  # name and value, such as the config hash
    sections: tuple[Section, ...]


def write_report(path: Path, content: Report) -> None:
    """Writes the page as one file, without scripts and without anything to fetch."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jaxfake.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(report=content, shapes=SHAPES)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)


def svg_source(svg: bytes) -> str:
    """SVG as a data: URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def jpeg_source(data: bytes) -> str:
    """The bytes of a JPEG as a data: URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def png_source(pixels: np.ndarray) -> str:
    """RGB uint8 [H, W, 3] as a data: URI, losslessly."""
    done, data = cv2.imencode(".png", pixels[..., ::-1])
    if not done:
        raise ValueError(f"a picture of shape {pixels.shape} cannot be stored as PNG")
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"
