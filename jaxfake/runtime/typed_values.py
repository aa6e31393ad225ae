"""From plain values, as JSON and ConfigDicts hold them, to frozen dataclasses.

Everything that a person or a file gives goes through here before it is used: the config, and the metadata
of a checkpoint. An unknown key is an error that names the nearest known one.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from jaxfake.runtime.errors import InputError


def build(kind: type, values: Any, path: str) -> Any:
    """A frozen dataclass from plain values, with every value checked against its annotation.

    Args:
        kind: the dataclass; its fields may be dataclasses, NamedTuples, Literals, plain types, unions of
            them, or tuples of any number of one.
        values: a mapping, or a ConfigDict.
        path: what the values are called in messages.

    Raises:
        InputError: a key is unknown, or missing without a default, or a value has the wrong type.
    """
    if not isinstance(values, Mapping) and not hasattr(values, "items"):
        raise InputError(f"{path} must be a group of keys, not {values!r}")
    hints = typing.get_type_hints(kind)
    given = dict(values.items())
    for key in given:
        if key not in hints:
            raise InputError(f"{path}.{key} is not a known key{_nearest(key, hints)}")
    missing = [field.name for field in dataclasses.fields(kind) if _is_missing(field, given)]
    if missing:
        raise InputError(f"{path}.{missing[0]} is missing")
    return kind(**{key: _value(hints[key], given[key], f"{path}.{key}") for key in given})


def _is_missing(field: dataclasses.Field[Any], given: Mapping[str, Any]) -> bool:
    defaults = (field.default, field.default_factory)
    return field.name not in given and all(one is dataclasses.MISSING for one in defaults)


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _value(kind: Any, value: Any, path: str) -> Any:
    if isinstance(kind, types.UnionType):
        return _one_of(typing.get_args(kind), value, path)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return build(kind, value, path)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind, value, path)
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise InputError(f"{path} must be one of {', '.join(choices)}, not {value!r}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
        return tuple(_value(typing.get_args(kind)[0], one, path) for one in value)
    plain = typing.get_origin(kind) or kind
    if not isinstance(value, plain) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{path} must be {_plain(kind)}, not {value!r}")
    return value


def _named_tuple(kind: Any, value: Any, path: str) -> Any:
    """A NamedTuple from its values in order."""
    hints = typing.get_type_hints(kind)
    if not isinstance(value, list | tuple) or len(value) != len(hints):
        raise InputError(f"{path} must hold ({', '.join(hints)}), not {value!r}")
    pairs = zip(hints.items(), value, strict=True)
    return kind(*(_value(hint, one, f"{path}.{name}") for (name, hint), one in pairs))


def _one_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    """None where that is allowed; else the only dataclass, or the one of the name that is given."""
    if value is None and types.NoneType in kinds:
        return None
    groups = [kind for kind in kinds if kind is not types.NoneType]
    if len(groups) == 1:
        return _value(groups[0], value, path)
    if not hasattr(value, "items"):
        raise InputError(f"{path} must be a group of keys, not {value!r}")
    named = {typing.get_args(typing.get_type_hints(kind)["name"])[0]: kind for kind in groups}
    name = dict(value.items()).get("name")
    if name not in named:
        raise InputError(f"{path}.name must be one of {', '.join(named)}, not {name!r}")
    return build(named[name], value, path)


def _plain(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}.get(
        kind, str(kind)
    )
