"""Checks an uploaded file before it waits for its turn: by its first bytes, then by its header."""

import asyncio
import json
from pathlib import Path

from jaxfake.runtime.progress import say
from jaxfake.runtime.terminal_text import printable
from jaxfake.serving.limited import file_header, process
from jaxfake.serving.limited.process import ProcessLimits
from jaxfake.serving.limits import Limits

_MODULE = "jaxfake.serving.limited.file_header"
_UNREADABLE = "This file cannot be used: its header cannot be read within the limits."


class Checker:
    """Checks one file at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process_limits = ProcessLimits(
            limits.check_seconds, limits.check_memory, limits.written_bytes
        )
        self._turn = asyncio.Lock()

    async def refusal(self, path: Path) -> str:
        """Why a file, alone in its folder, cannot be scored, in a sentence; '' if it may be tried."""
        refusal = file_header.refusal_by_kind(path)
        if refusal:
            return refusal
        async with self._turn:
            return await self._by_header(path)

    async def _by_header(self, path: Path) -> str:
        numbers = (
            self._limits.picture_pixels,
            self._limits.frame_pixels,
            self._limits.video_seconds,
        )
        command = process.python(_MODULE, path.name, *map(str, numbers))
        ended = await process.run(command, path.parent, self._process_limits)
        try:
            refusal = (
                json.loads(ended.output.splitlines()[-1])["refusal"] if not ended.code else None
            )
        except (ValueError, LookupError, TypeError):
            refusal = None
        if isinstance(refusal, str):
            return refusal
        say(f"the check of a file ended with {ended.code}:\n{printable(ended.output)}")
        return _UNREADABLE
