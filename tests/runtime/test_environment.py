"""Training asks for huge pages where the kernel gives them to those who ask, once."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxfake.runtime.processes.environment import with_huge_pages
from tests.project import ROOT

ASKED = "glibc.malloc.hugetlb=1"
AGAIN = """import os, sys
from jaxfake.runtime.processes import environment
environment._KERNEL_SETTING = type("Setting", (), {"read_text": lambda self, _: "always [madvise] never"})()
print(os.getpid(), os.environ.get("GLIBC_TUNABLES"), sys.argv[1:], flush=True)
environment.use_huge_pages()
"""


@pytest.fixture
def madvise(tmp_path: Path) -> Path:
    """What most kernels say."""
    file = tmp_path / "enabled"
    file.write_text("always [madvise] never\n")
    return file


def test_other_tunables_are_kept(madvise: Path) -> None:
    assert with_huge_pages({}, madvise) == ASKED
    others = {"GLIBC_TUNABLES": "glibc.malloc.check=1"}
    assert with_huge_pages(others, madvise) == f"glibc.malloc.check=1:{ASKED}"


@pytest.mark.parametrize("decided", [ASKED, "glibc.malloc.hugetlb=0"])
def test_what_is_decided_stays(decided: str, madvise: Path) -> None:
    assert with_huge_pages({"GLIBC_TUNABLES": decided}, madvise) is None


@pytest.mark.parametrize("says", ["[always] madvise never", "always madvise [never]", ""])
def test_nobody_asks_a_kernel_that_gives_them_to_all_or_to_none(says: str, tmp_path: Path) -> None:
    (tmp_path / "enabled").write_text(says)
    assert with_huge_pages({}, tmp_path / "enabled") is None
    assert with_huge_pages({}, tmp_path / "missing") is None


def test_the_program_starts_again_once_with_the_same_arguments() -> None:
    job = subprocess.run(
        [sys.executable, "-c", AGAIN, "--flag", "a b"],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = job.stdout.splitlines()
    process, asked, arguments = first.split(" ", 2)
    assert asked == "None"
    assert second == f"{process} {ASKED} {arguments}"
