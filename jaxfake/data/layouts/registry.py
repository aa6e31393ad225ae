"""Which datasets can be prepared, by the names that people give them."""

from pathlib import Path
from typing import NamedTuple

from jaxfake.data.layouts import (
    archives,
    celebdf,
    deeperforensics,
    deepfakebench,
    dfd,
    dfdc,
    dfdc_preview,
    ffpp,
    folder,
    wilddeepfake,
)
from jaxfake.data.layouts.listing import Listing
from jaxfake.runtime.errors import InputError

FOLDER, FFPP = "folder", "ffpp"
CELEBDF = "celebdf"
DATASETS = (
    FOLDER,
    FFPP,
    "dfd",
    CELEBDF,
    "dfdc",
    "dfdc_preview",
    "deeperforensics",
    "wilddeepfake",
    "deepfakebench",
)


class Wishes(NamedTuple):
    """What may be said of a source beside where it is. Each belongs to some datasets alone."""

    identity: str = ""  # folder, see `folder.list_folder`
    label: str | None = None  # folder, the same
    protocol: Path | None = (
        None  # of the official splits; None is where the dataset would have them
    )
    drop_youtube: bool = False  # Celeb-DF, see `celebdf.list_celebdf`


NO_WISHES = Wishes()


def list_source(dataset: str, root: Path, wishes: Wishes) -> Listing:
    """What there is to prepare in a person's copy of a dataset, and the archives left in it.

    Args:
        dataset: one of `DATASETS`.
        root: its folder.

    Raises:
        InputError: the folder does not hold that dataset, or a wish does not belong to it.
    """
    if dataset != FOLDER and (wishes.identity or wishes.label):
        raise InputError(
            f"--identity and --label are for --dataset={FOLDER}: {dataset} has its own"
        )
    if dataset != CELEBDF and wishes.drop_youtube:
        raise InputError(f"--drop_youtube is for --dataset={CELEBDF}, not {dataset}")
    if dataset == FOLDER:
        if wishes.protocol:
            raise InputError(f"--protocol is for a dataset with official splits, not {FOLDER}")
        return folder.list_folder(root, wishes.identity, wishes.label)
    return _with_archives(_list_layout(dataset, root, wishes), root.resolve())


def _with_archives(listing: Listing, root: Path) -> Listing:
    """An archive is told as such, whatever else the layout has to say of it."""
    said = {item.relative for item in listing.missing}
    found = [item for item in archives.beside(root) if item.relative not in said]
    names = {item.relative for item in found}
    others = [item for item in listing.refused if item.relative not in names]
    return listing._replace(refused=[*others, *found])


def _list_layout(dataset: str, root: Path, wishes: Wishes) -> Listing:
    match dataset:
        case "ffpp":
            return ffpp.list_ffpp(root, wishes.protocol)
        case "dfd":
            return dfd.list_dfd(root, wishes.protocol)
        case "celebdf":
            return celebdf.list_celebdf(root, wishes.protocol, wishes.drop_youtube)
        case "dfdc":
            return dfdc.list_dfdc(root, wishes.protocol)
        case "dfdc_preview":
            return dfdc_preview.list_dfdc_preview(root, wishes.protocol)
        case "deeperforensics":
            return deeperforensics.list_deeperforensics(root, wishes.protocol)
        case "wilddeepfake":
            return wilddeepfake.list_wilddeepfake(root, wishes.protocol)
        case "deepfakebench":
            return deepfakebench.list_deepfakebench(root, wishes.protocol)
        case _:
            raise InputError(f"no dataset {dataset!r}: there is {', '.join(DATASETS)}")


def dataset_name(dataset: str, root: Path) -> str:
    """What the examples call their dataset."""
    return root.resolve().name if dataset == FOLDER else dataset
