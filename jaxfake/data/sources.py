"""Which datasets can be prepared, by the names that people give them."""

from pathlib import Path

from jaxfake.data.layouts import ffpp, folder
from jaxfake.data.listing import Listing
from jaxfake.errors import InputError

FOLDER, FFPP = "folder", "ffpp"
DATASETS = (FOLDER, FFPP)


def list_source(
    dataset: str, root: Path, identity: str, label: str | None, protocol: Path | None
) -> Listing:
    """What there is to prepare in a person's copy of a dataset.

    Args:
        dataset: one of `DATASETS`.
        root: its folder.
        identity: for a folder of one's own, see `folder.list_folder`.
        label: the same.
        protocol: folder of the official splits; None is where the dataset would have them.

    Raises:
        InputError: the folder does not hold that dataset, or an option does not belong to it.
    """
    if dataset == FOLDER:
        if protocol:
            raise InputError(f"--protocol is for a dataset with official splits, not {FOLDER}")
        return folder.list_folder(root, identity, label)
    if identity or label:
        raise InputError(
            f"--identity and --label are for --dataset={FOLDER}: {dataset} has its own"
        )
    return ffpp.list_ffpp(root, protocol or root / "splits")


def dataset_name(dataset: str, root: Path) -> str:
    """What the examples call their dataset."""
    return root.resolve().name if dataset == FOLDER else dataset
