"""What a stage has to show, ready for the terminal and for the report."""

from typing import NamedTuple

from jaxfake.reporting.html import Highlight, Section


class StageResults(NamedTuple):
    """Results of one stage."""

    in_words: tuple[str, ...]  # for the terminal
    summary: tuple[str, ...]  # for the top of the page
    highlights: tuple[Highlight, ...]
    sections: tuple[Section, ...]
