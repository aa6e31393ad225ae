"""Numbers as the report and the terminal show them."""

from jaxfake.scoring.metrics import Auc, Interval, Undefined


def auc_text(auc: Auc) -> str:
    """Three decimals, or that there is none."""
    return "undefined" if isinstance(auc.value, Undefined) else f"{auc.value:.3f}"


def interval_text(interval: Interval | Undefined, decimals: int = 3) -> str:
    """Both ends, or that there is none."""
    if isinstance(interval, Undefined):
        return "no interval"
    return f"{interval.low:.{decimals}f} to {interval.high:.{decimals}f}"
