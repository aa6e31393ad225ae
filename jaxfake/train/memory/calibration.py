"""The cost model corrected by uniform plans that were compiled, and by those that were timed."""

import dataclasses

from jaxfake.models.remat import Policy
from jaxfake.train.memory.cost import block_seconds, cost, device_bytes, live_bytes
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.rates import Rates

_LARGEST_SCALE, _HALVINGS = 4.0, 40

_LEAST_FACTOR = 0.1
"""Of a policy's seconds, whatever was timed: a time that is off must not make blocks free."""


def corrected(profile: Profile, compiled: dict[Plan, int]) -> Profile:
    """The profile with which uniform plans need as many bytes as the compiler says.

    Args:
        compiled: bytes on the device; each plan has one policy.
    """
    plain_first = sorted(compiled, key=lambda plan: _policy_of(plan) != "none")
    for plan in plain_first:  # by it the others know what a block computes again
        if _policy_of(plan) != "offload":  # which keeps nothing that could be scaled
            profile = _with_scale(profile, plan, compiled[plan])
    return profile


def calibrated(profile: Profile, rates: Rates, timed: dict[Plan, float]) -> Rates:
    """The rates with which uniform plans take as long as they took.

    The first plan sets how fast the device is; each sets how long the blocks of its policy take.

    Args:
        timed: seconds of a step; each plan has one policy.
    """
    if not timed:
        return rates
    first, seconds = next(iter(timed.items()))
    found = _slower(rates, seconds / cost(profile, rates, first).seconds)
    factors: dict[Policy, float] = dict(rates.factors)
    for plan, seconds in timed.items():
        policy = _policy_of(plan)
        blocks = profile.faces * block_seconds(profile, found, plan)
        rest = cost(profile, found, plan).seconds - blocks
        factors[policy] = factors.get(policy, 1.0) * max(_LEAST_FACTOR, (seconds - rest) / blocks)
    return dataclasses.replace(found, factors=factors)


def _slower(rates: Rates, times: float) -> Rates:
    """A device that needs so many times as long for everything but copies."""
    return dataclasses.replace(
        rates,
        flops=rates.flops / times,
        traffic=rates.traffic / times,
        launch=rates.launch * times,
    )


def _with_scale(profile: Profile, plan: Plan, need: int) -> Profile:
    """The profile in which the plan needs so many bytes, by bisection of its policy's scale."""
    low, high = 0.0, _LARGEST_SCALE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        scales = {**profile.fit.scales, _policy_of(plan): middle}
        tried = dataclasses.replace(profile, fit=dataclasses.replace(profile.fit, scales=scales))
        above = device_bytes(tried, plan, live_bytes(tried, plan)) > need
        low, high = (low, middle) if above else (middle, high)
    return tried


def _policy_of(plan: Plan) -> Policy:
    """The only policy of a uniform plan."""
    return next(iter(plan.policies), "none")
