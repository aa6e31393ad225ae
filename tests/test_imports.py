"""Who may import whom, read from the source and tried without the heavy libraries."""

import ast
import functools
import importlib.util
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "jaxfake"

LEVELS = (
    {"runtime", "schema", "beam"},
    {"faces"},
    {"models", "data"},
    {"config", "checkpoints", "weights"},
    {"train"},
    {"evaluation"},
    {"reporting"},
    {"experiment"},
    {"store", "inference"},
    {"serving"},
)
"""From the bottom up: each imports its own level and those before. Every other module is a verb, on top."""

PLACES = {path.stem for path in PACKAGE.iterdir()}
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("tensorflow", "tensorflow_datasets", "grain", "cv2", "torch")


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports(path):
    """Full names of what a file imports, anywhere in it."""
    return list(_imported(path, ast.walk(parsed(path))))


@functools.cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(path, nodes):
    package = (
        module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    )
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def place(name):
    """The folder or module right under jaxfake that a full name is of; '' for the package itself."""
    return name.partition(".")[2].split(".")[0]


def level(name):
    return next((i for i, places in enumerate(LEVELS) if place(name) in places), len(LEVELS))


@functools.cache
def own_imports():
    """Pairs (importing module, imported name) inside of jaxfake; not the package's own names."""
    return [
        (module_name(path), name)
        for path in SOURCES
        for name in imports(path)
        if name.startswith("jaxfake.") and place(name) in PLACES
    ]


def test_imports_go_down_the_levels():
    assert [(who, what) for who, what in own_imports() if level(what) > level(who)] == []


def test_networks_and_masks_do_not_know_where_faces_come_from():
    assert [
        (who, what)
        for who, what in own_imports()
        if place(who) in ("faces", "models") and place(what) == "data"
    ] == []


def graph():
    """Each module's own imports, as modules."""
    modules = {module_name(path) for path in SOURCES}

    def module_of(name):
        return name if name in modules else name.rpartition(".")[0]

    arrows = {module: set() for module in modules}
    for who, what in own_imports():
        arrows[who].add(module_of(what))
    return arrows


def reachable(arrows, module):
    seen, ahead = set(), list(arrows[module])
    while ahead:
        found = ahead.pop()
        if found not in seen:
            seen.add(found)
            ahead += arrows.get(found, ())
    return seen


def test_no_module_imports_itself_by_way_of_others():
    arrows = graph()
    assert [module for module in arrows if module in reachable(arrows, module)] == []


def test_every_folder_has_a_level():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= set().union(*LEVELS)


def test_a_newcomer_can_survey_every_folder():
    folders = [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    sizes = {
        folder.relative_to(PACKAGE.parent): sum(
            not one.name.startswith("__") for one in folder.iterdir()
        )
        for folder in folders
        if folder.name != "__pycache__"
    }
    assert sizes.pop(Path("jaxfake")) <= 24
    assert {folder: size for folder, size in sizes.items() if size > 20} == {}


def test_only_the_checkpoint_module_imports_orbax():
    importers = {module_name(p) for p in SOURCES for name in imports(p) if name.startswith("orbax")}
    assert importers == {"jaxfake.checkpoints.manager"}


def test_plots_and_splines_are_imported_when_they_are_needed():
    """Every command would begin half a second later."""
    slow = ("matplotlib", "scipy.interpolate", "scipy.spatial")
    at_once = {(module_name(p), name) for p in SOURCES for name in _imported(p, parsed(p).body)}
    assert {(who, name) for who, name in at_once if name.startswith(slow)} == set()


def test_only_the_pipeline_imports_apache_beam():
    importers = {module_name(p) for p in SOURCES for name in imports(p) if "apache_beam" in name}
    assert importers == {"jaxfake.beam.pipeline"}


def test_nothing_imports_tensorflow_or_torch():
    assert [
        (module_name(path), name)
        for path in SOURCES
        for name in imports(path)
        if name.split(".")[0] in ("tensorflow", "torch")
    ] == []


def test_the_core_imports_without_the_heavy_libraries():
    models = [module_name(p) for p in SOURCES if p.parent == PACKAGE / "models"]
    core = [*models, "jaxfake.train.step"]
    program = f"""
import importlib, sys
for name in {HEAVY}:
    sys.modules[name] = None  # an import of it fails
for name in {core}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
