"""The whole way from a picture to a face, for tests that need it."""

import pytest

from jaxfake.faces import model_files
from jaxfake.faces.finder import FaceFinder


@pytest.fixture(scope="session")
def finder(face_models: model_files.FaceModels) -> FaceFinder:
    return FaceFinder(face_models)
