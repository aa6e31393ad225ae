"""What the report says of where faces were touched."""

from collections.abc import Mapping, Sequence

from jaxfake.evaluation.localisation import (
    DETECTOR,
    PIXEL_AUC,
    Group,
    Localisation,
    Spread,
    best_trivial,
)
from jaxfake.evaluation.metrics.auc import Interval, Undefined
from jaxfake.reporting.html import (
    Block,
    Gallery,
    Highlight,
    Picture,
    PictureGroup,
    Section,
    Table,
    png_source,
)
from jaxfake.reporting.recovered_strips import Strip
from jaxfake.reporting.wording import interval_text, number_text

_NAMES = {"dice": "Dice (F1)", "iou": "IoU", "pbca": "PBCA", PIXEL_AUC: "pixel AUC"}

_TRIVIAL = (
    "Beside the detector stand maps that look at no face: nothing, everything, the mean mask of the "
    "training fakes (called from the threshold on that is best on them), and a central box of the same "
    "mean area. In aligned crops they do well, so a map that does not beat them shows nothing."
)


def localisation_highlights(result: Localisation) -> tuple[Highlight, ...]:
    """Dice of the detector, and what the best of the trivial maps has."""
    group, best = result.overall, best_trivial(result.overall)
    if best is None or result.threshold is None:
        return ()
    ours, theirs = (group.maps[name].by_face["dice"] for name in (DETECTOR, best))
    note = f"{interval_text(ours.ci95)}, {group.faces} faces; {best}: {number_text(theirs.mean)}"
    return (Highlight(number_text(ours.mean), "Dice of the touched area", note),)


def localisation_section(
    result: Localisation, ground_truth: str, strips: Mapping[str, Sequence[Strip]]
) -> Section:
    """How well the detector says where.

    Args:
        result: what was measured.
        ground_truth: where the masks come from, in words.
        strips: pictures of faces by real and manipulation.
    """
    blocks: list[Block] = [_reals_table(result), _gallery(result, strips)]
    if result.overall.faces:
        blocks = [_maps_table(result), _pooled_table(result), _method_table(result), *blocks]
    words = localisation_sentences(result), f"Masks: {ground_truth}."
    return Section("Where it was touched", words, tuple(blocks))


def localisation_sentences(result: Localisation) -> str:
    """The result in plain sentences."""
    left_out = (
        f"{result.without_mask} fakes without a mask and {result.empty_mask} with an empty one are "
        "left out."
    )
    best = best_trivial(result.overall)
    if best is None:
        return f"No fake has a mask, so nothing is measured of where it was touched. {left_out}"
    counted = f"{result.overall.faces} faces of {result.overall.videos} fake videos"
    ours, theirs = (result.overall.maps[name] for name in (DETECTOR, best))
    auc = ours.by_face[PIXEL_AUC]
    if result.threshold is None:
        return (
            f"The heat is an error without a threshold: pixel AUC {number_text(auc.mean)} "
            f"({interval_text(auc.ci95)}; {counted}). {left_out}"
        )
    dice = ours.by_face["dice"]
    return (
        f"Touched area of fakes: Dice {number_text(dice.mean)} ({_interval(dice.ci95)}; {counted}), "
        f"{_difference(theirs.behind)} the best trivial map ({best}; the difference: "
        f"{_interval(theirs.behind.ci95)}). Of real faces, "
        f"{_percent(result.reals[DETECTOR].area)} of the area is called touched. {left_out}"
    )


def _interval(interval: Interval | Undefined) -> str:
    named = "" if isinstance(interval, Undefined) else "95 % interval "
    return named + interval_text(interval)


