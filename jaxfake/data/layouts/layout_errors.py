"""Errors for a folder that does not hold the dataset: what was expected and what is there, in one line."""

from collections.abc import Sequence
from pathlib import Path

from jaxfake.data.layouts import packed_archives, safe_paths
from jaxfake.data.layouts.listing import Excluded
from jaxfake.data.layouts.untrusted_input import shown
from jaxfake.runtime.errors import InputError

_NAMED = 4


def wrong_root(root: Path, name: str, layout: str, detail: str = "") -> InputError:
    """The error for a root without the dataset's folders.

    Args:
        detail: what exactly is wrong with it, if more is known than the content of the root.
    """
    found = detail or describe_content(root)
    return InputError(f"{root} is not a copy of {name}; expected: {layout}; {found}")


def no_video(
    root: Path,
    name: str,
    layout: str,
    refused: Sequence[Excluded],
    kind: str = "video",
    place: Path | None = None,
) -> InputError:
    """The error for a root with the dataset's folders and no usable file in them.

    Args:
        place: the folder whose content tells most; None for the root.
    """
    where = ""
    if place is not None and place != root:
        where = f"in {shown(place.relative_to(root).as_posix())}: "
    return InputError(
        f"{root} holds no {kind} of {name}{_first(refused)}; expected: {layout}; "
        f"{where}{describe_content(place or root)}"
    )


def describe_content(root: Path) -> str:
    """Says in a few words what is in a folder."""
    if not root.is_dir():
        return "the folder does not exist"
    found = safe_paths.visible(root)
    if not found:
        return "it is empty"
    names = [shown(path.name) + "/" * path.is_dir() for path in found[:_NAMED]]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    packed = any(packed_archives.is_archive(path) for path in found)
    return f"it holds {', '.join(names)}{more}" + (" (unpack the archives)" if packed else "")


def _first(refused: Sequence[Excluded]) -> str:
    if not refused:
        return ""
    more = f"; and {len(refused) - 1} more" if len(refused) > 1 else ""
    return f" ({refused[0].relative}: {refused[0].reason}{more})"
