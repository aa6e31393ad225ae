"""A source of noise, prepared without face models."""

from pathlib import Path

import pytest

from tests.data.preparation import stand_in


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Source folder of eight photographs and two clips, in which a stand-in finds faces."""
    stand_in.install(monkeypatch)
    return stand_in.source(tmp_path / "noise")
