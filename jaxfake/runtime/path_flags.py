"""Flags whose values are paths."""

from typing import Any

from absl import flags

from jaxfake.runtime.files import expand_home

flags.disclaim_key_flags()  # a flag is of the command that defines it here, for --help


def define_path(name: str, default: str | None, help_text: str) -> flags.FlagHolder[Any]:
    """Defines a flag whose value is a path, as a text; `~` is the home folder, as in a shell."""
    return flags.DEFINE(_Path(), name, default, help_text)


def define_paths(name: str, default: list[str] | None, help_text: str) -> flags.FlagHolder[Any]:
    """Defines a flag whose value is a list of paths, separated by commas; `~` is the home folder."""
    return flags.DEFINE(_Paths(), name, default, help_text, serializer=flags.CsvListSerializer(","))


class _Path(flags.ArgumentParser[str]):
    """A shell expands `~` at the beginning of a word alone, and so not in --out=~/faces."""

    def parse(self, argument: str) -> str:
        return expand_home(argument)

    def flag_type(self) -> str:
        return "path"


class _Paths(flags.ListParser):
    def parse(self, argument: str | list[str]) -> list[str]:
        return [expand_home(path) for path in super().parse(argument)]
