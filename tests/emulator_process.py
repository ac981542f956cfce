"""An emulator in a process of its own, for tests that ill-treat or measure it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from raw_gateway import Wire

from tradeconsole.emulator.http_connection import HttpLimits
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.runtime import Emulator
from tradeconsole.emulator.switches import Switches

PATIENCE = 60.0


@dataclass
class EmulatorProcess:
    """Its process id, and a caller that is logged in."""

    pid: int
    wire: Wire

    def resident(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            pytest.skip("memory of another process is read from /proc")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def emulator_process(
    *,
    hub: dict[str, Any] | None = None,
    http: dict[str, Any] | None = None,
    hash_seed: int | None = None,
    **options: Any,
) -> AsyncIterator[EmulatorProcess]:
    """Run one with hub and HTTP limits; every connection of its user lives beside the others."""
    hashing = {} if hash_seed is None else {"PYTHONHASHSEED": str(hash_seed)}
    settings = json.dumps({"hub": hub or {}, "http": http or {}, "options": options})
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONWARNINGS": "error", **hashing},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            ready = json.loads(await process.stdout.readline())
        async with Wire(ready["url"], ready["user"], ready["key"]) as wire:
            await wire.login()
            yield EmulatorProcess(process.pid, wire)
        assert process.returncode is None, "the emulator died"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def serve(settings: dict[str, Any]) -> None:
    """Serve until whoever started this is gone."""
    options = EmulatorOptions(**{"seed": 7, "rate_limits": False, **settings["options"]})
    emulator = Emulator(
        options,
        switches=Switches(single_session=False),
        limits=HubLimits(**settings["hub"]),
        http=HttpLimits(**settings["http"]),
    )
    async with emulator:
        end = emulator.endpoint
        sys.stdout.write(json.dumps({"url": end.url, "user": end.user, "key": end.key}) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
