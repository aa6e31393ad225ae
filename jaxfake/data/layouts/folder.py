"""A person's own folder of photographs and videos: what is in it, and what its names say.

    SOURCE/...                    everything has the label that was given (real by default)
    SOURCE/real/...               real
    SOURCE/fake/...               fake; method 'fake'
    SOURCE/fake/METHOD/...        fake; method 'METHOD'

The names real and fake are taken in any case. Hidden files and folders are passed over.
"""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from jaxfake import schema
from jaxfake.data.layouts.listing import Listing, Refused, SourceFile
from jaxfake.faces.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_image, is_video
from jaxfake.runtime.errors import InputError

LABELS = {"real": schema.REAL, "fake": schema.FAKE, "unknown": schema.UNKNOWN}

BY_FOLDER = "by folder"


def list_folder(root: Path, identity: str = "", label: str | None = None) -> Listing:
    """Walks the folder.

    Args:
        root: the folder.
        identity: '' for the file's name without suffix, 'parent' for the name of its folder, else a
            regular expression with one group, searched in the relative path.
        label: 'real', 'fake' or 'unknown' for a folder without real/ and fake/; None is real.

    Raises:
        InputError: no folder, nothing usable in it, or names that do not say what they should.
    """
    if not root.is_dir():
        raise InputError(f"--source={root} is no folder: name the one that holds your files")
    root = root.resolve()
    candidates, refused, others = [], [], 0
    for relative in _walk(root):
        why = _refusal(root, relative)
        if why:
            refused.append(Refused(relative, why))
        elif _is_media(relative):
            candidates.append(relative)
        else:
            others += 1
    if not candidates:
        raise InputError(_nothing(root, refused, others))
    labelled = any(_side(relative) for relative in candidates)
    if labelled and label:
        raise InputError(
            f"--label={label}: {root} says itself what is real/ and fake/; leave it out"
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
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        visible = [name for name in [*files, *links] if not name.startswith(".")]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in visible]
    return iter(sorted(found))


def _refusal(root: Path, relative: str) -> str:
    """Why this entry is not opened; '' if it may be."""
    path = root / relative
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in relative):
        return "its name holds control characters or is no UTF-8"
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return "it is a link that leaves the folder"
    if path.is_dir():
        return "it is a link to a folder"
    if _is_media(relative) and not (path.exists() and stat.S_ISREG(path.stat().st_mode)):
        return "it is no regular file"
    return ""


def _is_media(relative: str) -> bool:
    path = Path(relative)
    return is_image(path) or is_video(path)


def _nothing(root: Path, refused: list[Refused], others: int) -> str:
    kinds = " ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
    seen = f"{others} other files"
    if refused:
        seen += f" and {len(refused)} that are refused: {refused[0].why}"
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
        raise InputError(f"--identity={text} is no regular expression: {error}") from error
    if pattern.groups != 1:
        raise InputError(f"--identity={text} needs one group ( ), it has {pattern.groups}")

    def searched(relative: str) -> str:
        match = pattern.search(relative)
        if not match or not match[1]:
            raise InputError(f"--identity={text} finds nothing in {relative}: widen the pattern")
        return match[1]

    return searched


def _parent(relative: str) -> str:
    parts = PurePosixPath(relative).parts
    side = _side(relative)
    # real/x.jpg and fake/METHOD/x.jpg lie in a folder that names no person.
    above = len(parts) - 1 - {"": 0, "real": 1, "fake": 2}[side]
    if above < 1:
        raise InputError(
            f"--identity=parent: {relative} lies in no folder of its own; make one each"
        )
    return parts[-2]


def _video_ids(relatives: list[str]) -> dict[str, str]:
    """Relative path without suffix; with it where two files differ in nothing else."""
    bare = {relative: str(PurePosixPath(relative).with_suffix("")) for relative in relatives}
    times = Counter(bare.values())
    return {relative: (name if times[name] == 1 else relative) for relative, name in bare.items()}
