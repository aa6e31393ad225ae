"""A root that is not that of the dataset: what was expected there, and what there is, in one line."""

from collections.abc import Sequence
from pathlib import Path

from jaxfake.data.layouts import archives, inside
from jaxfake.data.layouts.listing import Refused
from jaxfake.data.layouts.untrusted import shown
from jaxfake.runtime.errors import InputError

_NAMED = 4


def wrong_root(root: Path, name: str, layout: str) -> InputError:
    """Of a root without the dataset's folders."""
    return InputError(f"{root} is no {name}: expected are {layout}; {in_it(root)}")


def no_video(
    root: Path, name: str, layout: str, refused: Sequence[Refused], kind: str = "video"
) -> InputError:
    """Of a root with the dataset's folders, and nothing in them that can be taken."""
    return InputError(
        f"{root} holds no {kind} of {name}{_first(refused)}: expected are {layout}; {in_it(root)}"
    )


def in_it(root: Path) -> str:
    """What lies in a folder, in a few words; archives are named as such."""
    if not root.is_dir():
        return "there is no such folder"
    found = inside.visible(root)
    if not found:
        return "there is nothing in it"
    names = [shown(path.name) + "/" * path.is_dir() for path in found[:_NAMED]]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    packed = any(archives.is_archive(path) for path in found)
    return f"in it are {', '.join(names)}{more}" + (" (unpack the archives)" if packed else "")


def _first(refused: Sequence[Refused]) -> str:
    if not refused:
        return ""
    more = f"; and {len(refused) - 1} more" if len(refused) > 1 else ""
    return f" ({refused[0].relative}: {refused[0].why}{more})"
