"""Starts this program again with variables that a process reads only when it starts.

Call these before anything else: what was imported, opened or listened to is lost.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_TUNABLES, _HUGE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"
_KERNEL_SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def use_utf8() -> None:
    """Starts again in Python's UTF-8 mode if the locale would read names in another encoding.

    The same files would have other names there, or none, and other names make another dataset.
    """
    if sys.getfilesystemencoding() != "utf-8":
        _start_again({"PYTHONUTF8": "1"})


def use_huge_pages() -> None:
    """Starts again with pages of 2 MB for large arrays, if the kernel gives them to those who ask.

    XLA takes the memory of every update from the system and gives it back. With pages of 4 kB a fifth of
    a CPU's time goes there. A user who has set this variable for huge pages decides.
    """
    if (tunables := with_huge_pages(os.environ, _KERNEL_SETTING)) is not None:
        _start_again({_TUNABLES: tunables})


def with_huge_pages(environment: Mapping[str, str], kernel_setting: Path) -> str | None:
    """GLIBC_TUNABLES with huge pages; None if they are decided already, or the kernel lets nobody ask.

    Args:
        environment: of this process.
        kernel_setting: file in which the kernel says, in brackets, who gets huge pages.
    """
    tunables = environment.get(_TUNABLES, "")
    try:
        must_ask = "[madvise]" in kernel_setting.read_text("ascii")
    except OSError:
        return None
    if not must_ask or _HUGE in tunables:
        return None
    return ":".join(filter(None, (tunables, f"{_HUGE}=1")))


def this_command() -> list[str]:
    """What starts this program again, with the same arguments."""
    return [sys.executable, *sys.orig_argv[1:]]


def _start_again(variables: Mapping[str, str]) -> None:
    os.execve(sys.executable, this_command(), os.environ | variables)
