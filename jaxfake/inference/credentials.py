"""Content credentials (C2PA) of a file: what its maker's tools have signed of how it was made.

They are read by `c2pa-python`, where it is installed. A file without them is unknown, not fake: most files
have none. Nothing is fetched from the network, so credentials that are kept elsewhere are not seen, and no
list of trusted signers is consulted beyond what the library has.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

from jaxfake.runtime.terminal_text import printable_line

_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_timestamp_trust": False}
}
_MOST_CHARACTERS = 200
_MOST_ENTRIES = 20


def are_read() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("c2pa") is not None


def read(path: Path) -> dict[str, Any] | None:
    """What a file's credentials say, in short; None if it has none, or if they are not read here.

    The result has `state`: 'Trusted' or 'Valid' where the signature is right, by a signer that is known or
    not; 'Invalid' where it is not; 'Unreadable' with the reason.
    """
    if not are_read() or not path.is_file():
        return None
    from c2pa import C2paError, Context, Reader, Settings

    try:
        with Context(Settings.from_dict(_OFFLINE)) as context, path.open("rb") as file:
            reader = Reader.try_create(None, file, context=context)
            if reader is None:
                return None
            with reader:
                return _in_short(json.loads(reader.json()))
    except C2paError.NotSupported:
        return None
    except (C2paError, ValueError, KeyError, OSError) as error:
        return {"state": "Unreadable", "reason": _text(error)}


def _in_short(store: dict[str, Any]) -> dict[str, Any]:
    """The active manifest's facts, with bounded texts: whatever a file holds, results stay small."""
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = manifest.get("signature_info") or {}
    tools = manifest.get("claim_generator_info") or []
    made_by = [one.get("name", "") for one in tools if isinstance(one, dict)]
    return {
        "state": _text(store.get("validation_state", "unknown")),
        "signed_by": _text(signature.get("issuer", "")),
        "signed_at": _text(signature.get("time", "")),
        "made_with": [_text(one) for one in made_by[:_MOST_ENTRIES]],
        "actions": list(_actions(manifest))[:_MOST_ENTRIES],
    }


def _actions(manifest: dict[str, Any]) -> Any:
    """What was done, such as 'c2pa.created (trainedAlgorithmicMedia)'."""
    for assertion in manifest.get("assertions") or []:
        if not str(assertion.get("label", "")).startswith("c2pa.actions"):
            continue
        for action in (assertion.get("data") or {}).get("actions") or []:
            source = str(action.get("digitalSourceType", "")).rpartition("/")[2]
            yield _text(f"{action.get('action', '')}{f' ({source})' if source else ''}")


def _text(value: object) -> str:
    return printable_line(str(value))[:_MOST_CHARACTERS]
