"""A terminal for tests: runs a command in a real pseudo-terminal and reads its screen as a person would."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import pyte

PATIENCE: Final = 30.0
"""Seconds to wait for something that usually takes a fraction of one."""

HUMAN_PAUSE: Final = 0.35
"""Seconds between seeing a question and answering it; dialogs ignore keys that come sooner."""

KEYS: Final[Mapping[str, str]] = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "shift+up": "\x1b[1;2A",
    "shift+down": "\x1b[1;2B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "ctrl+c": "\x03",
    "ctrl+p": "\x10",
    "ctrl+q": "\x11",
    "ctrl+x": "\x18",
    "f1": "\x1bOP",
}
"""What a terminal sends for keys that are not one character."""

# the child must lead the terminal's session, or it would never hear of a new size
_TAKE_TERMINAL: Final = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"

_UNKNOWN_TO_PYTE: Final = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1bP[^\x1b]*\x1b\\")
"""Sequences that pyte would write out as text: keyboard protocols and device strings."""

_SEQUENCE: Final = re.compile(rb"\x1b(\[[0-9;?<=>$]*[@-~]|[^\[])")
_LEAVES_THE_SCREEN: Final = b"\x1b[?1049l"


class TerminalError(AssertionError):
    """What was waited for did not come; the message holds the screen."""


class Terminal:
    """A command in a terminal of `size` columns and rows, in a process group of its own.

    Everything it writes is read at once by a thread, so that it never blocks on a full terminal. Leaving the
    `with` block ends its processes.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str],
        cwd: str = "/",
    ) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._ended = False
        self._hung_up = False
        self._held = b""
        self._tail = b""
        self.bytes_read = 0
        self._master, slave = pty.openpty()
        self._set_size(size)
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor", **env},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    # -- what a person does

    def send(self, text: str) -> None:
        """Type text as it is."""
        os.write(self._master, text.encode())

    def press(self, *keys: str) -> None:
        """Press keys by name (`ctrl+x`, `enter`) or as the character they are."""
        for key in keys:
            self.send(KEYS.get(key, key))

    def answer(self, key: str) -> None:
        """Press a key after the pause that a question asks for."""
        time.sleep(HUMAN_PAUSE)
        self.press(key)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal another size; what it showed is repainted by the command."""
        columns, rows = size
        with self._changed:
            self._screen.resize(rows, columns)
            self._screen.reset()
        self._set_size(size)

    # -- what a person sees

    def screen(self) -> str:
        """What is on the screen, right ends trimmed."""
        with self._changed:
            return self._text()

    def look_of(self, pattern: str) -> tuple[tuple[str, str, bool], ...]:
        """Colours and reversal of each cell of the first text that matches; empty if nothing does."""
        with self._changed:
            for y, line in enumerate(self._screen.display):
                if found := re.search(pattern, line):
                    row = self._screen.buffer[y]
                    return tuple((row[x].fg, row[x].bg, row[x].reverse) for x in range(*found.span()))
            return ()

    def wait_for(self, wanted: str | re.Pattern[str], timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until a text or pattern is on the screen.

        Raises:
            TerminalError: it did not come in time, or the command ended without it.
        """
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        found = self._wait(lambda text: pattern.search(text), timeout, f"{pattern.pattern!r} on the screen")
        assert isinstance(found, re.Match)
        return found

    def wait_gone(self, unwanted: str | re.Pattern[str], timeout: float = PATIENCE) -> None:
        """Wait until a text or pattern is on the screen no more."""
        pattern = re.compile(re.escape(unwanted)) if isinstance(unwanted, str) else unwanted
        self._wait(
            lambda text: not pattern.search(text), timeout, f"{pattern.pattern!r} gone from the screen"
        )

    def wait_new_look(self, pattern: str, old: tuple[tuple[str, str, bool], ...]) -> None:
        """Wait until the first text that matches is there and looks other than it did."""
        self._wait(lambda _: self.look_of(pattern) not in {old, ()}, PATIENCE, f"another look of {pattern!r}")

    def wait_until(self, holds: Callable[[str], object], what: str, timeout: float = PATIENCE) -> None:
        """Wait until something holds of the screen's text; `what` says it in words."""
        self._wait(holds, timeout, what)

    # -- life

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_exit(self, timeout: float = PATIENCE) -> int:
        """The exit code, once the command has ended by itself."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TerminalError(f"still running after {timeout:.0f} s\n{self._framed()}") from None

    def kill9(self) -> None:
        """End the command as rudely as the system can; processes that left its group live on."""
        self._signal(signal.SIGKILL)
        self._process.wait(PATIENCE)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        self._hung_up = True
        os.close(self._master)

    def close(self) -> None:
        """End whatever still runs and give the terminal back."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._process.poll() is None:
            self.kill9()
        self._reader.join(5)
        if not self._hung_up:
            os.close(self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- machinery

    def _wait(self, look: Callable[[str], object], timeout: float, what: str) -> object:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := look(self._text())):
                left = deadline - time.monotonic()
                if self._ended:
                    raise TerminalError(f"ended before {what}\n{self._framed()}\n{self._last_words()}")
                if left <= 0:
                    raise TerminalError(f"no {what} within {timeout:.0f} s\n{self._framed()}")
                self._changed.wait(left)
            return found

    def _text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def _framed(self) -> str:
        rule = "─" * self._screen.columns
        return f"{rule}\n{self._text()}\n{rule}"

    def _last_words(self) -> str:
        """What the command wrote after it had given the screen back, which is where an error goes."""
        _, _, words = self._tail.rpartition(_LEAVES_THE_SCREEN)
        return _SEQUENCE.sub(b"", words).decode(errors="replace").strip()

    def _set_size(self, size: tuple[int, int]) -> None:
        columns, rows = size
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last writer closed the terminal
                data = b""
            with self._changed:
                if data:
                    self.bytes_read += len(data)
                    self._tail = (self._tail + data)[-8192:]
                    self._feed(data)
                else:
                    self._ended = True
                self._changed.notify_all()
                if not data:
                    return

    def _feed(self, data: bytes) -> None:
        data = self._held + data
        # a sequence cut in two by the read waits for its other half
        start = data.rfind(b"\x1b", max(0, len(data) - 32))
        complete = start < 0 or re.match(rb"\x1b(\[[0-9;?<=>$]*[@-~]|[^\[P])", data[start:]) is not None
        data, self._held = (data, b"") if complete else (data[:start], data[start:])
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))
