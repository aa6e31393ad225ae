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
    missing_files,
    packed_archives,
    safe_paths,
    wilddeepfake,
)
from jaxfake.data.layouts.listing import Listing
from jaxfake.data.layouts.own_files import folder, table
from jaxfake.data.layouts.own_files.numbered import Numbered
from jaxfake.runtime.errors import InputError

FOLDER, TABLE, FFPP = "folder", "csv", "ffpp"
CELEBDF = "celebdf"
DATASETS = (
    FOLDER,
    TABLE,
    FFPP,
    "dfd",
    CELEBDF,
    "dfdc",
    "dfdc_preview",
    "deeperforensics",
    "wilddeepfake",
    "deepfakebench",
)

OWN_FILES = (FOLDER, TABLE)
"""Those that are a person's own files, without official lists."""


@dataclass(frozen=True)
class SourceOptions:
    """Options of a source. Each applies to some datasets only."""

    identity: str = ""  # folder, see `folder.list_folder`
    label: str | None = None  # folder, see `folder.list_folder`
    numbered: Numbered | None = None  # folder, see `numbered.items`
    own_splits: bool = True  # folder and csv: whether the splits that they give are taken
    manifest: Path | None = None  # csv, the table
    protocol: Path | None = (
        None  # folder of the official splits; None: where the dataset keeps them
    )
    drop_youtube: bool = False  # Celeb-DF, see `celebdf.list_celebdf`
    follow_links: bool = False  # out of the source, see `safe_paths`
    subset: bool = False  # of an official dataset: what is there is taken, see `missing_files`


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
    _check_options(dataset, options)
    match dataset:
        case "folder":
            listing = folder.list_folder(
                root,
                options.identity,
                options.label,
                options.numbered,
                options.own_splits,
                options.follow_links,
            )
        case "csv":
            assert options.manifest is not None
            listing = table.list_table(
                options.manifest, root, options.own_splits, options.follow_links
            )
        case _:
            listing = _with_archives(_list_layout(dataset, root, options), root.resolve())
    listing = safe_paths.confine(listing, root.resolve(), options.follow_links)
    return missing_files.as_subset(listing) if options.subset else listing


def _check_options(dataset: str, options: SourceOptions) -> None:
    if dataset != FOLDER and (options.identity or options.label or options.numbered):
        own = "has columns for them" if dataset == TABLE else "has its own"
        raise InputError(
            f"--identity, --label and --numbered are for --dataset={FOLDER}: {dataset} {own}"
        )
    if dataset != CELEBDF and options.drop_youtube:
        raise InputError(f"--drop_youtube is for --dataset={CELEBDF}, not {dataset}")
    if dataset in OWN_FILES and options.protocol:
        raise InputError(f"--protocol is for a dataset with official splits, not {dataset}")
    if dataset in OWN_FILES and options.subset:
        raise InputError(f"--subset is for a dataset with official lists, not {dataset}")
    if (dataset == TABLE) != (options.manifest is not None):
        raise InputError(f"--manifest=FILE.csv and --dataset={TABLE} go together: give both")


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
            return ffpp.list_ffpp(root, options.protocol, options.subset)
        case "dfd":
            return dfd.list_dfd(root, options.protocol)
        case "celebdf":
            return celebdf.list_celebdf(
                root, options.protocol, options.drop_youtube, options.subset
            )
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
    return root.resolve().name if dataset in OWN_FILES else dataset
