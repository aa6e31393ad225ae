"""A folder that cannot be listed."""

import errno
import os

import pytest

from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.own_files import folder
from jaxfake.runtime.errors import InputError


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A source with a folder of that name, which a bad disk does not list."""

    def make(name):
        for place in ("good", name):
            (tmp_path / place).mkdir()
            (tmp_path / place / "a.png").write_bytes(b"x")
        scandir, listdir = os.scandir, os.listdir

        def refuse(function):
            def refusing(path="."):
                if os.fspath(path) == str(tmp_path / name):
                    raise OSError(errno.EIO, os.strerror(errno.EIO), os.fspath(path))
                return function(path)

            return refusing

        monkeypatch.setattr(os, "scandir", refuse(scandir))
        monkeypatch.setattr(os, "listdir", refuse(listdir))
        return tmp_path

    return make


def test_a_folder_that_cannot_be_listed_is_refused_and_not_left_out(failing):
    root = failing("bad")
    for listing in (folder.list_folder, lambda root: safe_paths.visible(root / "bad")):
        with pytest.raises(InputError, match=r"bad cannot be listed \(Input/output error\)"):
            listing(root)


def test_the_own_folder_of_a_disk_is_passed_over(failing):
    files = folder.list_folder(failing("lost+found")).files
    assert [file.relative for file in files] == ["good/a.png"]


def test_a_folder_that_is_not_there_has_no_entries(tmp_path):
    assert safe_paths.visible(tmp_path / "nowhere") == []
