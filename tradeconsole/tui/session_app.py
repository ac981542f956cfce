"""An app over one session: opens it behind the first picture, pumps its frames, and watches its health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from time import monotonic
from typing import Any, ClassVar, Final

from textual.app import App
from textual.worker import Worker, WorkerState

from tradeconsole.actions import Where
from tradeconsole.domain.events import Severity
from tradeconsole.errors import TradeConsoleError
from tradeconsole.logs import redact
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.desk import Tone
from tradeconsole.tui.dialogs.stopped import Stopped
from tradeconsole.tui.dialogs.ticket_dialog import TicketDialog
from tradeconsole.tui.health import HeartbeatWatch, LagWatch
from tradeconsole.tui.keys import key_map
from tradeconsole.tui.plain import PlainCharacters
from tradeconsole.tui.render.palette import Look, colors_of, default_look
from tradeconsole.tui.screens.chart import ChartScreen
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.screens.dashboard import DashboardScreen
from tradeconsole.tui.screens.trade import TradeScreen
from tradeconsole.tui.selection import OrderSelection
from tradeconsole.tui.themes import DEFAULT, NO_COLOR_THEME, ROLES, THEMES
from tradeconsole.tui.toasts import Toasts
from tradeconsole.views.models import Frame
from tradeconsole.views.session import Focus, Session

log = logging.getLogger(__name__)

OpenSession = Callable[[], Awaitable[Session]]

Clock = Callable[[], float]
"""Monotonic seconds."""

DEFAULTS = Appearance()

HEALTH_PERIOD = 0.5
EXIT_INTERNAL = 70

BELLS: Final = frozenset({Severity.SUCCESS, Severity.ERROR})
"""News that rings the terminal's bell where the user wants that: fills and alarms."""

_SEVERITY_TONES: dict[Severity, Tone] = {
    Severity.SUCCESS: "information",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}


_WIDTHS: Final = [(0, "-tiny"), (80, "-narrow"), (120, "-normal"), (200, "-wide")]
_HEIGHTS: Final = [(0, "-flat"), (24, "-short"), (40, "-tall")]


