"""Which identities belong together because one file holds several of them, as a swapped face does."""

from collections.abc import Iterable

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.runtime.errors import InputError


def first_of_group(files: Iterable[SourceFile]) -> dict[str, str]:
    """For each identity the first name, in sorted order, of all that it is linked to, directly or not.

    An identity that is linked to nobody stands for itself, so whoever is added elsewhere does not move it.
    """
    first: dict[str, str] = {}

    def leader(name: str) -> str:
        first.setdefault(name, name)
        while first[name] != name:
            first[name] = first[first[name]]
            name = first[name]
        return name

    for file in files:
        for other in file.linked:
            one, another = sorted((leader(file.identity), leader(other)))
            first[another] = one
        leader(file.identity)
    return {name: leader(name) for name in first}


def check_own_splits(files: Iterable[SourceFile], advice: str) -> None:
    """Checks that the splits that a source gives part nobody.

    Raises:
        InputError: they do; it names two files and their identities.
    """
    listed = [file for file in files if file.split]
    groups, seen = first_of_group(listed), dict[str, SourceFile]()
    for file in listed:
        before = seen.setdefault(groups[file.identity], file)
        if before.split != file.split:
            who = " and ".join(dict.fromkeys((before.identity, file.identity)))
            linked = " are linked and" if before.identity != file.identity else " is"
            raise InputError(
                f"{who}{linked} in two splits: {before.relative} is in {before.split}, {file.relative} "
                f"in {file.split}: {advice}"
            )
