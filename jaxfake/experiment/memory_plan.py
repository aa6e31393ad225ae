"""The memory plans of a config's stages, as values and as tables; see `jaxfake.plan`."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxfake.config import Config
from jaxfake.experiment import build_method
from jaxfake.experiment.run_folder import DETECT, RECOVER
from jaxfake.reporting.figures import timelines
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import GIB, Budget, device_budget, size_in_bytes
from jaxfake.train.memory.cost import cost, device_bytes, iteration, live_bytes
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Profile, whole_profile
from jaxfake.train.memory.rates import CARDS, Card, Rates, of_card, of_device
from jaxfake.train.memory.search import Chosen
from jaxfake.train.memory.timeline import Timeline, simulate
from jaxfake.train.memory.workload import Workload

_RUNNERS_UP = 4

_ITERATIONS = 3
"""That are simulated."""

_MOST_FACES = 2**16
"""No larger batch is looked for."""


class Wanted(NamedTuple):
    """What to plan for; None for what this machine has."""

    memory: str | None
    host_memory: str | None
    card: str | None


class StagePlans(NamedTuple):
    """What is predicted of a stage.

    Attributes:
        values: plain ones, as `--json` prints them.
        timelines: of the fastest plan, in next-use order and in naive order.
    """

    values: dict[str, Any]
    timelines: tuple[Timeline, Timeline]


def stage_plans(config: Config, wanted: Wanted) -> Iterator[StagePlans]:
    """The plans of each stage that the config trains.

    Raises:
        InputError: nothing fits, or a size or card is not one.
    """
    card = None if wanted.card is None else _card(wanted.card)
    budget = _budget(wanted, card)
    config = build_method.computable_here(config)
    for name, settings in ((RECOVER, config.recover), (DETECT, config.detect)):
        if settings is not None:
            yield _stage(name, build_method.stage_workload(config, name), budget, card)


def table(stage: StagePlans) -> str:
    """For people."""
    values = stage.values
    plans = [*values["plans"], values["without_a_plan"]]
    rows = [("plan", "GiB", "ms a step"), *(_cells(one["plan"], one) for one in plans)]
    cards = [("card", "GiB", "ms a step", "plan", "faces at once without a plan")]
    for one in values["cards"]:
        faces = str(one["most_faces_without_a_plan"])
        if "why_not" in one:
            cards.append((one["card"], "does not fit", "", one["why_not"], faces))
        else:
            cards.append((*_cells(one["card"], one), one["plan"], faces))
    most = values["most_faces_at_once"]
    return "\n".join(
        (
            f"{values['stage']}: {values['faces']} faces on one {values['device']}, "
            f"{values['memory'] / GIB:.1f} GiB. All figures are predicted.",
            _columns(rows),
            f"the smallest memory that would do: {values['smallest_memory'] / GIB:.2f} GiB",
            f"the largest batch at once: {most['planned']} faces with the first plan, "
            f"{most['without_a_plan']} without one",
            _simulated(*stage.timelines),
            _columns(cards),
        )
    )


def draw(stages: Sequence[StagePlans], folder: Path) -> None:
    """Writes the timelines as FOLDER/STAGE.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        file = folder / f"{stage.values['stage']}.svg"
        write_atomically(
            file, timelines(dict(zip(("next use", "naive"), stage.timelines, strict=True)))
        )


def _stage(name: str, workload: Workload, budget: Budget, card: Card | None) -> StagePlans:
    dtype, here = workload.config.model.dtype, jax.devices()[0]
    rates = of_device(here, dtype) if card is None else of_card(card, dtype)
    device = here.device_kind if card is None else card.name
    least = workload.fewest_micro_batches
    return described(name, whole_profile(workload), rates, device, budget, least, dtype)


def described(
    name: str,
    profile: Profile,
    rates: Rates,
    device: str,
    budget: Budget,
    least: int,
    dtype: str,
) -> StagePlans:
    """Everything that a profile lets one predict of a stage.

    Args:
        device: its name, in words.
        least: micro-batches that there must be at least.
        dtype: of activations.

    Raises:
        InputError: nothing fits.
    """
    plans = search.best(profile, rates, budget, least)
    at_once = dataclasses.replace(plans[0].plan, micro_batches=1)
    plain = Plan(micro_batches=least)
    unplanned = _chosen(Chosen(plain, cost(profile, rates, plain)))
    values = {
        "stage": name,
        "predicted": True,
        "device": device,
        "faces": profile.faces,
        "memory": budget.device,
        "plans": [_chosen(one) for one in plans[: 1 + _RUNNERS_UP]],
        "without_a_plan": unplanned | {"plan": "without a plan"},
        "smallest_memory": search.smallest_budget(profile, budget.offload, least),
        "most_faces_at_once": {
            "planned": most_faces(profile, at_once, budget),
            "without_a_plan": most_faces(profile, Plan(), budget),
        },
        "cards": [_on_card(profile, one, dtype, least) for one in CARDS],
    }
    return StagePlans(values, _timelines(profile, rates, plans[0].plan))


def most_faces(profile: Profile, plan: Plan, budget: Budget) -> int:
    """Most faces that a plan's step takes at once within a budget; 0 if not one."""
    low, high = 0, _MOST_FACES
    while low < high:
        middle = (low + high + 1) // 2
        larger = profile.for_faces(middle)
        fits = device_bytes(larger, plan, live_bytes(larger, plan)) <= budget.usable
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _on_card(profile: Profile, card: Card, dtype: str, least: int) -> dict[str, Any]:
    budget = Budget(float(card.memory), float("inf"), offload=True)
    given = {
        "card": card.name,
        "memory": card.memory,
        "most_faces_without_a_plan": most_faces(profile, Plan(), budget),
    }
    try:
        return given | _chosen(search.best(profile, of_card(card, dtype), budget, least)[0])
    except InputError as error:
        return given | {"why_not": str(error)}


def _timelines(profile: Profile, rates: Rates, plan: Plan) -> tuple[Timeline, Timeline]:
    work = iteration(profile, rates, plan)
    return simulate(work, _ITERATIONS, "next use"), simulate(work, _ITERATIONS, "naive")


def _card(name: str) -> Card:
    for card in CARDS:
        if card.name.lower() == name.lower():
            return card
    names = ", ".join(f"'{card.name}'" for card in CARDS)
    raise InputError(f"--card must be one of {names}, not {name!r}")


def _budget(wanted: Wanted, card: Card | None) -> Budget:
    budget = device_budget()
    if card is not None:
        budget = budget._replace(device=float(card.memory), offload=True)
    if wanted.memory is not None:
        budget = budget._replace(device=size_in_bytes(wanted.memory))
    if wanted.host_memory is not None:
        budget = budget._replace(host=size_in_bytes(wanted.host_memory))
    return budget


def _simulated(ahead: Timeline, naive: Timeline) -> str:
    if not any(span.task.queue != "compute" and span.task.seconds for span in ahead.spans):
        return "the first plan copies nothing"
    return (
        f"simulated: {_ms(ahead.per_iteration)} ms a step with updates in the order of their next "
        f"use, where {ahead.overlap:.0%} of the time of copies overlaps computation; "
        f"{_ms(naive.per_iteration)} ms and {naive.overlap:.0%} in naive order"
    )


def _chosen(one: Chosen) -> dict[str, Any]:
    return {"plan": str(one.plan), **one.cost._asdict()}


def _cells(name: str, values: dict[str, Any]) -> tuple[str, str, str]:
    return name, f"{values['device'] / GIB:.2f}", _ms(values["seconds"])


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
