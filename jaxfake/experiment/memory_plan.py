"""The memory plans of a config's stages, as tables and as JSON; see `jaxfake.plan`."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxfake.config import Config, Stage
from jaxfake.experiment import build_method
from jaxfake.experiment.run_folder import DETECT, RECOVER
from jaxfake.models.method import Method
from jaxfake.reporting.memory_section import timelines
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.train.memory import costs, search, speed
from jaxfake.train.memory.cards import CARDS, GIB, Card
from jaxfake.train.memory.choose import device_budget, fewest_micro_batches, size_in_bytes
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.profile import Profile, cached_profile
from jaxfake.train.memory.search import Budget, Chosen
from jaxfake.train.memory.speed import Speed
from jaxfake.train.memory.subject import subject
from jaxfake.train.memory.timeline import Timeline, simulate

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


class OnCard(NamedTuple):
    """What a card would give: the best plan, or the reason why there is none."""

    card: Card
    chosen: Chosen | None
    why_not: str
    unplanned: int  # most faces of a batch that fit with no plan, one device


class StagePlans(NamedTuple):
    """Everything that is said of a stage.

    Attributes:
        budget: in bytes.
        plans: that fit, the fastest first.
        unplanned: cost of the step as it is without a plan.
        smallest: the smallest budget that would do.
        largest: most faces of a device's batch that the chosen plan's decisions, apart from the
            micro-batches, take at once; and without a plan.
    """

    name: str
    where: str
    faces: int
    budget: Budget
    plans: list[Chosen]
    unplanned: costs.Cost
    smallest: float
    largest: tuple[int, int]
    cards: list[OnCard]
    timelines: tuple[Timeline, Timeline]  # of the first plan, in next-use order and in naive order


def stage_plans(config: Config, wanted: Wanted) -> list[StagePlans]:
    """The plans of the stages that the config trains.

    Raises:
        InputError: nothing fits, or a size or card is not one.
    """
    config = build_method.computable_here(config)
    stages: list[tuple[str, Method, Stage]] = [
        (RECOVER, build_method.recovery(config), config.recover)
    ]
    if config.detect is not None:
        stages.append((DETECT, build_method.detector(config), config.detect))
    return [_stage_plans(*stage, config, wanted) for stage in stages]


def as_json(stages: list[StagePlans]) -> str:
    """One line."""
    return json.dumps({"predicted": True, "stages": [_plain(stage) for stage in stages]})


def as_tables(stages: list[StagePlans]) -> str:
    """Tables for people."""
    return "\n\n".join(_table(stage) for stage in stages)


def draw(stages: list[StagePlans], folder: Path) -> None:
    """Writes the timelines as FOLDER/STAGE.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        write_atomically(folder / f"{stage.name}.svg", timelines(*stage.timelines))


def _stage_plans(
    name: str, method: Method, settings: Stage, config: Config, wanted: Wanted
) -> StagePlans:
    profile = cached_profile(subject(method, settings, config))
    least = fewest_micro_batches(settings)
    rates, where = _device(wanted.card, config)
    budget = _budget(wanted)
    plans = search.best(profile, rates, budget, least)
    plain = dataclasses.replace(uniform("none", profile.depths), micro_batches=least)
    lean = dataclasses.replace(plans[0].plan, micro_batches=1)
    return StagePlans(
        name,
        where,
        profile.faces,
        budget,
        plans[: 1 + _RUNNERS_UP],
        costs.cost(profile, rates, plain),
        search.smallest_budget(profile, budget.offload, least),
        (_most_faces(profile, lean, budget), _most_faces(profile, plain, budget)),
        [_on_card(profile, card, config, least) for card in CARDS],
        _timelines(profile, rates, plans[0].plan),
    )


def _timelines(profile: Profile, rates: Speed, plan: Plan) -> tuple[Timeline, Timeline]:
    work = costs.work(profile, rates, plan)
    return simulate(work, _ITERATIONS, "next use"), simulate(work, _ITERATIONS, "naive")


