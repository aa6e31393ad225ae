"""Attributes of files that tell real from fake, as lines for the terminal and sentences for the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxfake.evaluation.evidence.confounds import ALL, TOGETHER, WARN_FROM, Confound

IN_WORDS = {
    "format": "file format",
    "jpeg_table": "JPEG table",
    "jpeg_quality": "JPEG quality",
    "is_clip": "clip or photograph",
    "file_bytes": "file size",
    "bytes_per_pixel": "bytes per pixel",
    "bytes_per_frame": "bytes per frame",
    "pixels": "resolution",
    "frames": "frames in the file",
    "frames_per_second": "frame rate",
    "face_size": "face size",
    "enlarged": "crop enlarged",
    "brightness": "brightness",
    "sharpness": "sharpness",
    TOGETHER: "all together",
}

_TITLE = "AUC of what the files alone tell, without a look at any face"


def table(confounds: Mapping[str, Any]) -> list[str]:
    """Lines of a small table, from `confounds.by_split`; none if no AUC is defined."""
    parts = {ALL: confounds, **confounds.get("splits", {})} if confounds else {}
    attributes = {name: part["attributes"] for name, part in parts.items()}
    rows = [
        (IN_WORDS[name], *(_cell(part.get(name)) for part in attributes.values()))
        for name in attributes.get(ALL, {})
    ]
    shown = [row for row in rows if any(cell != "-" for cell in row[1:])]
    if not shown:
        return []
    cells = [("", *attributes), *shown]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return [_TITLE, *lines, *_warnings(confounds["attributes"])]


def warning(confounds: Sequence[Confound]) -> list[str]:
    """A sentence that names the attributes by which results may be explained, if there are any."""
    return _sentences(
        [
            (one.name, one.auc.value, one.may_be_chance)
            for one in confounds
            if one.is_warned_of and isinstance(one.auc.value, float)
        ]
    )


def _warnings(attributes: Mapping[str, Any]) -> list[str]:
    return _sentences(
        [
            (name, one["auc"], one["may_be_chance"])
            for name, one in attributes.items()
            if one["warning"]
        ]
    )


def _sentences(found: list[tuple[str, float, bool]]) -> list[str]:
    sure = [f"{IN_WORDS[name]} ({auc:.2f})" for name, auc, chance in found if not chance]
    unsure = [f"{IN_WORDS[name]} ({auc:.2f})" for name, auc, chance in found if chance]
    lines = []
    if sure:
        lines.append(
            f"Warning: the files alone tell real from fake, with an AUC of {WARN_FROM} or more by "
            f"{', '.join(sure)}. A detector may learn this in place of forgeries."
        )
    if unsure:
        lines.append(
            f"Warning: the files alone may tell real from fake, with an AUC of {WARN_FROM} or more by "
            f"{', '.join(unsure)}; with so few people it may be chance."
        )
    return lines


def _cell(one: Mapping[str, Any] | None) -> str:
    if one is None or one["auc"] is None:
        return "-"
    interval = one["auc_ci95"]
    text = f"{one['auc']:.2f}"
    return text if interval is None else f"{text} ({interval[0]:.2f} to {interval[1]:.2f})"
