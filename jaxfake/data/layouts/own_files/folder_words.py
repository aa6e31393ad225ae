"""What the name of a folder says: real or fake, train, val or test, or nothing of that kind.

A name is read word by word: `0_real`, `REAL-videos` and `TrainFake` have such a word, `realistic` has not.
The vocabulary is our choice, from the layouts in which people share such data.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass

REAL, FAKE = "real", "fake"


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_LABELS = {
    REAL: "real reals original originals pristine authentic genuine bonafide unmanipulated unaltered",
    FAKE: "fake fakes faked manipulated manipulation manipulations synthesis synthetic synthesized "
    "synthesised deepfake deepfakes generated forged forgery forgeries tampered",
}
_LABEL_OF = {word: label for label, words in _LABELS.items() for word in words.split()}

_SPLITS = {
    "train": "train training",
    "val": "val valid validation dev",
    "test": "test testing",
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words.split()}

_COMPANIONS = word_set(
    "image images img imgs picture pictures pic pics photo photos video videos vid vids clip clips "
    "frame frames face faces sequence sequences sample samples crop crops cropped class"
)
"""Words that may stand beside a label or a split and say nothing themselves."""

_BESIDE_SPLITS = word_set("set data")
"""Only beside a split: `deepfake_data` may well hold both labels."""

_NEGATIONS = word_set("no non not un")

_HINTS = re.compile(
    "real|fake|origin|pristin|authentic|genuin|manipulat|synth|forg|tamper|swap|generat|reenact|spoof|"
    "diffusion|stylegan|midjourney|face2face|neuraltexture|faceshifter"
)
_HINT_WORDS = word_set("gan gans ai aigc class label positive negative true false")

_COMPRESSION = re.compile(r"c\d+|raw|hq|lq")


@dataclass(frozen=True)
class Name:
    """What the name of a folder says; '' for nothing.

    Attributes:
        plain: whether it says nothing but a label: `fake_videos` is plain, `Celeb-fake` is not.
    """

    label: str
    split: str
    plain: bool


@functools.cache
def read(name: str) -> Name:
    """Reads the name of one folder. A name with both labels, or with two splits, says neither."""
    words = words_of(name)
    labels = {_LABEL_OF[word] for word in words if word in _LABEL_OF}
    splits = {_SPLIT_OF[word] for word in words if word in _SPLIT_OF}
    rest = {
        word
        for word in words
        if not (word in _LABEL_OF or word in _SPLIT_OF or word in _COMPANIONS or word.isdecimal())
    }
    label = labels.pop() if len(labels) == 1 and not rest & _NEGATIONS else ""
    # `test` is a split only in a name that says nothing else: `driving_test_1` is none.
    split = splits.pop() if len(splits) == 1 and rest <= _BESIDE_SPLITS else ""
    return Name(label, split, plain=bool(label) and not rest)


def words_of(name: str) -> list[str]:
    """The words and numbers of a name in lower case: `TrainFake_02` is train, fake, 02."""
    text = unicodedata.normalize("NFKC", name)
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return re.findall(r"[^\W\d_]+|\d+", parted.casefold())


def is_general(name: str) -> bool:
    """Whether a folder's name tells the kind of its files and not what is in them: `videos`, `c23`."""
    return bool(_COMPRESSION.fullmatch(name.casefold())) or all(
        word in _COMPANIONS for word in words_of(name)
    )


def is_companion(word: str) -> bool:
    """Whether a word tells the kind of a file, or its label."""
    return word in _COMPANIONS or word in _LABEL_OF


def split_of(word: str) -> str:
    """The split that a word means, such as 'val' for 'Validation'; '' for none."""
    return _SPLIT_OF.get(word.casefold(), "")


def has_label(name: str) -> bool:
    """Whether any word of a name is a label."""
    return not _LABEL_OF.keys().isdisjoint(words_of(name))


def hints(name: str) -> bool:
    """Whether a name may speak of real and fake, within or beside a word: then nothing is guessed."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return bool(_HINTS.search(folded) or _HINT_WORDS & set(words_of(name)))