def _device(card: str | None, config: Config) -> tuple[Speed, str]:
    if card is None:
        here = jax.devices()[0]
        return speed.expected(here, config.model.dtype), here.device_kind
    known = _card(card)
    return speed.of_card(known, config.model.dtype), known.name


def _card(name: str) -> Card:
    for card in CARDS:
        if card.name.lower() == name.lower():
            return card
    names = ", ".join(f"'{card.name}'" for card in CARDS)
    raise InputError(f"--card must be one of {names}, not {name!r}")


def _budget(wanted: Wanted) -> Budget:
    budget = device_budget()
    if wanted.card is not None:
        budget = budget._replace(device=float(_card(wanted.card).memory), offload=True)
    if wanted.memory is not None:
        budget = budget._replace(device=size_in_bytes(wanted.memory))
    if wanted.host_memory is not None:
        budget = budget._replace(host=size_in_bytes(wanted.host_memory))
    return budget


def _on_card(profile: Profile, card: Card, config: Config, least: int) -> OnCard:
    budget = Budget(float(card.memory), float("inf"), offload=True)
    rates = speed.of_card(card, config.model.dtype)
    plain = uniform("none", profile.depths)
    faces = _most_faces(profile, plain, budget)
    try:
        chosen = search.best(profile, rates, budget, least)[0]
    except InputError as error:
        return OnCard(card, None, str(error), faces)
    return OnCard(card, chosen, "", faces)


def _most_faces(profile: Profile, plan: Any, budget: Budget) -> int:
    """Most faces that a plan's step takes at once within a budget; 0 if not one."""
    low, high = 0, _MOST_FACES
    while low < high:
        middle = (low + high + 1) // 2
        one = dataclasses.replace(plan, micro_batches=1)
        fits = costs.device_bytes(profile.for_faces(middle), one) <= budget.usable
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _plain(stage: StagePlans) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "device": stage.where,
        "batch_of_a_device": stage.faces,
        "memory": stage.budget.device,
        "plans": [_plan_json(one) for one in stage.plans],
        "without_a_plan": stage.unplanned._asdict(),
        "smallest_memory": stage.smallest,
        "most_faces_at_once": {"planned": stage.largest[0], "without_a_plan": stage.largest[1]},
        "cards": [
            {
                "card": one.card.name,
                "memory": one.card.memory,
                "most_faces_without_a_plan": one.unplanned,
            }
            | ({"why_not": one.why_not} if one.chosen is None else _plan_json(one.chosen))
            for one in stage.cards
        ],
    }


def _plan_json(one: Chosen) -> dict[str, Any]:
    return {"plan": str(one.plan), **one.cost._asdict()}


def _table(stage: StagePlans) -> str:
    title = (
        f"{stage.name}: {stage.faces} faces on one {stage.where}, "
        f"{stage.budget.device / GIB:.1f} GiB (all figures predicted)"
    )
    rows = [("", "GiB", "ms a step", "plan")]
    rows += [(f"{n + 1}", *_cells(one)) for n, one in enumerate(stage.plans)]
    rows.append(("-", _gib(stage.unplanned.device), _ms(stage.unplanned.seconds), "without a plan"))
    cards = [("card", "GiB", "ms a step", "plan")]
    cards += [
        (one.card.name, *_cells(one.chosen))
        if one.chosen
        else (one.card.name, "-", "-", one.why_not)
        for one in stage.cards
    ]
    ahead, naive = stage.timelines
    words = (
        f"plan 1, simulated: {_ms(ahead.per_iteration)} ms a step in next-use order with "
        f"{ahead.overlap:.0%} of the copies' time overlapped, {_ms(naive.per_iteration)} ms and "
        f"{naive.overlap:.0%} in naive order\n"
        f"smallest memory that would do: {stage.smallest / GIB:.2f} GiB\n"
        f"most faces at once: {stage.largest[0]} with plan 1, {stage.largest[1]} without a plan"
    )
    return "\n".join((title, _columns(rows), words, _columns(cards)))


def _cells(one: Chosen) -> tuple[str, str, str]:
    return _gib(one.cost.device), _ms(one.cost.seconds), str(one.plan)


def _gib(value: float) -> str:
    return f"{value / GIB:.2f}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
