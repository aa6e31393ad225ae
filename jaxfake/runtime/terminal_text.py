"""Text of other people, made safe for a terminal, where it could move the cursor, hide or fake lines."""

_ORDERS = [
    *(code for code in range(0x20) if chr(code) not in "\n\t"),
    *range(0x7F, 0xA0),
    *range(0x2028, 0x202F),  # line separators, and marks that turn the direction of writing
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),  # bytes of a name that are not UTF-8
]
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _ORDERS}


def printable(text: str) -> str:
    r"""The text with every character that a terminal takes for an order written as an escape, such as \x1b.

    Ends of lines and tabs stay.
    """
    return text.translate(_ESCAPES)


def printable_line(text: str) -> str:
    r"""The same on one line: its ends of lines become \n."""
    return printable(text).replace("\n", "\\n")
