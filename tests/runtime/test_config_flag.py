"""A faulty config file is named with its line."""

from pathlib import Path

import pytest

from jaxfake.runtime.config_flag import load_config
from jaxfake.runtime.errors import InputError

GOOD = """import ml_collections

def get_config(variant=""):
    return ml_collections.ConfigDict({"variant": variant})
"""


def _file(folder: Path, content: str) -> Path:
    file = folder / "mine.py"
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = 1\ny = (", r"line 2: SyntaxError: '\(' was never closed"),
        ("x = 1\nif x:\ny = 2", "line 3: IndentationError"),
        ("\n\nx = y", "line 3: NameError: name 'y' is not defined"),
        ("import nothing_of_this_name", "line 1: ModuleNotFoundError"),
        ("def get_config():\n    return {}['a']", "line 2: KeyError: 'a'"),
        ("def get_config():\n    return int('a')", "line 2: ValueError: invalid literal"),
        ("def get_config():\n    open('/no/such')", "line 2: FileNotFoundError"),
        ("import sys\nsys.exit(3)", "line 2: SystemExit: 3"),
        ("x = 1", "has no function get_config"),
        ("get_config = 5", "TypeError: 'int' object is not callable"),
        ("\ndef get_config():\n    pass", "line 2: get_config must return a ConfigDict, not None"),
        ("def get_config():\n    return {}", "line 1: get_config must return a ConfigDict, not {}"),
        ("\0", "SyntaxError|ValueError"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line(content: str, said: str, tmp_path: Path) -> None:
    file = _file(tmp_path, content)
    with pytest.raises(InputError, match=rf"{file}.*(?:{said})"):
        load_config(str(file))


def test_a_variant_that_is_not_taken_is_named(tmp_path: Path) -> None:
    file = _file(tmp_path, GOOD.replace('variant=""', "").replace(": variant", ": 0"))
    with pytest.raises(InputError, match=rf"{file}: TypeError: get_config\(\) takes 0"):
        load_config(f"{file}:small")


def test_a_fault_of_an_imported_module_says_where_both_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_by_mine.py").write_text("a = 1\nb = c\n")
    file = _file(tmp_path, "import imported_by_mine")
    with pytest.raises(InputError, match=r"mine\.py, line 1: .*imported_by_mine\.py, line 2\)"):
        load_config(str(file))


def test_a_config_in_the_home_folder_and_its_variant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file(tmp_path, GOOD)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config("~/mine.py:large")
    assert config.variant == "large"
    with pytest.raises(AttributeError, match="locked"):
        config.other = 1
