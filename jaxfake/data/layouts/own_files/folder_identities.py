"""Who is in each file of a folder, by the names of files and clips.

    real/ann.jpg, fake/FaceSwap/ann.jpg     the same name, the same person
    id0_0001.mp4, id0_0002.mp4              a name with several numbers: all of id0
    fake/000_003.mp4                        of both 000 and 003, if these are reals or 003_000 is a fake too
    fake/vid0_swapped.mp4                   of vid0, if that is real

A file that fits none of these is a person of its own. Where the folders give the splits, numbers may begin
anew in each of them: a name of numbers and words such as `frame` is somebody else in each split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jaxfake.data.layouts.own_files import folder_words, numbered
from jaxfake.data.layouts.own_files.folder_words import FAKE, REAL
from jaxfake.data.layouts.own_files.numbered import Item

_SEPARATORS = "_-"

_COUNTERS = folder_words.word_set("dsc dscn dscf pxl mvi gopr screenshot scan seed")
"""Words that cameras and generators put before a number, whoever is in the picture."""


@dataclass(frozen=True)
class Who:
    """The identities in a file.

    Attributes:
        linked: more than the first, which must not be in another split than that.
        target: the name of the real file that a fake was made from; '' if its own name does not say.
    """

    identity: str
    linked: tuple[str, ...] = ()
    target: str = ""


def identities(items: Sequence[Item]) -> dict[str, Who]:
    """Who is in each item, by its relative path."""
    names = _names(items)
    pairs = _Pairs(items, names)
    found = {
        item.relative: (item.place.label == FAKE and pairs.who(item)) or Who(names[item.relative])
        for item in items
    }
    meant = {
        name
        for item in items
        if found[item.relative].target not in ("", item.name)
        for name in (found[item.relative].identity, *found[item.relative].linked)
    }
    return {one.relative: _in_split(found[one.relative], one.place.split, meant) for one in items}


def _names(items: Sequence[Item]) -> dict[str, str]:
    """For each item the part of its name that stands for a person."""
    members: dict[str, int] = {}
    for item in items:
        members[_series(item)] = members.get(_series(item), 0) + 1
    series = {name for name in members if name and not _is_counter(name)}
    words = {name for name in series if not _has_number(name)}
    # One word before all numbers, such as portrait_0001, tells nobody from anybody.
    named = series - words if len(words) == 1 else series
    persons = {name for name in named if members[name] > 1}
    again = _numbers_of_several_folders(items)
    return {
        item.relative: _series(item)
        if _series(item) in persons
        else "/".join((*_inner(item), item.name) if item.relative in again else (item.name,))
        for item in items
    }


def _series(item: Item) -> str:
    return "" if item.frames else numbered.series_of(item.name)[0]


def _is_counter(name: str) -> bool:
    words = folder_words.words_of(name)
    return all(folder_words.is_companion(word) or word in _COUNTERS for word in words)


def _has_number(name: str) -> bool:
    return any(word.isdecimal() for word in folder_words.words_of(name))


def _says_nothing(name: str) -> bool:
    """Whether a name has only numbers and words such as `frame`."""
    words = (word for word in folder_words.words_of(name) if not word.isdecimal())
    return all(folder_words.is_companion(word) or word in _COUNTERS for word in words)


def _inner(item: Item) -> tuple[str, ...]:
    """The folders above an item that are neither its label nor its manipulation."""
    below = item.place.specific[1:] if item.place.label == FAKE else item.place.specific
    return item.place.above + below


def _numbers_of_several_folders(items: Sequence[Item]) -> set[str]:
    """The items whose names say nothing and are in several folders, so that the name alone is of nobody."""
    folders: dict[str, set[tuple[str, ...]]] = {}
    for item in items:
        if _says_nothing(item.name) and _inner(item):
            folders.setdefault(item.name, set()).add(_inner(item))
    return {item.relative for item in items if len(folders.get(item.name, ())) > 1}


class _Pairs:
    """Finds the real names in the names of fakes."""

    def __init__(self, items: Sequence[Item], names: dict[str, str]) -> None:
        reals = [item for item in items if item.place.label == REAL]
        self._names = names
        self._real_files = {item.name for item in reals}
        self._fakes = {item.name for item in items if item.place.label == FAKE}
        persons: dict[str, set[str]] = {}
        for item in reals:
            series = _series(item)
            for name in {item.name, names[item.relative], series if _has_number(series) else ""}:
                persons.setdefault(name, set()).add(names[item.relative])
        self._persons = {
            name: found.pop() for name, found in persons.items() if name and len(found) == 1
        }

    def who(self, item: Item) -> Who | None:
        """The identities of a fake; None if no name in its own is known."""
        for name in (self._names[item.relative], item.name):
            if name in self._persons:
                return Who(self._persons[name], target=item.name)
        names = [name for name in (_series(item), item.name) if name]
        found = [(name, self._of_both(name)) for name in names]
        found += [(name, self._of_one(name)) for name in reversed(names)]
        for name, who in found:
            if who:
                original = who.target + item.name[len(name) :]
                return replace(who, target=self._existing(original, who.target))
        return None

    def _of_both(self, name: str) -> Who | None:
        for target, source in _halves(name):
            if target in self._persons and source in self._persons:
                return self._pair(self._persons[target], self._persons[source], target)
            if any(f"{source}{mark}{target}" in self._fakes for mark in _SEPARATORS):
                return self._pair(
                    self._persons.get(target, target), self._persons.get(source, source), target
                )
        return None

    @staticmethod
    def _pair(target: str, source: str, name: str) -> Who:
        return Who(target, (source,) if source != target else (), name)

    def _of_one(self, name: str) -> Who | None:
        halves = sorted(_halves(name), key=lambda half: -len(half[0]))
        for target, _ in halves:
            if target in self._persons:
                return Who(self._persons[target], target=target)
        for _, source in reversed(halves):
            if source in self._persons:
                return Who(self._persons[source], target=source)
        return None

    def _existing(self, *names: str) -> str:
        """The first that is a real file; else the last."""
        return next((name for name in names if name in self._real_files), names[-1])


def _halves(name: str) -> Iterator[tuple[str, str]]:
    """All ways to part a name at a separator: `a_b_c` is a + b_c and a_b + c."""
    for at, letter in enumerate(name):
        halves = name[:at].rstrip(_SEPARATORS), name[at:].lstrip(_SEPARATORS)
        if letter in _SEPARATORS and all(halves):
            yield halves


def _in_split(who: Who, split: str, meant: set[str]) -> Who:
    """The same with the names that say nothing told apart by their split."""
    if not split:
        return who

    def told_apart(name: str) -> str:
        return f"{split}/{name}" if _says_nothing(name) and name not in meant else name

    return replace(
        who, identity=told_apart(who.identity), linked=tuple(map(told_apart, who.linked))
    )
