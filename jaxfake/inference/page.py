"""report.html of a job."""

from pathlib import Path

from jaxfake.inference.results import Results
from jaxfake.reporting.html import Report, write_report


def write_page(path: Path, found: Results, pictures: Path) -> None:
    """Writes the page."""
    write_report(path, Report("Detection", (), (), (), ()))
