"""The pictures of a page show the numbers of its tables."""

import html
import re

import pytest

from jaxfake.runtime.errors import InputError
from tests.project import ROOT
from tools.table_plot import Row, draw, read_rows

PAGE = """# A page

## Detectors

Words.

| | parameter | validation | test AUC | 95 % |
| --- | --- | --- | --- | --- |
| **as stored** | | .797 | **.804** | .750 to .848 |
| `jpeg` | 90 | .796 | .802 | .747 to .847 |
| | 70 | | .795 | |
| not measured | | .5 | | |

| AUC |
| --- |
| .1 |

## Nothing

## Other

| a | b |
| --- | --- |
| 1 | 2 |
"""
ROWS = [
    Row("as stored", 0.804, 0.750, 0.848),
    Row("jpeg, 90", 0.802, 0.747, 0.847),
    Row("jpeg, 70", 0.795, 0.795, 0.795),
]


def test_the_first_table_below_the_heading_is_read() -> None:
    assert read_rows(PAGE, "Detectors") == ROWS
    assert read_rows(PAGE.rstrip().replace("| a | b |", "| a | AUC |"), "Other") == [
        Row("1", 2.0, 2.0, 2.0)
    ]


@pytest.mark.parametrize("heading", ["Nothing", "Missing", "Other"])
def test_a_heading_without_such_a_table_is_named(heading: str) -> None:
    with pytest.raises(InputError, match=heading):
        read_rows(PAGE, heading)


def test_every_name_and_number_is_in_the_picture() -> None:
    assert shown(draw(ROWS).decode()) == [
        ("as stored", ".804"),
        ("jpeg, 90", ".802"),
        ("jpeg, 70", ".795"),
    ]


def test_the_pictures_of_the_study_show_its_tables() -> None:
    page = (ROOT / "docs/studies/dfdc_faces.md").read_text("utf-8")
    pictures = re.findall(r"--below='(.*?)' --svg=(\S+\.svg)", page)
    assert pictures
    for heading, file in pictures:
        rows = [(row.name, f"{row.auc:.3f}"[1:]) for row in read_rows(page, heading)]
        assert shown((ROOT / file).read_text("utf-8")) == rows


def shown(svg: str) -> list[tuple[str, str]]:
    """Name and AUC of each row of a picture, in which all names are followed by all AUCs and a title."""
    texts = [html.unescape(text) for text in re.findall(r"<text .*?>(.*?)</text>", svg)]
    aucs = [text for text in texts if re.fullmatch(r"\.\d{3}", text)]
    names = texts[-2 * len(aucs) - 1 : -len(aucs) - 1]
    return list(zip(names, aucs, strict=True))
