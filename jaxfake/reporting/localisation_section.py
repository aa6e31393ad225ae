"""The section of the report about where faces were manipulated."""

from collections.abc import Mapping, Sequence

from jaxfake.evaluation.heat_accumulator import DETECTOR
from jaxfake.evaluation.localisation import (
    PIXEL_AUC,
    FaceMean,
    FakesResult,
    LocalisationResult,
    best_trivial,
)
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting.html import Block, Gallery, Highlight, Section, Table
from jaxfake.reporting.strips import MASK_AND_HEAT, Strip, picture_groups
from jaxfake.reporting.wording import UNDEFINED, interval_text, number_text

_NAMES = {"dice": "Dice (F1)", "iou": "IoU", "pbca": "PBCA", PIXEL_AUC: "pixel AUC"}

_TRIVIAL = (
    "The trivial maps beside the detector do not depend on the face: nothing, everything, the mean mask of "
    "the training fakes (at the threshold that is best on them), and a central box of the same mean area. "
    "In aligned crops they do well, so a map that is not better than them shows nothing."
)


def localisation_highlights(result: LocalisationResult) -> tuple[Highlight, ...]:
    """Dice of the detector beside Dice of the best trivial map."""
    fakes, best = result.overall, best_trivial(result.overall)
    if best is None or result.threshold is None:
        return ()
    ours, theirs = (fakes.maps[name].per_face["dice"] for name in (DETECTOR, best))
    note = f"{interval_text(ours.ci95)}, {fakes.faces} faces; {best}: {number_text(theirs.mean)}"
    return (Highlight(number_text(ours.mean), "Dice of the manipulated area", note),)


def localisation_section(
    result: LocalisationResult, ground_truth: str, strips: Mapping[str, Sequence[Strip]]
) -> Section:
    """How well the detector localises manipulations.

    Args:
        result: what was measured.
        ground_truth: where the masks come from, as text.
        strips: pictures of faces, for the reals and for each manipulation.
    """
    blocks: list[Block] = [_reals_table(result), _gallery(result, strips)]
    if result.overall.faces:
        tables = _maps_table(result), _pooled_table(result), _manipulation_table(result)
        blocks = [*tables, *blocks]
    paragraphs = localisation_sentences(result), f"Masks: {ground_truth}."
    return Section("Where faces were manipulated", paragraphs, tuple(blocks))


def localisation_sentences(result: LocalisationResult) -> str:
    """The result in a few sentences."""
    left_out = (
        f"Left out: {result.without_mask} fakes without a mask and {result.empty_mask} with an empty "
        "mask."
    )
    best = best_trivial(result.overall)
    if best is None:
        return f"No fake has a mask, so localisation is not measured. {left_out}"
    counts = f"{result.overall.faces} faces of {result.overall.videos} fake videos"
    ours, theirs = (result.overall.maps[name] for name in (DETECTOR, best))
    auc = ours.per_face[PIXEL_AUC]
    if result.threshold is None:
        return (
            f"The heat is an error without a threshold: pixel AUC {number_text(auc.mean)} "
            f"({interval_text(auc.ci95)}; {counts}). {left_out}"
        )
    dice, above = ours.per_face["dice"], theirs.detector_dice_above
    return (
        f"Manipulated area of fakes: Dice {number_text(dice.mean)} ({_interval(dice.ci95)}; {counts}), "
        f"{_difference(above)} the best trivial map ({best}; the difference: {_interval(above.ci95)}). "
        f"In real faces, {_percent(result.reals[DETECTOR].area)} of the area is predicted to be "
        f"manipulated. {left_out}"
    )


def _interval(interval: Interval | Undefined) -> str:
    named = "" if isinstance(interval, Undefined) else "95 % interval "
    return named + interval_text(interval)


