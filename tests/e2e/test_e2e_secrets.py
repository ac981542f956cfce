"""Nothing secret is left anywhere: not in logs, output, crash reports, records, nor in what other users can see of us."""

import os
import re
import sys
from pathlib import Path

from gateways import Gateway
from homes import TRADECONSOLE, Home
from terminal import Terminal
from trader import Trader

TOKEN = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.")
"""The gateway's tokens: JSON web tokens."""

CRASH = """
import sys
from tradeconsole.brokers.projectx.transport import JsonTransport
from tradeconsole.__main__ import main

post = JsonTransport.post

async def crash(self, path, body, token, **more):
    if path.endswith("loginKey"):
        return await post(self, path, body, token, **more)
    raise RuntimeError(f"cannot send to {path}: Authorization: Bearer {token}, body {body}")

JsonTransport.post = crash
sys.argv = ["tradeconsole", *sys.argv[1:]]
main()
"""


CONSOLE_CRASH = """
import sys
from tradeconsole.__main__ import main
from tradeconsole.tui.app import TradeConsole

def action_perform(self, action_id):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"
    secret = sys.argv[-1]
    raise RuntimeError(f"no such action: {token}")

TradeConsole.action_perform = action_perform
sys.argv = ["tradeconsole", "run"]
main()
"""


def leaks(home: Home, secrets: list[bytes], *, besides: tuple[Path, ...]) -> list[str]:
    """Files in which a key or a token stands, those named apart."""

    def is_leak(path: Path) -> bool:
        try:
            content = path.read_bytes()
        except (FileNotFoundError, OSError):  # removed meanwhile, or a socket
            return False
        return any(secret in content for secret in secrets) or TOKEN.search(content) is not None

    files = [path for path in home.folder.rglob("*") if path.is_file() and path not in besides]
    return [str(path) for path in files if is_leak(path)]


def processes(home: Home) -> dict[int, tuple[bytes, bytes]]:
    """Command line and environment of every process that knows of this home, by process id."""
    found: dict[int, tuple[bytes, bytes]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(home.folder).encode() in command + environment:
            found[int(folder.name)] = command, environment
    return found


def log_in(home: Home, gateway: Gateway, key: str) -> None:
    """Store the key as a person does, at the terminal."""
    command = [TRADECONSOLE, "login", *gateway.arguments, "--check"]
    with Terminal(command, env=home.environment(TRADECONSOLE_LOGGING__LEVEL="debug")) as terminal:
        terminal.wait_for("API key of")
        terminal.send(f"{key}\r")
        terminal.wait_for("logged in, accounts: PRAC")
        assert key not in terminal.screen()
        assert terminal.wait_exit() == 0


def test_a_day_of_trouble_leaves_no_secret_behind(home: Home) -> None:
    with Gateway(home) as gateway:
        key = gateway.key["TRADECONSOLE_API_KEY"]
        log_in(home, gateway, key)
        keys = home.config / "keys.json"
        assert key in keys.read_text()
        assert keys.stat().st_mode & 0o777 == 0o600
        debug = {"TRADECONSOLE_LOGGING__LEVEL": "debug"}
        said = [home.run("accounts", *gateway.arguments, "--json", **debug)]
        assert said[0].returncode == 0, said[0].stderr
        # a wrong key, an answer that is none, a refused order
        said.append(
            home.run("accounts", *gateway.arguments, TRADECONSOLE_API_KEY="a-wrong-key-2f9c", **debug)
        )
        assert said[-1].returncode == 5
        gateway.control("fail", path="account/search", status=500)
        gateway.control("fail", path="account/search", status=500)
        said.append(home.run("accounts", *gateway.arguments, **debug))
        assert said[-1].returncode == 4
        with home.console(*gateway.arguments, **debug) as terminal:
            Trader(terminal).wait_ready()
            gateway.control("expire-tokens")
            gateway.control("drop")
            terminal.wait_for("○ not synced")
            Trader(terminal).wait_ready()
            gateway.control("kick")
            terminal.wait_for("another session")
            assert key not in terminal.screen()
            for command, environment in processes(home).values():
                assert key.encode() not in command + environment
                assert not TOKEN.search(command + environment)
        secrets = [key.encode(), b"a-wrong-key-2f9c"]
        output = "".join(each.stdout + each.stderr for each in said).encode()
        assert not any(secret in output for secret in secrets)
        assert not TOKEN.search(output)
        log = home.data / "log" / "tradeconsole.log"
        assert "DEBUG" in log.read_text()
        assert leaks(home, secrets, besides=(keys,)) == []


def test_a_crash_report_has_no_secret(home: Home) -> None:
    with Gateway(home) as gateway:
        key = gateway.key["TRADECONSOLE_API_KEY"]
        (home.folder / "crash.py").write_text(CRASH)
        crashed = home.python("crash.py", "accounts", *gateway.arguments, TRADECONSOLE_API_KEY=key)
        assert crashed.returncode == 70
        assert "RuntimeError: cannot send" in crashed.stderr
        assert "[redacted]" in crashed.stderr
        said = (crashed.stdout + crashed.stderr).encode()
        assert key.encode() not in said
        assert not TOKEN.search(said)
        assert "RuntimeError: cannot send" in (home.data / "log" / "tradeconsole.log").read_text()
        assert leaks(home, [key.encode()], besides=()) == []


def test_a_console_that_crashes_shows_no_local_variables(home: Home) -> None:
    secret = "a-value-of-a-local-variable-31c7"
    (home.folder / "crash.py").write_text(CONSOLE_CRASH)
    command = [sys.executable, "crash.py", secret]
    with Terminal(command, size=(120, 100), env=home.environment(), cwd=str(home.folder)) as terminal:
        Trader(terminal).wait_ready()
        terminal.press("?")
        assert terminal.wait_exit() == 70
        terminal.wait_for("RuntimeError: no such action: [redacted]")
        assert secret not in terminal.screen()
        assert "Traceback" not in terminal.screen()
    assert "RuntimeError: no such action: [redacted]" in (home.data / "log" / "tradeconsole.log").read_text()


def test_servers_that_outlive_us_do_not_inherit_a_key(home: Home) -> None:
    key = "a-key-in-the-environment-77d1"
    with home.console(TRADECONSOLE_API_KEY=key) as terminal:
        Trader(terminal).wait_ready()
        ours = terminal.pid
        found = processes(home)
        assert home.emulator_pid in found
        assert home.postgres_pid in found
        careless = [
            command.replace(b"\0", b" ").decode()
            for pid, (command, environment) in found.items()
            if key.encode() in command or (pid != ours and key.encode() in environment)
        ]
        assert careless == []
