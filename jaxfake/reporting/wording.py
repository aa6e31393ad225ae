"""Numbers and intervals as text, for the report and the terminal."""

from jaxfake.evaluation.metrics.intervals import Auc, Bootstrap, Interval
from jaxfake.evaluation.metrics.undefined import Undefined


def number_text(value: float | Undefined, decimals: int = 3) -> str:
    """The number with its decimals, or 'undefined'."""
    return "undefined" if isinstance(value, Undefined) else f"{value:.{decimals}f}"


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


def intervals_paragraph(bootstrap: Bootstrap) -> str:
    """How the intervals of AUCs are computed, and what they do not cover."""
    return (
        f"Intervals: 95 %, percentile bootstrap, {bootstrap.resamples} resamples. They resample the videos "
        "of each class as if those were independent. Videos of one person are not independent, so the true "
        "uncertainty is probably larger. Intervals by identity resample people instead, each with all "
        "their real and fake videos. All numbers hold for this dataset and split."
    )
