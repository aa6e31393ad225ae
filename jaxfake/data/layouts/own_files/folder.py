"""A person's own folder of photographs and videos, read by the names in it.

    SOURCE/...                    everything has the label that was given
    SOURCE/real/...               real
    SOURCE/fake/...               fake; method 'fake'
    SOURCE/fake/METHOD/...        fake; method 'METHOD'
    SOURCE/train/real/...         the same in the split 'train'; also real/train/...
    SOURCE/.../VIDEO/0001.jpg     the frames of one clip, see `numbered`

Folders for real and fake may have many names (`folder_words`), at any depth (`folder_labels`). Where names
could mean several things the folder is refused, with the flag that settles it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from jaxfake import schema
from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.data.layouts.own_files import (
    folder_identities,
    folder_labels,
    folder_words,
    linked_identities,
    numbered,
)
from jaxfake.data.layouts.own_files.folder_identities import Who
from jaxfake.data.layouts.own_files.folder_labels import BY_TABLE, Place
from jaxfake.data.layouts.own_files.folder_words import FAKE
from jaxfake.data.layouts.own_files.numbered import Item, Numbered
from jaxfake.faces.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_image, is_video
from jaxfake.runtime.errors import InputError

LABELS = {"real": schema.REAL, "fake": schema.FAKE, "unknown": schema.UNKNOWN}

BY_FOLDER = "by folder"

_ANEW = (
    "give --splits to split anew by identity, or say with --identity who is in a file, such as "
    "--identity='(.*)' if everybody is somebody else"
)


def list_folder(
    root: Path,
    identity: str = "",
    label: str | None = None,
    numbering: Numbered | None = None,
    own_splits: bool = True,
    follow_links: bool = False,
) -> Listing:
    """The photographs, videos and clips in a folder.

    Args:
        root: the folder.
        identity: '' for what the names say, see `folder_identities`; 'parent' for the name of a file's
            folder; else a regular expression with one group, searched in the relative path.
        label: 'real', 'fake' or 'unknown' for a folder without real/ and fake/; None is real, unless a
            name may mean something else.
        numbering: what pictures with numbers for names are; None to go by the names, see `numbered`.
        own_splits: whether folders such as train/ give the splits.
        follow_links: whether links may lead out of the root.

    Raises:
        InputError: it is not a folder, holds nothing usable, or its names do not fit the options.
    """
    root, candidates, refused = _media(root, follow_links)
    places = folder_labels.places(candidates, own_splits)
    labelled = any(place.label for place in places.values())
    if labelled and label:
        raise InputError(
            f"--label={label}: {root} has folders real/ or fake/ that give the labels; leave it out"
        )
    label_of_all = "" if labelled else label or _label_of_all(root, candidates, places)
    items = numbered.items(root, places, numbering, told=bool(identity))
    files = _files(root, items, _people(items, identity), label_of_all)
    linked_identities.check_own_splits(files, _ANEW)
    return Listing(
        files,
        refused,
        BY_FOLDER if labelled else label_of_all,
        identity=f"by --identity={identity}" if identity else "by the names of files and clips",
        split=BY_FOLDER if any(file.split for file in files) else "",
        notes=[*_label_note(root, labelled or bool(label), label_of_all), *_notes(items)],
    )


def list_unlabelled(root: Path, numbering: Numbered | None = None) -> Listing:
    """The same files for somebody who asks about them: no label, split or person is read from their names.

    Raises:
        InputError: it is not a folder, or holds nothing usable.
    """
    root, candidates, refused = _media(root)
    places = {one: Place("", "", "", folder_labels.folders_of(one)) for one in candidates}
    notes = []
    try:
        items = numbered.items(root, places, numbering, told=False)
    except InputError as error:
        items = numbered.items(root, places, numbering, told=True)
        open_folder = str(error).partition(":")[0]
        notes.append(f"{open_folder}: taken as photographs (--numbered=frames if they are clips)")
    people = {item.relative: Who(item.relative) for item in items}
    unknown = "unknown"
    return Listing(
        _files(root, items, people, unknown), refused, unknown, notes=[*notes, *_notes(items)]
    )


def gives_labels(root: Path) -> bool:
    """Whether the names of folders give the label of every file.

    Raises:
        InputError: as `list_folder`.
    """
    _, candidates, _ = _media(root)
    return any(place.label for place in folder_labels.places(candidates, own_splits=False).values())


def _media(root: Path, follow_links: bool = False) -> tuple[Path, list[str], list[Excluded]]:
    """The resolved root, its photographs and videos, and what is refused."""
    if not root.is_dir():
        raise InputError(f"--source={root} is not a folder: name the one that holds your files")
    root = root.resolve()
    candidates, refused, others = [], [], 0
    walked = safe_paths.walk(root, follow_links)
    for relative, reason in sorted(
        (path.relative_to(root).as_posix(), why) for path, why in walked
    ):
        reason = _name_fault(relative) or reason or _fault(root / relative)
        if reason:
            refused.append(Excluded(relative, reason))
        elif _is_media(root / relative):
            candidates.append(relative)
        else:
            others += 1
    if not candidates:
        raise InputError(_nothing(root, refused, others))
    return root, candidates, refused


def _name_fault(relative: str) -> str:
    """Why a file is not read because of its name; '' if it is."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in relative):
        return "its name holds control characters or is not UTF-8"
    return ""


