"""What a reader must know of the splits of a dataset: how many people, and whether they share any."""

from jaxfake.data.split_check import SplitCheck


def split_facts(check: SplitCheck) -> tuple[tuple[str, str], ...]:
    """Rows (name, value) for the report."""
    people = ", ".join(f"{count} in {split}" for split, count in check.identities.items())
    rows = [("people", people)]
    if len(check.identities) > 1:
        rows.append(("in two splits", f"{_count(check)}; checked: {', '.join(check.identities)}"))
    rows += [("not checked", f"{split}: {reason}") for split, reason in check.unread.items()]
    return tuple(rows)


def split_warning(check: SplitCheck) -> list[str]:
    """A sentence for the top of the page, if splits share people or pictures."""
    shared = check.people or check.pictures
    if not shared:
        return []
    whose = "its authors' own" if check.by_authors else "the dataset's"
    return [
        f"Warning: {whose} splits share {_count(check)}, such as {shared[0]}: a test on them is not one on "
        "unseen people."
    ]


def _count(check: SplitCheck) -> str:
    return f"{len(check.people)} people and {len(check.pictures)} pictures"
