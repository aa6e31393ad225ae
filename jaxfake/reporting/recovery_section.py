"""What the report says of recovery: pictures of recovered faces, and their errors beside baselines."""

from collections.abc import Mapping

from jaxfake import schema
from jaxfake.evaluation.baselines import MEAN_FACE
from jaxfake.evaluation.recovery import ALL_PARTS, AUTOENCODER, RecoveryTable
from jaxfake.models.pictures import ERROR_GAIN
from jaxfake.reporting.html import (
    Gallery,
    Highlight,
    Picture,
    PictureGroup,
    Section,
    Table,
    png_source,
)
from jaxfake.reporting.recovered_strips import RECOVERY, Strip
from jaxfake.reporting.wording import interval_text


def recovery_text(table: RecoveryTable) -> str:
    """The table for a terminal: error (PSNR) of each part."""
    parts = list(next(iter(table.cells.values())))
    lines = [f"{'masked error (PSNR, dB)':26}" + "".join(f"{part:>18}" for part in parts)]
    for name, cells in table.cells.items():
        row = "".join(f"{f'{cells[p].error:.4f} ({cells[p].psnr:.1f})':>18}" for p in parts)
        lines.append(f"{name:26}{row}")
    return "\n".join(lines)


def recovery_highlights(table: RecoveryTable) -> tuple[Highlight, ...]:
    """The error, and the best that a baseline does."""
    cells = {name: row[ALL_PARTS] for name, row in table.cells.items()}
    ours = cells.pop(AUTOENCODER)
    best = min(cells, key=lambda name: cells[name].error)
    return (
        Highlight(f"{ours.error:.4f}", "masked error, real faces", interval_text(ours.ci95, 4)),
        Highlight(f"{cells[best].error:.4f}", "best baseline", f"{best}, same masks"),
    )


def recovery_section(table: RecoveryTable, strips: Mapping[str, list[Strip]]) -> Section:
    """Pictures of recovered faces, and the errors beside the baselines'."""
    return Section(
        "Recovered faces",
        (
            "One facial part at a time (eyes; cheeks and nose; lips) was masked and recovered from "
            "the rest of the face by the autoencoder, which was trained on real faces only.",
            _baselines_in_words(table),
        ),
        (_part_table(table), _interval_table(table), _gallery(strips)),
    )


def _baselines_in_words(table: RecoveryTable) -> str:
    same = "The baselines fill the same masks and see the same visible pixels."
    inpainting = "Inpainting: OpenCV's (Telea, 2004)."
    if MEAN_FACE not in table.cells:
        return f"{same} {inpainting} The faces trained on are not here, and so no mean face and no mirror."
    return (
        f"{same} Mean face: the mean of the training reals. {inpainting} Mirror: the pixel across the "
        "vertical mid-line of the crop, or the mean face's where that is masked too."
    )


def _part_table(table: RecoveryTable) -> Table:
    parts = tuple(next(iter(table.cells.values())))
    rows = tuple(
        (name, *(f"{row[part].error:.4f} ({row[part].psnr:.1f})" for part in parts))
        for name, row in table.cells.items()
    )
    caption = (
        "Mean squared error over the masked pixels, scale -1 to 1; smaller is better (in brackets: "
        f"PSNR in dB; larger is better). {table.masked_patches} of {table.patches} patches masked; "
        f"{table.faces} of {table.faces_in_split} real faces of split '{table.split}', "
        f"{table.identities} identities."
    )
    header = ("", *(part.replace("_", " & ") for part in parts))
    return Table("Error on real faces, part by part", caption, header, rows, first_row_leads=True)


def _interval_table(table: RecoveryTable) -> Table:
    cells = {name: row[ALL_PARTS] for name, row in table.cells.items()}
    rows = tuple(
        (
            name,
            f"{cell.error:.4f}",
            interval_text(cell.ci95, 4),
            "–" if name == AUTOENCODER else interval_text(cell.above_autoencoder, 4),
        )
        for name, cell in cells.items()
    )
    caption = (
        "95 % intervals that resample identities. Last column: how much larger the error is than the "
        "autoencoder's on the same faces; wholly above 0, the autoencoder is better."
    )
    header = ("", "error", "95 % interval", "above the autoencoder by")
    return Table("All parts, with intervals", caption, header, rows, first_row_leads=True)


def _gallery(strips: Mapping[str, list[Strip]]) -> Gallery:
    groups = tuple(
        PictureGroup(
            name if name != schema.REAL_METHOD else "real faces",
            tuple(
                Picture(one.name, f"score {one.score:.4f}", png_source(one.pixels))
                for one in members
            ),
        )
        for name, members in strips.items()
    )
    caption = (
        "Chosen by place alone: evenly spaced over the split's reals and over the fakes of each "
        "manipulation. Each picture joins the recoveries of the three parts: 'masked' shows what was "
        "hidden in one or another of them, never all at once. The error is shown "
        f"{ERROR_GAIN:g} times as bright as it is. If the idea works, the forged part of a fake is "
        "brighter than the same part of a real face."
    )
    return Gallery("Faces", caption, RECOVERY, groups)
