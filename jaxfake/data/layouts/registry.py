"""The datasets that can be prepared, by name, and their options."""

from dataclasses import dataclass, replace
from pathlib import Path

from jaxfake.data.layouts import (
    celebdf,
    deeperforensics,
    deepfakebench,
    dfd,
    dfdc,
    dfdc_preview,
    ffpp,
    folder,
    packed_archives,
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


@dataclass(frozen=True)
class SourceOptions:
    """Options of a source. Each applies to some datasets only."""

    identity: str = ""  # folder, see `folder.list_folder`
    label: str | None = None  # folder, see `folder.list_folder`
    protocol: Path | None = (
        None  # folder of the official splits; None: where the dataset keeps them
    )
    drop_youtube: bool = False  # Celeb-DF, see `celebdf.list_celebdf`


DEFAULT_OPTIONS = SourceOptions()


def list_source(dataset: str, root: Path, options: SourceOptions) -> Listing:
    """The files to prepare in a user's copy of a dataset, and archives in it that are not unpacked.

    Args:
        dataset: one of `DATASETS`.
        root: its folder.
        options: for this dataset.

    Raises:
        InputError: the folder does not hold that dataset, or an option does not apply to it.
    """
    if dataset != FOLDER and (options.identity or options.label):
        raise InputError(
            f"--identity and --label are for --dataset={FOLDER}: {dataset} has its own"
        )
    if dataset != CELEBDF and options.drop_youtube:
        raise InputError(f"--drop_youtube is for --dataset={CELEBDF}, not {dataset}")
    if dataset == FOLDER:
        if options.protocol:
            raise InputError(f"--protocol is for a dataset with official splits, not {FOLDER}")
        return folder.list_folder(root, options.identity, options.label)
    return _with_archives(_list_layout(dataset, root, options), root.resolve())


def _with_archives(listing: Listing, root: Path) -> Listing:
    """The listing with the archives, each named once."""
    missing = {item.relative for item in listing.missing}
    archives = [item for item in packed_archives.not_unpacked(root) if item.relative not in missing]
    names = {item.relative for item in archives}
    refused = [item for item in listing.refused if item.relative not in names]
    return replace(listing, refused=[*refused, *archives])


def _list_layout(dataset: str, root: Path, options: SourceOptions) -> Listing:
    match dataset:
        case "ffpp":
            return ffpp.list_ffpp(root, options.protocol)
        case "dfd":
            return dfd.list_dfd(root, options.protocol)
        case "celebdf":
            return celebdf.list_celebdf(root, options.protocol, options.drop_youtube)
        case "dfdc":
            return dfdc.list_dfdc(root, options.protocol)
        case "dfdc_preview":
            return dfdc_preview.list_dfdc_preview(root, options.protocol)
        case "deeperforensics":
            return deeperforensics.list_deeperforensics(root, options.protocol)
        case "wilddeepfake":
            return wilddeepfake.list_wilddeepfake(root, options.protocol)
        case "deepfakebench":
            return deepfakebench.list_deepfakebench(root, options.protocol)
        case _:
            raise InputError(f"there is no dataset {dataset!r}; there are {', '.join(DATASETS)}")


def dataset_name(dataset: str, root: Path) -> str:
    """The `dataset` of every example."""
    return root.resolve().name if dataset == FOLDER else dataset
