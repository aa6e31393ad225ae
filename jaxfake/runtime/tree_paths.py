"""Names of the arrays of a tree, as rules, checkpoints and messages use them."""

from typing import Any

import jax


def path_name(path: tuple[Any, ...]) -> str:
    """The path of an array in its tree: names joined by '/'."""
    return jax.tree_util.keystr(path, simple=True, separator="/")
