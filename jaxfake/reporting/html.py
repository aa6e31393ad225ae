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


Block = Figure | Table | Gallery


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
    page = environment.get_template("report.html.j2").render(report=content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)


def svg_source(svg: bytes) -> str:
    """SVG as a data: URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def png_source(pixels: np.ndarray) -> str:
    """RGB uint8 [H, W, 3] as a data: URI, losslessly."""
    done, data = cv2.imencode(".png", pixels[..., ::-1])
    if not done:
        raise ValueError(f"a picture of shape {pixels.shape} cannot be stored as PNG")
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"