def _maps_table(result: Localisation) -> Table:
    header = ("", "Dice (F1)", "95 % interval", "IoU", "PBCA", "pixel AUC", "95 % interval")
    rows = tuple(
        (
            name,
            *_cells(quality.by_face["dice"]),
            *(number_text(quality.by_face[metric].mean) for metric in ("iou", "pbca")),
            *_cells(quality.by_face[PIXEL_AUC]),
        )
        for name, quality in result.overall.maps.items()
    )
    caption = (
        f"Mean over {result.overall.faces} faces of {result.overall.videos} fake videos whose mask is "
        f"not empty; intervals resample videos. {_TRIVIAL} Dice: twice the pixels rightly called over "
        "all called and all touched. IoU: those rightly called over all called or touched. PBCA: share "
        "of the pixels that were called what they are, which 'nothing' is good at. Pixel AUC: needs no "
        "threshold."
    )
    return Table("By face", caption, header, rows, first_row_leads=True)


def _pooled_table(result: Localisation) -> Table:
    header = ("", *_NAMES.values())
    rows = tuple(
        (name, *(number_text(quality.pooled[metric]) for metric in _NAMES))
        for name, quality in result.overall.maps.items()
    )
    caption = "All pixels of those faces as one picture: large touched areas count more."
    return Table("All pixels together", caption, header, rows, first_row_leads=True)


def _method_table(result: Localisation) -> Table:
    header = ("", *_NAMES.values(), "pooled Dice", "best trivial", "which", "faces")
    groups = {"all manipulations": result.overall, **result.per_method}
    rows = tuple((name, *_method_row(group)) for name, group in groups.items())
    caption = (
        "The detector's map on the fakes of each manipulation, and the best Dice that a trivial map has "
        "on the same faces, chosen by this very table."
    )
    return Table("By manipulation", caption, header, rows, first_row_leads=True)


def _method_row(group: Group) -> tuple[str, ...]:
    ours, best = group.maps[DETECTOR], best_trivial(group)
    theirs = ("undefined", "–") if best is None else _best_cells(group, best)
    return (
        *(number_text(ours.by_face[metric].mean) for metric in _NAMES),
        number_text(ours.pooled["dice"]),
        *theirs,
        str(group.faces),
    )


def _best_cells(group: Group, best: str) -> tuple[str, str]:
    return number_text(group.maps[best].by_face["dice"].mean), best


def _reals_table(result: Localisation) -> Table:
    rows = tuple(
        (name, *_cells(one.area), number_text(one.faces_touched))
        for name, one in result.reals.items()
    )
    caption = (
        f"Share of the pixels of {result.real_faces} real faces that is called touched, where nothing "
        "is, and the share of those faces with any such pixel. Smaller is better."
    )
    header = ("", "area", "95 % interval", "faces with any")
    return Table("False alarms on real faces", caption, header, rows, first_row_leads=True)


def _gallery(result: Localisation, strips: Mapping[str, Sequence[Strip]]) -> Gallery:
    groups = tuple(
        PictureGroup(
            name,
            tuple(
                Picture(one.name, f"score {one.score:.3f}", png_source(one.pixels))
                for one in members
            ),
        )
        for name, members in strips.items()
    )
    columns = next((one.columns for members in strips.values() for one in members), ())
    caption = (
        "Evenly spaced over the split's reals and over the fakes of each manipulation, whatever came "
        "of them. 'mask' is what was touched (grey: nobody knows); the brighter the heat, the more the "
        "detector suspects."
    )
    if result.threshold is not None:
        caption += f" The line encloses what it calls touched (heat from {result.threshold:g} on)."
    return Gallery("Faces, masks and heats", caption, columns, groups)


def _cells(spread: Spread) -> tuple[str, str]:
    return number_text(spread.mean), interval_text(spread.ci95)


def _difference(spread: Spread) -> str:
    if isinstance(spread.mean, Undefined):
        return "not comparable with"
    return f"{abs(spread.mean):.3f} {'above' if spread.mean >= 0 else 'BELOW'}"


def _percent(spread: Spread) -> str:
    return f"{100 * spread.mean:.1f} %" if isinstance(spread.mean, float) else "an unknown share"