def _fault(path: Path) -> str:
    """Why a picture or video is not read; '' if it is."""
    return safe_paths.fault(path) if _is_media(path) else ""


def _is_media(path: Path) -> bool:
    return is_image(path) or is_video(path)


def _nothing(root: Path, refused: list[Excluded], others: int) -> str:
    kinds = " ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    seen = f"{others} other files"
    if refused:
        seen += (
            f" and {len(refused)} refused ones, such as {refused[0].relative}: {refused[0].reason}"
        )
    return f"{root} holds no photograph or video ({kinds}), but {seen}: give --source such a folder"


def _label_of_all(root: Path, candidates: Sequence[str], places: dict[str, Place]) -> str:
    """The label of all files of a folder without real/ and fake/: by the source's own name, else real.

    Raises:
        InputError: a name may speak of real and fake.
    """
    own = folder_labels.of_source(root.parts)
    if own:
        return own
    folders = dict.fromkeys(name for one in candidates for name in folder_labels.folders_of(one))
    hint = next((f"{name}/" for name in (root.name, *folders) if folder_words.hints(name)), "")
    stems = (one for one in candidates if folder_words.has_label(PurePosixPath(one).stem))
    hint = hint or next(stems, "")
    if not hint and {place.below[:1] for place in places.values()} == {("0",), ("1",)}:
        hint = "0/ and 1/"
    if hint:
        raise InputError(
            f"{root} does not settle what is real and what is fake, and the name {hint} may speak of "
            f"it: give --label=real, fake or unknown for all, make folders real/ and fake/, {BY_TABLE}"
        )
    return "real"


def _files(
    root: Path, items: Sequence[Item], people: dict[str, Who], label_of_all: str
) -> list[SourceFile]:
    ids = _video_ids(items)
    originals = _Originals(root, items)
    return [
        SourceFile(
            path=(root / item.frames[0]).parent if item.frames else root / item.relative,
            relative=item.relative,
            label=LABELS[item.place.label or label_of_all],
            method=_method(item) if item.place.label else label_of_all,
            identity=people[item.relative].identity,
            video_id=ids[item.relative],
            split=item.place.split,
            original=originals.of(item, people[item.relative].target),
            frames=tuple(root / frame for frame in item.frames),
            linked=people[item.relative].linked,
        )
        for item in items
    ]


def _method(item: Item) -> str:
    """The manipulation: the first folder below fake/ that tells more than the kind of its files."""
    if item.place.label != FAKE:
        return schema.REAL_METHOD
    if not folder_words.read(item.place.named).plain:
        return item.place.named
    folders = item.place.specific[:-1] if item.is_folder else item.place.specific
    return folders[0] if folders else FAKE


