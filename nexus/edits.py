"""Edits of the routes while Nexus runs: tried out, applied at once, kept in the file, taken back.

Each edit is one of the configuration's text (`nexus.config.live`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from nexus import wire
from nexus.config.live import LiveText
from nexus.config.routes import difference, routes_of, with_routes
from nexus.domain.fleet import Fleet
from nexus.domain.routes import Preview, Routes
from nexus.errors import BadRequest, Conflict, Outdated
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig

log = get_logger("nexus.config")


@dataclass(frozen=True, slots=True)
class _Trial:
    """A text that may be put in force."""

    text: str
    config: NexusConfig
    ignored: tuple[str, ...]
    """What the environment or a flag says otherwise."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The last change, for taking it back."""

    before: Routes
    text_before: str
    after: str
    """The version it led to."""
    text_after: str


class RouteEdits:
    """See the module.

    Args:
        live: the configuration's text.
    """

    def __init__(self, live: LiveText) -> None:
        self._live = live
        self._last: _Step | None = None

    def routes(self) -> Routes:
        """Those in force."""
        return routes_of(self._live.config)

    async def preview(self, wanted: Routes, fleet: Fleet) -> tuple[Preview, NexusConfig | None]:
        """What an edit would do to the file, and the configuration it would lead to.

        Args:
            fleet: whose models are known.
        """
        now = self.routes()
        if wanted.version not in ("", now.version):
            return Preview(problems=(_outdated(now).message,)), None
        text = self._live.text()
        try:
            trial = await asyncio.to_thread(self._try, text, now, wanted)
        except BadRequest as error:
            return Preview(problems=_sentences(error)), None
        warnings = (*trial.ignored, *_doubts(wanted, fleet))
        return Preview(warnings=warnings, diff=difference(text, trial.text)), trial.config

    async def apply(self, wanted: Routes) -> tuple[Routes, Routes]:
        """Put routes in force and into the file: those before and those after.

        Raises:
            Outdated: somebody changed them meanwhile.
            BadRequest: they cannot be.
        """
        async with self._live.lock:
            now = self.routes()
            if wanted.version not in ("", now.version):
                raise _outdated(now)
            text = self._live.text()
            trial = await asyncio.to_thread(self._try, text, now, wanted)
            return await self._put(trial, now, text)

    async def undo(self) -> tuple[Routes, Routes]:
        """Take the last change back: the routes before and after that. Again: take that back.

        Raises:
            Conflict: there is nothing to take back, or the file was edited since.
        """
        async with self._live.lock:
            last, now = self._last, self.routes()
            if last is None:
                raise Conflict("The routes have not been changed since Nexus started")
            if now.version != last.after:
                raise Conflict(
                    "The routes were changed in the configuration file since; edit them instead"
                )
            text = self._live.text()
            if text == last.text_after:
                trial = await asyncio.to_thread(self._read, last.text_before)
            else:
                trial = await asyncio.to_thread(self._try, text, now, last.before)
            return await self._put(trial, now, text)

    async def _put(self, trial: _Trial, now: Routes, text: str) -> tuple[Routes, Routes]:
        why_not = await self._live.put(trial.text, trial.config)
        if why_not:
            log.warning("the change is lost at the next start: %s", why_not)
        after = self.routes()
        if after.version != now.version:
            self._last = _Step(now, text, after.version, trial.text)
        return now, after

    def _try(self, text: str, now: Routes, wanted: Routes) -> _Trial:
        """In a thread: reading takes some milliseconds."""
        trial = self._read(with_routes(text, now, wanted))
        got = routes_of(trial.config)
        ignored = tuple(
            f"{name} stays {_said(getattr(got, name))}: an environment variable or a flag says so"
            for name in ("strategy", "max_retries")
            if getattr(got, name) != getattr(wanted, name)
        )
        return replace(trial, ignored=ignored)

    def _read(self, text: str) -> _Trial:
        """Raises BadRequest with every mistake."""
        return _Trial(text, self._live.read(text), ())


def _outdated(now: Routes) -> Outdated:
    return Outdated(
        "The routes were changed meanwhile; look at them again, then repeat the edit",
        context={"version": now.version, "current": wire.plain(now)},
    )


def _sentences(error: BadRequest) -> tuple[str, ...]:
    """One sentence for each mistake."""
    problems = (error.context or {}).get("problems")
    if not isinstance(problems, list):
        return (error.message,)
    told = cast("list[Mapping[str, str]]", problems)
    return tuple(f"{each['key']}: {each['allowed']}" for each in told)


def _doubts(wanted: Routes, fleet: Fleet) -> tuple[str, ...]:
    """What is allowed, and looks like a mistake."""
    known = fleet.by_model
    said = [
        f"alias '{name}' has no effect: a model of that name exists"
        for name in wanted.aliases
        if name in known
    ]
    said += [
        f"alias '{name}' leads to '{target}', which no backend has"
        for name, target in wanted.aliases.items()
        if target not in known and target not in wanted.aliases
    ]
    said += [
        f"fallback of '{model}': no backend has '{name}'"
        for model, names in wanted.fallbacks.items()
        for name in names
        if name not in known
    ]
    return tuple(said)


def _said(value: object) -> str:
    return str(getattr(value, "value", value))
