"""What tests of real faces need, and skip without."""

from pathlib import Path

import pytest

from jaxfake.errors import InputError
from jaxfake.faces import models
from jaxfake.faces.finder import FaceFinder

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def face_models() -> models.FaceModels:
    try:
        return models.check(models.folder())
    except InputError:
        pytest.skip(f"no face models in {models.folder()}: run {models.FETCH_COMMAND}")


@pytest.fixture(scope="session")
def finder(face_models) -> FaceFinder:
    return FaceFinder(face_models)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"no folder {SHARED} with real faces")
    return SHARED
