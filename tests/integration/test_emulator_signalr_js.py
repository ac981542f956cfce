"""The reference SignalR client, `@microsoft/signalr` under Node, on both hubs of the emulator."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from emulator_fixture import running_emulator

PACKAGE = "@microsoft/signalr@8.0.7"
SCRIPT = Path(__file__).parents[1] / "javascript" / "hubs.cjs"
SECONDS = 60


@pytest.fixture(scope="session")
def client() -> Path:
    """Folder with the client, installed once for all runs of this machine; skips where that cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().removeprefix("v").partition(".")[0]) < 18:
        pytest.skip(f"node {version.strip()} has no fetch: 18 or newer is needed")
    kept = Path(tempfile.gettempdir()) / f"tradeconsole-{PACKAGE.rpartition('/')[2].replace('@', '-')}"
    if not kept.exists():
        made = Path(tempfile.mkdtemp(prefix="tradeconsole-npm-"))
        command = [
            npm,
            "install",
            "--prefix",
            str(made),
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            PACKAGE,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install {PACKAGE} in time")
        if done.returncode:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-200:]}")
        try:
            made.rename(kept)
        except OSError:  # another run was quicker
            shutil.rmtree(made, ignore_errors=True)
    if kept.stat().st_uid != os.getuid():
        pytest.skip(f"{kept} belongs to somebody else")
    return kept


@pytest.mark.parametrize("way", ["negotiate", "skip"])
async def test_the_reference_client_hears_every_event_reconnects_and_is_logged_out(
    client: Path, way: str
) -> None:
    async with running_emulator(login=False, activity=10.0) as emulator:
        process = await asyncio.create_subprocess_exec(
            "node", str(SCRIPT), str(client), emulator.url, emulator.user, emulator.key, way,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, errors.decode()
    told = json.loads(output)
    for target in ("GatewayQuote", "GatewayTrade", "GatewayDepth"):
        assert told["quotes"][target][0] == told["contract"]
    assert told["quotes"]["GatewayQuote"][1]["symbol"] == "F.US.MNQ"
    assert told["quotes"]["GatewayTrade"][1][0]["contractId"] == told["contract"]
    assert told["quotes"]["GatewayDepth"][1][0]["type"] == 6
    for target in ("GatewayUserOrder", "GatewayUserTrade", "GatewayUserPosition"):
        (envelope,) = told["events"][target]
        assert envelope["data"]["accountId"] == told["account"]
    assert told["events"]["GatewayUserAccount"][0]["data"]["id"] == told["account"]
    assert "HubException: Method does not exist." in told["refusal"]
    assert told["logout"] == []