class SessionApp(App[None]):
    """A front end over one session. It paints at once and opens the session behind the first picture.

    The session belongs to whoever made it; the console never closes it. `return_code` is 0 when the user left a
    running engine, else the exit code of the error that ended it.

    Args:
        open_session: starts the engine, or hands over one that runs; raises `TradeConsoleError` if it cannot.
        appearance: how to draw.
        clock: monotonic seconds.
    """

    TITLE = "tradeconsole"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, Any]] = {
        Where.DASHBOARD.value: DashboardScreen,
        Where.TRADE.value: TradeScreen,
        Where.CHART.value: ChartScreen,
    }
    DEFAULT_MODE = Where.DASHBOARD.value
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(
        self,
        open_session: OpenSession,
        appearance: Appearance = DEFAULTS,
        clock: Clock = monotonic,
    ) -> None:
        super().__init__()
        self._open_session = open_session
        self._appearance = appearance
        self._clock = clock
        self._session: Session | None = None
        self._picture = Frame()
        self._focus = Focus(chart=False)
        self._selection = OrderSelection()
        self._told: dict[str, int] | None = None
        self._heartbeat = HeartbeatWatch(clock())
        self._lag = LagWatch(HEALTH_PERIOD, clock())
        self._toasts = Toasts(self, clock)
        self._starting = "starting the engine…"
        self._stopped = False
        self._end_code = 0
        self._end_message = ""
        self._zone = default_look().zone
        self.set_keymap(key_map(appearance.keys))
        if appearance.reduced_motion:
            self.animation_level = "none"
        if appearance.ascii_only:
            self._filters.append(PlainCharacters())
        for theme in THEMES:
            self.register_theme(theme)

    # -- life

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our roles, for themes that do not name them."""
        return dict(ROLES)

    def on_mount(self) -> None:
        wanted = NO_COLOR_THEME if self._appearance.no_color else self._appearance.theme
        known = wanted in self.available_themes
        self.theme = wanted if known else DEFAULT
        if not known:
            names = ", ".join(sorted(self.available_themes))
            self.say(f"interface.theme: there is no theme '{wanted}'; choose one of {names}", "warning")
        self._lag = LagWatch(HEALTH_PERIOD, self._clock())
        self.set_interval(HEALTH_PERIOD, self._check_health)
        self.theme_changed_signal.subscribe(self, lambda _: self._set_look())
        self.start(self._run_session, "session")

    def start(
        self,
        work: Callable[[], Coroutine[Any, Any, None]],
        group: str,
        *,
        name: str = "",
        exclusive: bool = False,
    ) -> Worker[None]:
        """Let something run beside the screen; its errors come to `on_worker_state_changed`, never to the terminal."""
        return self.run_worker(work, name, group, exit_on_error=False, exclusive=exclusive)

    async def _run_session(self) -> None:
        session = await self._open_session()
        self._session = session
        self._heartbeat = HeartbeatWatch(self._clock())
        self._set_starting("waiting for the first picture…")
        await session.watch(self._focus)
        async with aclosing(session.frames()) as frames:
            async for frame in frames:
                drawn = self._clock()
                self.take(frame)
                await asyncio.sleep(max(0.0, drawn + 1 / self._appearance.fps - self._clock()))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        worker = event.worker
        if event.state is WorkerState.SUCCESS and worker.group == "session":
            self._session_ended(None)
        elif event.state is WorkerState.ERROR and worker.error is not None:
            if not isinstance(worker.error, TradeConsoleError):
                log.error("%s failed", worker.name, exc_info=worker.error)
            if worker.group == "session":
                self._session_ended(worker.error)
            else:
                self.say(_sentence(worker.error), "error")

    def _session_ended(self, error: BaseException | None) -> None:
        started = self._session is not None
        self._session = None
        self._end_code = error.exit_code if isinstance(error, TradeConsoleError) else EXIT_INTERNAL
        self._end_message = _sentence(error) if error is not None else "The engine ended the session."
        heading = "The engine stopped" if started else "Could not start"
        advice = (
            "What is shown is old. Orders at the broker stay as they are; start tradeconsole again to see them."
            if started
            else "Nothing was sent. Mend this and start tradeconsole again."
        )
        self._stopped = True
        self._set_starting(f"{heading}: {self._end_message}")
        dialog = Stopped(heading, self._end_message, advice, self._appearance.quiet)
        self.push_screen(dialog, lambda leave: self.leave() if leave else None)

    def _set_starting(self, text: str) -> None:
        self._starting = text
        self._tell_screens(starting=text, stopped=self._stopped)

    @property
    def crash(self) -> Exception | None:
        """A fault of the console itself, which ended it."""
        return self._exception

    def _fatal_error(self) -> None:
        # Textual would print the fault with local variables, and some of them are secret; the command reports it
        self.bell()
        self._close_messages_no_wait()

    def leave(self) -> None:
        """End the console; the exit code tells whether the engine ended first."""
        self.exit(return_code=self._end_code, message=self._end_message or None)

    def say(self, text: str, tone: Tone = "information") -> None:
        """One line for the user, for a few seconds."""
        self._toasts.say(text, tone)

    # -- frames

    def take(self, frame: Frame) -> None:
        """Lay a frame over the picture and show what changed."""
        changed = {
            name: section for name in Frame.model_fields if (section := getattr(frame, name)) is not None
        }
        self._picture = self._picture.model_copy(update=changed)
        if frame.header is not None:
            self._heartbeat.observe(frame.header.heartbeat, self._clock())
            zone = frame.header.session.clock.tzinfo
            if zone is not None and zone != self._zone:
                self._zone = zone
                self._set_look()
        with self.batch_update():
            for screen in self.screen_stack:
                # one that is still being built shows the whole picture once it is there
                if isinstance(screen, ConsoleScreen | TicketDialog) and screen.is_mounted:
                    screen.show(frame)
        if frame.notifications is not None:
            self._announce(frame)

    def _announce(self, frame: Frame) -> None:
        """Toasts for news that the screen shows no feed for."""
        rows = frame.notifications or ()
        told, self._told = self._told, {row.notification_id: row.count for row in rows}
        if told is None:
            return
        for row in reversed(rows):
            tone = _SEVERITY_TONES.get(row.severity)
            if tone is None or row.read or told.get(row.notification_id) == row.count:
                continue
            if self._appearance.bell and row.severity in BELLS:
                self.bell()
            if not self._base_screen().shows_feed:
                self.say(f"{row.title}: {row.detail}" if row.detail else row.title, tone)

    def _check_health(self) -> None:
        now = self._clock()
        late = self._lag.tick(now)
        silent = self._heartbeat.silence(now) if self._session is not None else None
        self._tell_screens(late=late, silent=silent)

    def _tell_screens(self, **facts: object) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ConsoleScreen) and screen.is_mounted:
                for name, value in facts.items():
                    setattr(screen, name, value)

    def on_console_screen_shown(self, event: ConsoleScreen.Shown) -> None:
        """A screen came to the front, or was built behind it: it missed what happened meanwhile."""
        screen = event.screen
        screen.look = self._look()
        screen.starting = self._starting
        screen.stopped = self._stopped
        screen.remap = self._appearance.keys
        if screen not in self.screen_stack:
            return
        with self.batch_update():
            screen.show(self._picture)
        screen.selected_order_id = self._selection.order_id

    def _base_screen(self) -> ConsoleScreen:
        """The screen under all dialogs."""
        return next(screen for screen in self.screen_stack if isinstance(screen, ConsoleScreen))

    def _set_look(self) -> None:
        self._tell_screens(look=self._look())

    def _look(self) -> Look:
        return Look(
            colors=colors_of(self.theme_variables),
            ascii_only=self._appearance.ascii_only,
            monochrome=self._appearance.no_color or self.no_color,
            motion=not self._appearance.reduced_motion,
            zone=self._zone,
        )


def _sentence(error: BaseException) -> str:
    """What to show of an error: ours speak for themselves, others are named and logged."""
    if isinstance(error, TradeConsoleError):
        return str(error)
    return f"internal error, see the log: {redact(f'{type(error).__name__}: {error}')}"