class _Originals:
    """Finds the real file that a fake was made from."""

    def __init__(self, root: Path, items: Sequence[Item]) -> None:
        self._root = root
        self._reals: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            if item.place.label == folder_words.REAL:
                self._reals.setdefault((item.place.split, item.name), []).append(item)

    def of(self, fake: Item, target: str) -> Path | tuple[Path, ...] | None:
        """The one real file of that name, of the same kind and split; None if there is not one."""
        found = self._reals.get((fake.place.split, target), []) if target else []
        if len(found) != 1 or self._kind(found[0]) != self._kind(fake):
            return None
        if not fake.frames:
            return self._root / found[0].relative
        by_number = {numbered.number_of(frame): self._root / frame for frame in found[0].frames}
        frames = [by_number.get(numbered.number_of(frame)) for frame in fake.frames]
        originals = tuple(frame for frame in frames if frame is not None)
        return originals if len(originals) == len(fake.frames) else None

    def _kind(self, item: Item) -> str:
        if item.frames:
            return "frames"
        return "photograph" if is_image(self._root / item.relative) else "video"


def _people(items: Sequence[Item], identity: str) -> dict[str, Who]:
    """Who is in each item: as a person says, else by the names.

    Raises:
        InputError: what the person says does not fit the names.
    """
    if not identity:
        return folder_identities.identities(items)
    rule = _parent if identity == "parent" else _pattern(identity)
    return {item.relative: Who(_by_rule(rule, item, identity)) for item in items}


def _by_rule(rule: Callable[[Item, str], str], item: Item, identity: str) -> str:
    found = list(dict.fromkeys(rule(item, file) for file in item.files))
    if len(found) > 1 and item.is_folder:
        # A rule that finds another person in every path means the path of the clip.
        found = [rule(item, item.relative)]
    if len(found) > 1:
        raise InputError(
            f"--identity={identity} finds {found[0]} and {found[1]} in one clip, {item.relative}: "
            "give --numbered=photos if its pictures are photographs, else change the pattern"
        )
    return found[0]


def _pattern(text: str) -> Callable[[Item, str], str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--identity={text} is not a regular expression: {error}") from error
    if pattern.groups != 1:
        raise InputError(f"--identity={text} needs one group ( ), it has {pattern.groups}")

    def searched(item: Item, relative: str) -> str:
        del item
        match = pattern.search(relative)
        if not match or not match[1]:
            raise InputError(f"--identity={text} does not match {relative}: widen the pattern")
        return match[1]

    return searched


def _parent(item: Item, relative: str) -> str:
    # The folders of real/x.jpg and fake/METHOD/x.jpg are not named after a person; that of a clip is.
    others = 1 if item.place.label == FAKE and not item.is_folder else 0
    if len(item.place.below) <= others:
        raise InputError(
            f"--identity=parent: {relative} is not in a folder of its person; make one for each"
        )
    return item.place.below[-1]


def _video_ids(items: Sequence[Item]) -> dict[str, str]:
    """The relative path without suffix, or with it where two files differ only in the suffix."""
    bare = {item.relative: _bare(item) for item in items}
    times = Counter(bare.values())
    return {relative: (name if times[name] == 1 else relative) for relative, name in bare.items()}


def _bare(item: Item) -> str:
    if item.is_folder:
        return item.relative
    return (PurePosixPath(item.relative).parent / item.name).as_posix()


def _label_note(root: Path, is_told: bool, label: str) -> list[str]:
    if is_told:
        return []
    if folder_labels.of_source(root.parts):
        return [f"everything is taken as {label}, by the name of {root} (see --label)"]
    return [f"no real/ or fake/ in {root}: everything is taken as {label} (see --label)"]


def _notes(items: Sequence[Item]) -> list[str]:
    clips = [item for item in items if item.frames]
    if not clips:
        return []
    frames = sum(len(item.frames) for item in clips)
    return [
        f"{frames} numbered pictures are taken as the frames of {len(clips)} clips, such as "
        f"{clips[0].relative} (--numbered=photos if they are photographs)"
    ]
