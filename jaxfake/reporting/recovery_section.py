"""The section of the report about recovery: errors beside those of baselines, and pictures."""

from collections.abc import Mapping

from jaxfake.evaluation.recovery import ALL_PARTS, AUTOENCODER, RecoveryTable
from jaxfake.evaluation.recovery_baselines import MEAN_FACE
from jaxfake.models.recovery_pictures import ERROR_GAIN
from jaxfake.reporting.html import Gallery, Highlight, Section, Table
from jaxfake.reporting.recovered_strips import COLUMNS
from jaxfake.reporting.strips import Strip, picture_groups
from jaxfake.reporting.wording import interval_text


def recovery_text(table: RecoveryTable) -> str:
    """The table for a terminal: error (PSNR) of each part."""
    parts = list(next(iter(table.errors.values())))
    lines = [f"{'masked error (PSNR, dB)':26}" + "".join(f"{part:>18}" for part in parts)]
    for name, errors in table.errors.items():
        row = "".join(
            f"{f'{errors[part].error:.4f} ({errors[part].psnr:.1f})':>18}" for part in parts
        )
        lines.append(f"{name:26}{row}")
    return "\n".join(lines)


def recovery_highlights(table: RecoveryTable) -> tuple[Highlight, ...]:
    """The error of the autoencoder and of the best baseline."""
    errors = {name: row[ALL_PARTS] for name, row in table.errors.items()}
    ours = errors.pop(AUTOENCODER)
    best = min(errors, key=lambda name: errors[name].error)
    return (
        Highlight(f"{ours.error:.4f}", "masked error, real faces", interval_text(ours.ci95, 4)),
        Highlight(f"{errors[best].error:.4f}", "masked error, best baseline", best),
    )


def recovery_section(table: RecoveryTable, strips: Mapping[str, list[Strip]]) -> Section:
    """How well real faces are recovered, beside baselines, and pictures of recovered faces."""
    return Section(
        "Recovered faces",
        (
            "One facial part at a time (eyes; cheeks and nose; lips) was masked and recovered from "
            "the rest of the face by the autoencoder, which was trained on real faces only.",
            _baselines_paragraph(table),
        ),
        (_part_table(table), _interval_table(table), _gallery(strips)),
    )


def _baselines_paragraph(table: RecoveryTable) -> str:
    same = "The baselines fill the same masks and see the same visible pixels."
    inpainting = "Inpainting: OpenCV's (Telea, 2004)."
    if MEAN_FACE not in table.errors:
        return (
            f"{same} {inpainting} The mean face and the mirror are left out: the training data are not "
            "available."
        )
    return (
        f"{same} Mean face: the mean of the training reals. {inpainting} Mirror: the pixel across the "
        "vertical mid-line of the crop, or of the mean face where that pixel is masked too."
    )


def _part_table(table: RecoveryTable) -> Table:
    parts = tuple(next(iter(table.errors.values())))
    rows = tuple(
        (name, *(f"{row[part].error:.4f} ({row[part].psnr:.1f})" for part in parts))
        for name, row in table.errors.items()
    )
    caption = (
        "Mean squared error over the masked pixels, scale -1 to 1; smaller is better (in brackets: "
        f"PSNR in dB; larger is better). {table.masked_patches} of {table.patches} patches masked; "
        f"{table.faces} of {table.faces_in_split} real faces of split '{table.split}', "
        f"{table.identities} identities."
    )
    header = ("", *(part.replace("_", " & ") for part in parts))
    return Table("Error on real faces, by part", caption, header, rows, first_row_leads=True)


def _interval_table(table: RecoveryTable) -> Table:
    errors = {name: row[ALL_PARTS] for name, row in table.errors.items()}
    rows = tuple(
        (
            name,
            f"{one.error:.4f}",
            interval_text(one.ci95, 4),
            "–" if name == AUTOENCODER else interval_text(one.above_autoencoder, 4),
        )
        for name, one in errors.items()
    )
    caption = (
        "95 % intervals that resample identities. Last column: error minus the autoencoder's error on the "
        "same faces; where the whole interval is above 0, the autoencoder is better."
    )
    header = ("", "error", "95 % interval", "above the autoencoder by")
    return Table("All parts, with intervals", caption, header, rows, first_row_leads=True)


def _gallery(strips: Mapping[str, list[Strip]]) -> Gallery:
    caption = (
        "Evenly spaced over the split's reals and over the fakes of each manipulation. Each strip combines "
        "three recoveries, one for each part: 'masked' shows all patches that were masked in one of them, "
        f"never all at once. The error is shown {ERROR_GAIN:g} times brighter. If the method works, the "
        "error of a manipulated part is larger than that of the same part of a real face."
    )
    return Gallery("Faces", caption, COLUMNS, picture_groups(strips, "score {:.4f}"))
