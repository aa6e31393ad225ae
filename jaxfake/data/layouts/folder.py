"""A user's own folder of photographs and videos, with labels and identities from the names in it.

    SOURCE/...                    everything has the label that was given (real by default)
    SOURCE/real/...               real
    SOURCE/fake/...               fake; method 'fake'
    SOURCE/fake/METHOD/...        fake; method 'METHOD'

Capital letters make no difference in real and fake. Hidden files and folders are skipped.
"""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from jaxfake import schema
from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.faces.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_image, is_video
from jaxfake.runtime.errors import InputError

LABELS = {"real": schema.REAL, "fake": schema.FAKE, "unknown": schema.UNKNOWN}

BY_FOLDER = "by folder"


def list_folder(root: Path, identity: str = "", label: str | None = None) -> Listing:
    """The photographs and videos in a folder.

    Args:
        root: the folder.
        identity: '' for the file's name without suffix, 'parent' for the name of its folder, else a
            regular expression with one group, searched in the relative path.
        label: 'real', 'fake' or 'unknown' for a folder without real/ and fake/; None is real.

    Raises:
        InputError: it is not a folder, holds nothing usable, or its names do not fit the options.
    """
    if not root.is_dir():
        raise InputError(f"--source={root} is not a folder: name the one that holds your files")
    root = root.resolve()
    candidates, refused, others = [], [], 0
    for relative in _walk(root):
        reason = _refusal(root, relative)
        if reason:
            refused.append(Excluded(relative, reason))
        elif _is_media(relative):
            candidates.append(relative)
        else:
            others += 1
    if not candidates:
        raise InputError(_nothing(root, refused, others))
    labelled = any(_side(relative) for relative in candidates)
    if labelled and label:
        raise InputError(
            f"--label={label}: {root} has folders real/ or fake/ that give the labels; leave it out"
        )
    rule = _identity_rule(identity)
    ids = _video_ids(candidates)
    files = [
        SourceFile(
            path=root / relative,
            relative=relative,
            label=LABELS[_kind(relative, labelled, label)],
            method=_method(relative, labelled, label),
            identity=rule(relative),
            video_id=ids[relative],
        )
        for relative in candidates
    ]
    return Listing(files, refused, others, BY_FOLDER if labelled else label or "real")


def _walk(root: Path) -> Iterator[str]:
    """Relative paths of all files, and of links to folders, sorted; hidden ones left out."""
    found = []
    for folder, names, files in os.walk(root, onerror=safe_paths.refuse_unlisted):
        names[:] = [name for name in names if not name.startswith(".")]
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        visible = [name for name in [*files, *links] if not name.startswith(".")]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in visible]
    return iter(sorted(found))


def _refusal(root: Path, relative: str) -> str:
    """Why a file is not read; '' if it is."""
    path = root / relative
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in relative):
        return "its name holds control characters or is not UTF-8"
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return safe_paths.LEAVES
    if path.is_dir():
        return "it is a link to a folder"
    if _is_media(relative) and not (path.exists() and stat.S_ISREG(path.stat().st_mode)):
        return "it is not a regular file"
    return ""


def _is_media(relative: str) -> bool:
    path = Path(relative)
    return is_image(path) or is_video(path)


def _nothing(root: Path, refused: list[Excluded], others: int) -> str:
    kinds = " ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    seen = f"{others} other files"
    if refused:
        seen += (
            f" and {len(refused)} refused ones, such as {refused[0].relative}: {refused[0].reason}"
        )
    return f"{root} holds no photograph or video ({kinds}), but {seen}: give --source such a folder"


def _side(relative: str) -> str:
    """'real' or 'fake' if the file is below such a folder of the root, else ''."""
    parts = PurePosixPath(relative).parts
    top = parts[0].lower()
    return top if len(parts) > 1 and top in ("real", "fake") else ""


def _kind(relative: str, labelled: bool, label: str | None) -> str:
    if not labelled:
        return label or "real"
    side = _side(relative)
    if not side:
        raise InputError(
            f"{relative} is neither below real/ nor below fake/: move it to one of them"
        )
    return side


def _method(relative: str, labelled: bool, label: str | None) -> str:
    kind = _kind(relative, labelled, label)
    parts = PurePosixPath(relative).parts
    if not (labelled and kind == "fake" and len(parts) > 2):
        return schema.REAL_METHOD if kind == "real" else kind
    if parts[1].lower() == schema.REAL_METHOD:
        raise InputError(
            f"{parts[0]}/{parts[1]} contradicts itself: name that folder by its method"
        )
    return parts[1]


def _identity_rule(text: str) -> Callable[[str], str]:
    if not text:
        return lambda relative: PurePosixPath(relative).stem
    if text == "parent":
        return _parent
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--identity={text} is not a regular expression: {error}") from error
    if pattern.groups != 1:
        raise InputError(f"--identity={text} needs one group ( ), it has {pattern.groups}")

    def searched(relative: str) -> str:
        match = pattern.search(relative)
        if not match or not match[1]:
            raise InputError(f"--identity={text} does not match {relative}: widen the pattern")
        return match[1]

    return searched


def _parent(relative: str) -> str:
    parts = PurePosixPath(relative).parts
    side = _side(relative)
    # The folders of real/x.jpg and fake/METHOD/x.jpg are not named after a person.
    above = len(parts) - 1 - {"": 0, "real": 1, "fake": 2}[side]
    if above < 1:
        raise InputError(
            f"--identity=parent: {relative} is not in a folder of its person; make one for each"
        )
    return parts[-2]


def _video_ids(relatives: list[str]) -> dict[str, str]:
    """The relative path without suffix, or with it where two files differ only in the suffix."""
    bare = {relative: str(PurePosixPath(relative).with_suffix("")) for relative in relatives}
    times = Counter(bare.values())
    return {relative: (name if times[name] == 1 else relative) for relative, name in bare.items()}
