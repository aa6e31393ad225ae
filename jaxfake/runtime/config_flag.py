"""The flag --config=FILE.py[:VARIANT] with --config.KEY=VALUE, whose faults are named by file and line."""

import importlib.machinery
import importlib.util
import os
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_collections
from absl import flags
from ml_collections import config_flags

from jaxfake.runtime.errors import InputError

flags.disclaim_key_flags()  # the flag is of the command that defines it here, for --help

_NAME = "config"


def define_config(default: str | None, help_text: str) -> flags.FlagHolder[Any]:
    """Defines the flag; its value is what `get_config` of the file returns, with what was changed in it.

    Parsing it raises InputError if there is no such file, or it is faulty.
    """
    holder = config_flags.DEFINE_config_file(_NAME, default, help_text)
    flags.FLAGS[_NAME].parser = _ConfigFile()
    return holder


def config_file() -> tuple[Path, str]:
    """The file of the flag, and the variant; '' for none.

    Raises:
        InputError: the flag is missing.
    """
    if not flags.FLAGS[_NAME].present:
        raise InputError("--config is missing: give it a file, such as --config=configs/mover.py")
    return _file_and_variant(config_flags.get_config_filename(flags.FLAGS[_NAME]))


def load_config(given: str) -> ml_collections.ConfigDict:
    """The config of `FILE.py[:VARIANT]`, to which no key can be added.

    Raises:
        InputError: there is no such file, or it is faulty.
    """
    file, variant = _file_and_variant(given)
    if not file.is_file():
        raise InputError(f"--config: there is no file {file}")
    config = _made(file, [variant] if ":" in given else [])
    config.lock()
    return config


class _ConfigFile(flags.ArgumentParser[Any]):
    """Loads the file itself: the library's parser names neither file nor line of a fault."""

    def parse(self, argument: str) -> ml_collections.ConfigDict:
        """See `load_config`."""
        return load_config(argument)

    def flag_type(self) -> str:
        """For --help."""
        return "config file"


def _file_and_variant(given: str) -> tuple[Path, str]:
    path, _, variant = given.partition(":")
    return Path(path).expanduser(), variant


def _made(file: Path, variant: list[str]) -> ml_collections.ConfigDict:
    try:
        get_config = getattr(_module(file), "get_config", None)
        if get_config is None:
            raise InputError(f"{file} has no function get_config, which returns the config")
        config = get_config(*variant)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # a config file may do anything
        raise InputError(_fault(error, file)) from error
    if not isinstance(config, ml_collections.ConfigDict):
        line = get_config.__code__.co_firstlineno
        raise InputError(
            f"{file}, line {line}: get_config must return a ConfigDict, not {config!r}"[:300]
        )
    return config


def _module(file: Path) -> ModuleType:
    name = f"{_NAME}_{_NAME}"
    loader = importlib.machinery.SourceFileLoader(name, os.fspath(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _fault(error: BaseException, file: Path) -> str:
    """Where a config file failed, and why."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename) == file]
    if not own:  # such as a call with a variant that it does not take
        return f"{file}: {said}"
    last = frames[-1]
    inside = "" if Path(last.filename) == file else f" (in {last.filename}, line {last.lineno})"
    return f"{file}, line {own[-1]}: {said}{inside}"