def _maps_table(result: LocalisationResult) -> Table:
    header = ("", "Dice (F1)", "95 % interval", "IoU", "PBCA", "pixel AUC", "95 % interval")
    rows = tuple(
        (
            name,
            *_cells(metrics.per_face["dice"]),
            *(number_text(metrics.per_face[metric].mean) for metric in ("iou", "pbca")),
            *_cells(metrics.per_face[PIXEL_AUC]),
        )
        for name, metrics in result.overall.maps.items()
    )
    caption = (
        f"Mean over {result.overall.faces} faces of {result.overall.videos} fake videos with a mask that "
        f"is not empty; intervals resample videos. {_TRIVIAL} Dice: 2 TP / (2 TP + FP + FN). IoU: TP / "
        "(TP + FP + FN). PBCA: share of the pixels that are classified correctly, which 'nothing' is "
        "good at. Pixel AUC: needs no threshold."
    )
    return Table("By face", caption, header, rows, first_row_leads=True)


def _pooled_table(result: LocalisationResult) -> Table:
    header = ("", *_NAMES.values())
    rows = tuple(
        (name, *(number_text(metrics.pooled[metric]) for metric in _NAMES))
        for name, metrics in result.overall.maps.items()
    )
    caption = "All pixels of those faces as one picture: large manipulated areas count more."
    return Table("All pixels together", caption, header, rows, first_row_leads=True)


def _manipulation_table(result: LocalisationResult) -> Table:
    header = ("", *_NAMES.values(), "pooled Dice", "trivial Dice", "trivial map", "faces")
    groups = {"all manipulations": result.overall, **result.per_manipulation}
    columns = zip(header, *((n, *_manipulation_row(one)) for n, one in groups.items()), strict=True)
    header, *rows = zip(*[c for c in columns if set(c[1:]) != {UNDEFINED}], strict=True)
    caption = (
        "The detector's map on the fakes of each manipulation, and the best Dice that a trivial map has "
        "on the same faces. That map was chosen by these very numbers."
    )
    return Table("By manipulation", caption, header, tuple(rows), first_row_leads=True)


def _manipulation_row(fakes: FakesResult) -> tuple[str, ...]:
    ours, best = fakes.maps[DETECTOR], best_trivial(fakes)
    theirs = (UNDEFINED, "–") if best is None else _best_cells(fakes, best)
    return (
        *(number_text(ours.per_face[metric].mean) for metric in _NAMES),
        number_text(ours.pooled["dice"]),
        *theirs,
        str(fakes.faces),
    )


def _best_cells(fakes: FakesResult, best: str) -> tuple[str, str]:
    return number_text(fakes.maps[best].per_face["dice"].mean), best


def _reals_table(result: LocalisationResult) -> Table:
    rows = tuple(
        (name, *_cells(one.area), number_text(one.share_of_faces))
        for name, one in result.reals.items()
    )
    caption = (
        f"Share of the pixels of {result.real_faces} real faces that is predicted to be manipulated, and "
        "share of those faces with any such pixel. Both should be 0."
    )
    header = ("", "area", "95 % interval", "faces with any")
    return Table("False positives in real faces", caption, header, rows, first_row_leads=True)


def _gallery(result: LocalisationResult, strips: Mapping[str, Sequence[Strip]]) -> Gallery:
    columns = next((one.columns for members in strips.values() for one in members), ())
    caption = (
        "Evenly spaced over the split's reals and over the fakes of each manipulation, whatever their "
        f"result. {MASK_AND_HEAT}"
    )
    if result.threshold is not None:
        caption += f" The line encloses the predicted area (heat of {result.threshold:g} or more)."
    groups = picture_groups(strips, "score {:.3f}")
    return Gallery("Faces, masks and heat maps", caption, columns, groups)


def _cells(value: FaceMean) -> tuple[str, str]:
    return number_text(value.mean), interval_text(value.ci95)


def _difference(value: FaceMean) -> str:
    if isinstance(value.mean, Undefined):
        return "not comparable with"
    return f"{abs(value.mean):.3f} {'above' if value.mean >= 0 else 'BELOW'}"


def _percent(value: FaceMean) -> str:
    return f"{100 * value.mean:.1f} %" if isinstance(value.mean, float) else "an unknown share"
