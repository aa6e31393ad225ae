"""Numbers and intervals as text, for the report and the terminal."""

from jaxfake.evaluation.metrics.auc_interval import FEW_PEOPLE, Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined

UNDEFINED = "undefined"


def number_text(value: float | Undefined, decimals: int = 3) -> str:
    """The number with its decimals, or 'undefined'."""
    return UNDEFINED if isinstance(value, Undefined) else f"{value:.{decimals}f}"


def interval_text(interval: Interval | Undefined, decimals: int = 3) -> str:
    """Both ends of the interval, or 'no interval'."""
    if isinstance(interval, Undefined):
        return "no interval"
    return f"{interval.low:.{decimals}f} to {interval.high:.{decimals}f}"


def auc_sentence(name: str, auc: Auc) -> str:
    """The video AUC of the score `name`, with its interval and the number of videos."""
    counts = f"{auc.n_real} real and {auc.n_fake} fake videos"
    if isinstance(auc.value, Undefined):
        return f"{name}: no video AUC over {counts}: {auc.value.reason}."
    number = f"{name}: video AUC {auc.value:.3f}"
    if isinstance(auc.ci95, Undefined):
        return f"{number}, over {counts}; no interval: {auc.ci95.reason}."
    return f"{number} (95 % interval {interval_text(auc.ci95)}; {counts})."


def intervals_paragraph(auc: Auc) -> str:
    """How the intervals of AUCs are computed, for how many people, and whether those are few."""
    people = f"{auc.people_real} people with real and {auc.people_fake} with fake videos"
    few = min(auc.people_real, auc.people_fake) < FEW_PEOPLE
    warning = f" That is few (under {FEW_PEOPLE}): take the intervals as rough." if few else ""
    return (
        f"Intervals: 95 %, over {people}, since videos of one person are not independent.{warning} "
        "They are score intervals, which stay wide where nothing is wrong but little was tested "
        "(Newcombe, 2006; variance over people as Obuchowski, 1997). All numbers hold for this dataset "
        "and split."
    )
