"""A hub kept alive: connect, subscribe, watch, and begin again, until told to stop.

What should be subscribed is a set that is declared; every new connection gets all of it, with a fresh token. The
channel counts as up when every subscription was confirmed. Silence is noticed on the receiving side, because a
mute connection never fails by itself; and being thrown out by another session is answered with patience, because
two programs that both reconnect at once throw each other out for ever.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import aiohttp

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub_connection import (
    Call,
    CallRefused,
    Handler,
    HubConnection,
    HubDenied,
    HubEnded,
    HubKicked,
    HubSilent,
    HubUnauthorised,
)
from tradeconsole.brokers.projectx.patience import Patience
from tradeconsole.domain.events import ChannelState
from tradeconsole.errors import AuthenticationFailed, BrokerError

log = logging.getLogger(__name__)

_JITTER: Final = 0.2

_MAX_PATIENCE: Final = 16
"""A market that stays mute over reconnections is given up to so many times the patience."""


class Hub:
    """One hub of one user.

    `token` gives a token for a new connection, `refuse` is told of one that the hub did not take. `report` hears
    of the channel's health. With `data_expected`, a connection that brings pings but no events while it returns
    True counts as silent too. With `all_or_nothing`, one refused subscription fails the connection; without, it is
    only logged. `on_open` is called when a connection begins, before its first event.
    """

    def __init__(
        self,
        url: str,
        *,
        handlers: Mapping[str, Handler],
        token: Callable[[], Awaitable[str]],
        refuse: Callable[[str], None],
        report: Callable[[ChannelState, str], None],
        timings: Timings,
        monotonic: Callable[[], float],
        data_expected: Callable[[], bool] | None = None,
        all_or_nothing: bool = True,
        on_open: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._handlers = handlers
        self._token = token
        self._refuse = refuse
        self._report = report
        self._timings = timings
        self._monotonic = monotonic
        self._data_expected = data_expected
        self._all_or_nothing = all_or_nothing
        self._on_open = on_open
        self._wanted: dict[Call, None] = {}
        self._active: dict[Call, None] = {}
        self._syncing = asyncio.Lock()
        self._connection: HubConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken: asyncio.Future[None]
        self._stalls = 0
        self._patience = Patience(timings)
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin; does nothing if begun."""
        if self._task is None:
            self._report(ChannelState.CONNECTING, "")
            self._task = asyncio.get_running_loop().create_task(self._live(), name=f"hub {self._url}")

    async def close(self) -> None:
        """Stop and disconnect; never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self) -> None:
        """Connect now, if it is not connected, and forget why it was not."""
        self._patience.reset()
        self._woken.set()

    def cut_short(self) -> None:
        """The gateway gives a sign of life elsewhere: connect soon, if all that is waited for is that."""
        if self._connection is None and self._patience.cut_short(self._monotonic()):
            asyncio.get_running_loop().call_later(random.uniform(0, _JITTER), self._woken.set)  # noqa: S311 - no secret

    async def want(self, calls: Iterable[Call]) -> None:
        """Declare all subscriptions. On an open connection the differences are sent before this returns."""
        self._wanted = dict.fromkeys(calls)
        if self._connection is not None:
            try:
                await self._subscribe(self._connection)
            except HubEnded as ended:
                if not self._broken.done():
                    self._broken.set_exception(ended)  # the next connection gets them all

    async def _live(self) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                began = self._monotonic()
                ended = await self._one_connection(session)
                pause = self._patience.after(ended, self._monotonic() - began)
                self._report(_state_after(ended), self._patience.sentence(ended, pause))
                await self._rest(pause)

    async def _rest(self, pause: float | None) -> None:
        # many consoles that lost one gateway must not all come back in the same moment
        seconds = None if pause is None else pause * random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _one_connection(self, session: aiohttp.ClientSession) -> HubEnded:
        token = ""
        try:
            token = await self._token()
            connection = await HubConnection.open(
                session, self._url, token, self._handlers, self._timings, self._monotonic
            )
        except HubUnauthorised as ended:
            self._refuse(token)
            return ended
        except HubEnded as ended:
            return ended
        except AuthenticationFailed as error:
            return HubDenied(str(error))
        except BrokerError as error:
            return HubEnded(str(error))
        try:
            return await self._use(connection)
        finally:
            self._connection = None
            await connection.close()

    async def _use(self, connection: HubConnection) -> HubEnded:
        self._active = {}
        self._broken = asyncio.get_running_loop().create_future()
        if self._on_open is not None:
            self._on_open()
        work = [
            asyncio.create_task(connection.run()),
            asyncio.create_task(self._watch(connection)),
            asyncio.create_task(self._open(connection)),
            self._broken,
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in work:
                task.cancel()
            results = await asyncio.gather(*work, return_exceptions=True)
        errors = [error for error in results if isinstance(error, Exception)]
        for error in errors:
            if not isinstance(error, HubEnded):
                log.error("the hub's events could not be handled", exc_info=error)
        return next((e for e in errors if isinstance(e, HubEnded)), HubEnded("events could not be handled"))

    async def _open(self, connection: HubConnection) -> None:
        self._connection = connection
        await self._subscribe(connection)
        if not self._stalls:
            self._report(ChannelState.UP, "")

    async def _subscribe(self, connection: HubConnection) -> None:
        async with self._syncing:
            wanted = self._wanted
            for call in [call for call in self._active if call not in wanted]:
                del self._active[call]
                await self._call(connection, (f"Un{call[0][0].lower()}{call[0][1:]}", *call[1:]))
            await asyncio.gather(
                *(self._add(connection, call) for call in wanted if call not in self._active)
            )

    async def _add(self, connection: HubConnection, call: Call) -> None:
        self._active[call] = None
        await self._call(connection, call)

    async def _call(self, connection: HubConnection, call: Call) -> None:
        try:
            await connection.call(call)
        except CallRefused as error:
            if self._all_or_nothing:
                raise HubEnded(f"the hub refused {call[0]}") from None
            log.warning("the hub refused %s: %s", call, error)

    async def _watch(self, connection: HubConnection) -> None:
        silence = self._timings.silence * self._timings.server_ping
        tick = min(self._timings.ping, silence / 5, self._timings.data_silence / 5)
        pinged = self._monotonic()
        while True:
            await asyncio.sleep(tick)
            now = self._monotonic()
            if now - connection.last_heard > silence:
                raise HubSilent(f"the hub has been silent for {silence:.0f} s")
            if now - pinged >= self._timings.ping:
                pinged = now
                await connection.ping()
            if self._data_expected is not None:
                self._watch_data(connection, now, expected=bool(self._wanted) and self._data_expected())

    def _watch_data(self, connection: HubConnection, now: float, *, expected: bool) -> None:
        if not expected:
            connection.last_data = now  # a market that opens gets the whole patience
        elif now - connection.last_data > self._timings.data_silence * min(2**self._stalls, _MAX_PATIENCE):
            self._stalls += 1
            raise HubSilent(f"no market data for {now - connection.last_data:.0f} s")
        if self._stalls and (connection.brought_data or not expected):
            self._stalls = 0
            self._report(ChannelState.UP, "")


def _state_after(ended: HubEnded) -> ChannelState:
    match ended:
        case HubKicked():
            return ChannelState.KICKED
        case HubSilent():
            return ChannelState.STALE
        case _:
            return ChannelState.DOWN
