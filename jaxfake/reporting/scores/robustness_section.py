"""The section of the report about perturbed videos."""

from jaxfake.evaluation.evidence.robustness.measured import LevelResult, RobustnessResult
from jaxfake.evaluation.evidence.robustness.perturbations import PERTURBATIONS
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import figures
from jaxfake.reporting.html import Figure, Section, Table, svg_source
from jaxfake.reporting.wording import interval_text, number_text

_APPLIED = {
    "frame": "The frames were perturbed, and the crops cut out of them where they were.",
    "crop": "The crops were perturbed, since the frames are not at hand. What happens to a whole frame, "
    "such as its compression, then acts on a smaller picture.",
}


def robustness_sentence(result: RobustnessResult) -> str:
    """The strongest level of each perturbation in a line."""
    worst = ", ".join(
        f"{name} {number_text(levels[-1].auc.value)}" for name, levels in result.levels.items()
    )
    return (
        f"Robustness: video AUC {number_text(result.clean.value)} undisturbed; at the strongest level "
        f"of each perturbation: {worst}."
    )


def robustness_section(result: RobustnessResult) -> Section:
    """AUC, and Dice if there is any, against the level of each perturbation."""
    said = (
        robustness_sentence(result),
        f"{_APPLIED[result.applied_to]} Reals and fakes are perturbed alike; landmarks stay those of the "
        "undisturbed face. Only videos with a face count here.",
    )
    curves = {
        name: [result.clean, *(one.auc for one in levels)] for name, levels in result.levels.items()
    }
    caption = (
        "Level 0 is undisturbed. Lines: video AUC; bands: its 95 % interval over people. A curve that "
        "falls at level 1 already says that the detector depends on details that every upload destroys."
    )
    figure = Figure("AUC by level", caption, svg_source(figures.level_curves(curves)))
    tables = tuple(_table(name, levels) for name, levels in result.levels.items())
    return Section("Robustness", said, (figure, *tables))


def _table(name: str, levels: tuple[LevelResult, ...]) -> Table:
    has_dice = any(one.dice is not None for one in levels)
    header = ("level", "parameter", "AUC", "95 % interval", "change", "95 % interval of the change")
    caption = (
        f"Parameter: {PERTURBATIONS[name].unit}. Change: AUC minus that of the undisturbed videos."
    )
    rows = tuple((*_row(one), *([_dice(one)] if has_dice else [])) for one in levels)
    return Table(name, caption, (*header, "Dice") if has_dice else header, rows)


def _row(one: LevelResult) -> tuple[str, ...]:
    parameter = ", ".join(f"{part:g}" for part in _parts(one.parameter))
    numbers = number_text(one.auc.value), interval_text(one.auc.ci95)
    if isinstance(one.change, Undefined):
        return (str(one.level), parameter, *numbers, "none", "–")
    change = f"{one.change.value:+.3f}", interval_text(one.change.ci95)
    return (str(one.level), parameter, *numbers, *change)


def _dice(one: LevelResult) -> str:
    if one.dice is None:
        return "–"
    return f"{number_text(one.dice.mean)} ({interval_text(one.dice.ci95)})"


def _parts(parameter: object) -> tuple[float, ...]:
    return parameter if isinstance(parameter, tuple) else (parameter,)
