"""The pages tell the truth: links lead somewhere, names exist, and the worked pages work."""

import ast
import functools
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from configs import deepfakemae, delocate, mover, recap
from jaxfake import config
from tests.project import ROOT
from tests.test_imports import LEVELS

APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""sha256 of the licence as its authors publish it."""

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "tools" / "launch" / "README.md",
    ]
)
WORKED = sorted((ROOT / "docs" / "contributing").glob("*.md"))
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""Those that speak of the project as it is."""

TO_WRITE = {
    "configs/linear_probe.py",
    "docs/datasets/studio.md",
    "jaxfake/data/layouts/studio.py",
    "jaxfake/models/linear_probe.py",
    "tests/data/layouts/test_studio.py",
}
"""Files that the worked pages tell people to write."""

LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"(?<![\w/.-])(?:jaxfake|configs|tools|tests|docs|third_party)/[\w./-]*\w/?")
NAME = re.compile(r"\bjaxfake(?:\.\w+)+:\w+(?:\.\w+)*")
MODULE = re.compile(r"`(jaxfake(?!\.service)(?:\.\w+)+)`")
COMMAND = re.compile(r"python -m (jaxfake(?:\.\w+)+)(.*)")


def by_name(page):
    return page.relative_to(ROOT).as_posix()


def anchors(text):
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", PRESENT, ids=by_name)
def test_files_exist(page):
    named = set(FILE.findall(page.read_text())) - TO_WRITE
    assert [name for name in named if not (ROOT / name).exists()] == []


@functools.cache
def defined(module):
    """What a module defines at its top, and in its classes; None if there is no such module."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.exists():
        return None
    names = set()
    for node in ast.parse(path.read_text()).body:
        names |= own_names(node)
        if isinstance(node, ast.ClassDef):
            inside = set().union(*map(own_names, node.body))
            names |= {f"{node.name}.{name}" for name in inside}
    return names


def own_names(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_names_in_the_code_exist(page):
    text = page.read_text()
    for full in NAME.findall(text):
        module, _, name = full.partition(":")
        assert name in (defined(module) or ()), full
    for module in MODULE.findall(text):
        assert defined(module) is not None, module


@pytest.mark.parametrize("page", PRESENT, ids=by_name)
def test_keys_of_the_config_exist(page):
    methods = mover, deepfakemae, recap, delocate
    configs = [config.parse(method.get_config("foundation")) for method in methods]
    known = set().union(*(keys_of(config.to_json(one)) for one in configs))
    keys = re.findall(r"--config\.([a-z][\w.]*)", page.read_text())
    assert [key for key in keys if key not in known] == []


def keys_of(values, prefix=""):
    found = set()
    for key, value in values.items():
        found |= {prefix + key} | (
            keys_of(value, f"{prefix}{key}.") if isinstance(value, dict) else set()
        )
    return found


@pytest.mark.parametrize("page", PRESENT, ids=by_name)
def test_flags_of_the_commands_exist(page):
    text = page.read_text().replace("\\\n", " ")
    for module, rest in COMMAND.findall(text):
        known = flags_of(module) | flags_of("jaxfake.runtime.cli") | {"help", "config"}
        flags = re.findall(r"--([a-z_]+)", rest.partition("`")[0])
        assert [flag for flag in flags if flag not in known] == [], module


@functools.cache
def flags_of(module):
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
    return set(re.findall(r"(?:DEFINE_\w+|define_paths?)\(\s*\"(\w+)\"", source))


def test_the_architecture_names_every_folder_and_its_level():
    text = (ROOT / "docs" / "architecture.md").read_text()
    rule = text.partition("\n```\n")[2].partition("\n```\n")[0]
    levels = [set(level.strip().split(", ")) for level in rule.split("<")]
    assert levels == [*LEVELS, {"the commands"}]
    for folder in sorted((ROOT / "jaxfake").glob("*/__init__.py")):
        assert f"| `{folder.parent.name}/` |" in text


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 90


def test_the_licence_is_apache_2():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_the_citation_is_of_this_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert [author["name"] for author in cited["authors"]] == [project["authors"][0]["name"]]
    for paper in cited["references"]:
        assert {"type", "title", "authors"} <= paper.keys()
        assert paper["url"].rpartition("/")[2] in paper["identifiers"][0]["value"]


CHECK = """
import sys
from pathlib import Path

import jax
import numpy as np

from configs import linear_probe
from jaxfake import config, schema
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples
from jaxfake.experiment import build_method

method = build_method.detector(config.parse(linear_probe.get_config()))
batch = {
    schema.IMAGE: np.zeros((2, 80, 80, 3), np.uint8),
    schema.LANDMARKS: np.zeros((2, 68, 2), np.float32),
    schema.LABEL: np.array([0, 1], np.int32),
    schema.VALID: np.ones(2, np.bool_),
}
keys = jax.random.split(jax.random.key(0), 2)
params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
losses = jax.eval_shape(method.losses, params, batch, keys)
assert losses.total["classification"].values.shape == (2,)
assert jax.eval_shape(method.predict, params, batch, keys).score.shape == (2,)

listing = list_source("studio", Path(sys.argv[1]), DEFAULT_OPTIONS)
assert [(file.method, file.split) for file in listing.files] == [
    ("real", "train"), ("faceswap", "train")
]
assert [one.relative for one in listing.missing] == ["videos/0003.mp4"]

faces = examples(ToyFaces(size=16, test=SplitSize(8, forgeries=1, frames=1)), "test")
nose, = [face for face in faces if face.method == "nose"]
assert 0 < (nose.forgery_mask > 0).mean() < 0.5
"""


def test_the_worked_pages_work(tmp_path):
    """Their files are written and their changes applied, to a copy of the project."""
    copy = tmp_path / "project"
    for part in ("jaxfake", "configs"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for page in WORKED:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for kind, block in blocks:
            path, _, content = block.partition("\n")
            if kind == "diff":
                change(copy, block)
            elif kind == "python" and path.startswith("# "):
                (copy / path.removeprefix("# ")).write_text(content)
    studio = tmp_path / "studio"
    (studio / "videos").mkdir(parents=True)
    for name in ("0001.mp4", "0002.mp4"):
        (studio / "videos" / name).write_bytes(b"")
    (studio / "labels.csv").write_text(
        "file,label,method,person,split\n0001.mp4,real,,p07,train\n0002.mp4,fake,faceswap,p07,train\n"
        "0003.mp4,real,,p08,test\n"
    )
    command = [sys.executable, "-c", CHECK, str(studio)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def change(project, diff):
    """Applies a unified diff by its text alone; every hunk must fit exactly one place."""
    files = re.split(r"^--- a/.*\n\+\+\+ b/(.*)\n", diff, flags=re.MULTILINE)
    for name, hunks in zip(files[1::2], files[2::2], strict=True):
        text = (project / name).read_text()
        for hunk in re.split(r"^@@.*@@\n", hunks, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if not line.startswith("+"))
            after = "".join(line[1:] for line in lines if not line.startswith("-"))
            assert text.count(before) == 1, f"{name}:\n{hunk}"
            text = text.replace(before, after)
        (project / name).write_text(text)
