"""Aliases, fallback chains, policies, strategy: seen, edited, previewed, applied, taken back.

Edits go into a draft. Nothing changes until it is applied, and before that the last hour's
requests are decided again under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.policy import Strategy
from nexus.domain.routes import Preview, Routes
from nexus.errors import Conflict, NexusError
from tui import drafts
from tui.commands import EVERYWHERE, FILTER_ACTIONS, Action
from tui.drafts import RowKey
from tui.render import routes as rows
from tui.render.cells import Cell, Line, Role, line
from tui.screens.base import dashboard
from tui.screens.choose import Choose, Option
from tui.screens.fields import Field
from tui.screens.form import Form
from tui.screens.modal import Confirm
from tui.screens.page import Page
from tui.views import Frame
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import TextLines

LEAST = 7
"""Lines of the pane below, while there is room."""
ASKED = 9
"""Lines of a preview in a question."""

ACTIONS = (
    Action("edit", "e,enter", "edit", "Change the rule under the cursor.", True,
           role=Access.ADMIN),
    Action("new", "n", "new", "Make an alias, a fallback chain or a policy.", True,
           role=Access.ADMIN),
    Action("delete", "x,delete", "delete", "Take the rule under the cursor out.", True,
           role=Access.ADMIN),
    Action("shift(-1)", "K", "earlier", "Policy: let it be read before the one above.",
           role=Access.ADMIN),
    Action("shift(1)", "J", "later", "Policy: let it be read after the one below.",
           role=Access.ADMIN),
    Action("apply", "A", "apply", "Put the changes in force and into the configuration.", True,
           role=Access.ADMIN),
    Action("discard", "X", "drop", "Forget the changes that are not applied.", True,
           role=Access.ADMIN),
    Action("undo", "Z", "undo", "Take back the last change that was applied.", True,
           role=Access.ADMIN),
    *FILTER_ACTIONS,
    *EVERYWHERE,
)  # fmt: skip


class RoutingPage(Page):
    """Rules above; below, where the one under the cursor leads, or what the draft would do."""

    NAME = "routing"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#rules"

    def __init__(self) -> None:
        super().__init__()
        self._view = rows.RoutesView()
        self._live: Routes | None = None
        self._draft = Routes()
        self._preview: Preview | None = None
        self._trouble = ""
        self._changes: object = None

    def panes(self) -> Iterable[Widget]:
        yield LiveTable(id="rules")
        yield TextLines(id="way", classes="pane")

    def small(self, small: bool) -> None:
        super().small(small)
        self.query_one("#rules").display = not small

    # -- what is in force --------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """True while a change is not applied."""
        return self._live is not None and self._draft != self._live

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._look()

    def _look(self) -> None:
        self.run_worker(self._fetch, name="routes", group="routes", exclusive=True)

    async def _fetch(self) -> None:
        try:
            found = await dashboard(self).source.routes()
        except NexusError as error:
            self._trouble = error.message
        else:
            self._trouble = ""
            self._take(found)
        self.refresh_frame()

    def _take(self, found: Routes) -> None:
        """Routes in force. A draft stays, and is then a change of these."""
        if not self.dirty:
            self._draft = found
        else:
            self._draft = replace(self._draft, version=found.version)
        self._live = found
        if self.dirty:
            self._foresee()

    # -- one frame ---------------------------------------------------------------------------

    @property
    def _table(self) -> LiveTable:
        return self.query_one("#rules", LiveTable)

    @property
    def _key(self) -> RowKey | None:
        return cast("RowKey | None", self._table.cursor)

    def paint(self, frame: Frame) -> None:
        if frame.state.changes is not self._changes:
            known, self._changes = self._changes, frame.state.changes
            if known is not None:  # somebody changed something
                self._look()
        if self._live is None:
            text = self._trouble or "◐ Asking for the routes."
            role = Role.BAD if self._trouble else Role.INFO
            self.notice((line(" ", Cell(text, role)),))
            return
        self._view.update(frame.state, self._live, self._draft, self.words)
        table = self._table
        title = rows.title(self._view, self.words, dirty=self.dirty)
        table.show(self._view, (*title, *table.position()))
        height = self.size.height - 3
        lines = self._below()  # after the table has its cursor
        below = min(max(LEAST, len(lines)), height // 2)
        pane = self.query_one("#way", TextLines)
        table.styles.height, pane.styles.height = height - below, below
        if len(lines) > below > 0:
            lines = (*lines[: below - 1], line("   ", Cell("… more than fits here", Role.FAINT)))
        pane.show(lines)

    def _below(self) -> tuple[Line, ...]:
        if self.dirty:
            return rows.pending_lines(self._preview)
        return rows.way_lines(self._key, self._view, self._draft)

    # -- the draft ---------------------------------------------------------------------------

    def _edit(self, draft: Routes) -> None:
        """Take a changed draft, and ask what it would do."""
        self._draft = draft
        self._foresee()
        self.refresh_frame()

    def _foresee(self) -> None:
        self._preview = None
        if self.dirty:
            self.run_worker(self._ask, name="preview", group="preview", exclusive=True)

    async def _ask(self) -> None:
        draft = self._draft
        try:
            found = await dashboard(self).source.preview(draft)
        except NexusError as error:
            found = Preview(problems=(error.message,))
        if draft == self._draft:
            self._preview = found
            self.refresh_frame()

    def action_apply(self) -> None:
        app = dashboard(self)
        if not self.dirty:
            app.say("There is no change to apply.")
            return
        preview = self._preview
        if preview is not None and preview.problems:
            app.say(preview.problems[0], severity="error")
            return
        text = rows.pending_lines(preview)[:ASKED]

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._apply, name="apply", group="apply", exclusive=True)

        app.push_screen(Confirm("Apply this change?", text, "Apply"), answered)

    async def _apply(self) -> None:
        app = dashboard(self)
        draft = self._draft
        try:
            found = await app.source.apply(draft)
        except Conflict as error:
            app.say(f"{error.message} Look again, then apply or drop.", severity="error")
            await self._fetch()
            return
        except NexusError as error:
            app.say(error.message, severity="error")
            return
        self._live = self._draft = found
        app.say("Applied. Z takes it back.")
        self.refresh_frame()

    def action_discard(self) -> None:
        if not self.dirty or self._live is None:
            dashboard(self).say("There is no change to drop.")
            return
        self._edit(self._live)
        dashboard(self).say("Dropped.")

    def action_undo(self) -> None:
        app = dashboard(self)

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._undo, name="undo", group="apply", exclusive=True)

        text = (
            line(Cell("The routes become what they were before the last change.")),
            line(Cell("That is a change too, and can be taken back.", Role.DIM)),
        )
        app.push_screen(Confirm("Take back the last change?", text, "Undo"), answered)

    async def _undo(self) -> None:
        app = dashboard(self)
        try:
            found = await app.source.undo()
        except NexusError as error:
            app.say(error.message, severity="error")
            return
        self._live = self._draft = found
        app.say("Taken back.")
        self.refresh_frame()

    # -- edits -------------------------------------------------------------------------------

    @property
    def _models(self) -> tuple[str, ...]:
        return self._view.models.names

    def action_new(self) -> None:
        options = (
            Option("alias", "Alias", hint="another name for a model"),
            Option("fallback", "Fallback", hint="models that serve when one cannot"),
            Option("policy", "Policy", hint="what requests for some models must keep to"),
        )

        def chosen(kind: str | None) -> None:
            if kind:
                self._open(kind, None)

        dashboard(self).push_screen(Choose("What is new?", options), chosen)

    def new_alias(self, target: str) -> None:
        """Begin an alias that leads to a model."""
        self._open("alias", None, {"name": "", "target": target})

    def action_edit(self) -> None:
        if (key := self._key) is not None:
            self._open(key.kind, key)

    def action_delete(self) -> None:
        key = self._key
        if key is None or key.kind == "setting":
            dashboard(self).say("The strategy can be changed, not deleted.", severity="warning")
        else:
            self._edit(drafts.without(self._draft, key))

    def action_shift(self, by: int) -> None:
        key = self._key
        if key is None or key.kind != "policy":
            dashboard(self).say("Only policies have an order.", severity="warning")
            return
        at = int(key.name)
        draft = drafts.moved(self._draft, at, by)
        if draft != self._draft:
            self._edit(draft)
            self._table.action_move(by)

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        if self.check_action("edit", ()):
            self.action_edit()

    def _open(self, kind: str, key: RowKey | None, words: Mapping[str, str] | None = None) -> None:
        """Ask for the words of one rule."""
        if self._live is None:
            return
        draft = self._draft
        match kind:
            case "alias":
                old = key.name if key else None
                given = words or {"name": old or "", "target": draft.aliases.get(old or "", "")}
                form = Form(
                    "Alias",
                    (
                        Field("name", "Name", given["name"], "gpt-4"),
                        Field(
                            "target",
                            "Leads to",
                            given["target"],
                            "a model; → completes it",
                            self._models,
                        ),
                    ),
                    lambda typed: drafts.check_alias(draft, old, typed, self._models),
                    "Keep",
                    "Clients that ask for the name get the model.",
                )
                self._form(form, lambda typed: drafts.with_alias(self._draft, old, typed))
            case "fallback":
                old = key.name if key else None
                chain = ", ".join(draft.fallbacks.get(old or "", ()))
                form = Form(
                    "Fallback chain",
                    (
                        Field(
                            "model",
                            "Model",
                            old or "",
                            "the one asked for; → completes it",
                            self._models,
                        ),
                        Field(
                            "chain",
                            "Then",
                            chain,
                            "others, after commas; → completes",
                            self._models,
                        ),
                    ),
                    lambda typed: drafts.check_fallback(draft, old, typed, self._models),
                    "Keep",
                    "Where no backend can serve the model, the next one is tried.",
                )
                self._form(form, lambda typed: drafts.with_fallback(self._draft, old, typed))
            case "policy":
                at = int(key.name) if key else None
                given = drafts.policy_words(None if at is None else draft.policies[at])
                self._form(
                    _policy_form(given),
                    lambda typed: drafts.with_policy(self._draft, at, typed),
                )
            case _:
                given = drafts.setting_words(draft)
                form = Form(
                    "Strategy",
                    (
                        Field("strategy", "Strategy", given["strategy"], "", tuple(Strategy)),
                        Field("weights", "Weights", given["weights"], "priority load latency"),
                        Field("max_retries", "Retries", given["max_retries"], "0 to 100"),
                    ),
                    drafts.check_settings,
                    "Keep",
                    "How one backend is chosen among those that may serve.",
                )
                self._form(form, lambda typed: drafts.with_settings(self._draft, typed))

    def _form(self, form: Form, edit: Callable[[drafts.Words], Routes]) -> None:
        def answered(words: dict[str, str] | None) -> None:
            if words is not None:
                self._edit(edit(words))

        dashboard(self).push_screen(form, answered)


def _policy_form(given: Mapping[str, str]) -> Form:
    return Form(
        "Policy",
        (
            Field("pattern", "Models", given["pattern"], "a glob: llama*"),
            Field("privacy", "Privacy", given["privacy"], "restricted, unrestricted, or nothing",
                  ("restricted", "unrestricted")),
            Field("min_tier", "Tier", given["min_tier"], "least tier, 1 to 5, or nothing"),
            Field("fallbacks", "Fallbacks", given["fallbacks"], "yes or no", ("yes", "no")),
            Field("max_cost", "Cost", given["max_cost"], "most US dollars per request, or nothing"),
            Field("tenants", "Tenants", given["tenants"], "only these: globs after commas"),
            Field("endpoints", "Endpoints", given["endpoints"], "only these: chat, embeddings"),
            Field("headers", "Headers", given["headers"], "only with: X-Team=research*"),
        ),
        drafts.check_policy,
        "Keep",
        "The first that matches a name counts; those with a condition count besides.",
    )  # fmt: skip
