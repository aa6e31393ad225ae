"""From plain values to dataclasses: what was given comes back, and what is wrong is named."""

import dataclasses
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.typed_values import build


@dataclasses.dataclass(frozen=True)
class Small:
    name: Literal["small"]
    share: float


@dataclasses.dataclass(frozen=True)
class Large:
    name: Literal["large"]
    steps: int


@dataclasses.dataclass(frozen=True)
class Settings:
    steps: int
    rate: float
    fast: bool
    mode: Literal["part", "random"]
    size: Small | Large | None
    keep: int = 3


_SIZES = st.one_of(
    st.none(),
    st.builds(Small, st.just("small"), st.floats(allow_nan=False)),
    st.builds(Large, st.just("large"), st.integers()),
)
SETTINGS = st.builds(
    Settings,
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.sampled_from(["part", "random"]),
    _SIZES,
    st.integers(),
)
PLAIN: dict[str, Any] = {"steps": 5, "rate": 0.5, "fast": True, "mode": "part", "size": None}


@settings(max_examples=100, deadline=None)
@given(SETTINGS)
def test_what_was_written_as_plain_values_comes_back(value: Settings) -> None:
    assert build(Settings, dataclasses.asdict(value), "config") == value


def test_a_whole_number_is_a_number_and_what_is_left_out_has_its_default() -> None:
    built = build(Settings, PLAIN | {"rate": 2}, "config")
    assert (built.rate, type(built.rate), built.keep) == (2.0, float, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stepz": 5}, "config.stepz is not a known key; did you mean 'steps'?"),
        ({"steps": 5.5}, "config.steps must be a whole number, not 5.5"),
        ({"steps": True}, "config.steps must be a whole number, not True"),
        ({"rate": False}, "config.rate must be a number, not False"),
        ({"fast": 1}, "config.fast must be true or false, not 1"),
        ({"steps": None}, "config.steps must be a whole number, not None"),
        ({"mode": "parts"}, "config.mode must be one of part, random, not 'parts'"),
        ({"size": 3}, "config.size must be a group of keys, not 3"),
        ({"size": {"name": "tiny"}}, "config.size.name must be one of small, large, not 'tiny'"),
        ({"size": {"name": "small"}}, "config.size.share is missing"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        build(Settings, PLAIN | change, "config")
    assert str(error.value) == said


def test_what_is_no_group_or_not_all_of_it_is_named() -> None:
    with pytest.raises(InputError, match="config must be a group of keys, not 3"):
        build(Settings, 3, "config")
    with pytest.raises(InputError, match=r"config\.fast is missing"):
        build(Settings, {key: PLAIN[key] for key in ("steps", "rate")}, "config")
