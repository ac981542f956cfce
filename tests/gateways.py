"""The gateway emulator as a user starts it, in a process of its own, and plain REST calls to it."""

import json
import signal
import subprocess
import sys
import urllib.request
from types import TracebackType
from typing import Any, Final, Self

from homes import TRADECONSOLE, Home

PATIENCE: Final = 30.0

Json = dict[str, Any]

_WITHOUT_BUDGETS: Final = """
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.server import run_emulator
raise SystemExit(run_emulator(EmulatorOptions(rate_limits=False, json=True)))
"""


class Rest:
    """Plain REST calls to a gateway, as a witness that has nothing to do with our adapter."""

    def __init__(self, endpoint: Json) -> None:
        self.endpoint = endpoint
        self._token = ""

    @property
    def url(self) -> str:
        return str(self.endpoint["url"])

    def post(self, path: str, **body: Any) -> Json:
        """Call an endpoint, logged in."""
        if not self._token:
            login = {"userName": self.endpoint["user"], "apiKey": self.endpoint["key"]}
            self._token = self._post("Auth/loginKey", login)["token"]
        return self._post(path, body)

    def control(self, name: str, **arguments: Any) -> None:
        """Let the emulator's control plane make trouble, or move a market."""
        self._send(f"__emu/{name}", arguments)

    def account(self) -> int:
        """The first account that may trade."""
        return int(self.post("Account/search", onlyActiveAccounts=True)["accounts"][0]["id"])

    def position(self, account: int) -> int:
        """Contracts held in all instruments together, signed."""
        rows = self.post("Position/searchOpen", accountId=account)["positions"]
        return sum(row["size"] * (1 if row["type"] == 1 else -1) for row in rows)

    def orders(self, account: int) -> list[Json]:
        """All orders there ever were."""
        return list(
            self.post("Order/search", accountId=account, startTimestamp="2000-01-01T00:00:00Z")["orders"]
        )

    def _post(self, path: str, body: Json) -> Json:
        return dict(json.loads(self._send(f"api/{path}", body)))

    def _send(self, path: str, body: Json) -> bytes:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())


class Gateway(Rest):
    """`tradeconsole emulator --json …`, running; leaving the `with` block ends it.

    Without `budgets` it answers as many requests as come; arguments then have no meaning.
    """

    def __init__(self, home: Home, *arguments: str, budgets: bool = True) -> None:
        command = [TRADECONSOLE, "emulator", "--json", *arguments]
        self._process = subprocess.Popen(
            command if budgets else [sys.executable, "-c", _WITHOUT_BUDGETS],
            env=home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=home.folder,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"no ready line: {self._process.communicate()[1]}"
        super().__init__(json.loads(line))

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def arguments(self) -> tuple[str, ...]:
        """Options that make a verb use this gateway."""
        return "--url", self.url, "--user", str(self.endpoint["user"])

    @property
    def key(self) -> dict[str, str]:
        """The environment that goes with `arguments`."""
        return {"TRADECONSOLE_API_KEY": str(self.endpoint["key"])}

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait for the end: exit code and what it said on standard error."""
        self._process.send_signal(number)
        said = self._process.communicate(timeout=PATIENCE)[1]
        return self._process.returncode, said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.stop(signal.SIGKILL)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
