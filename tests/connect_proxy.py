"""A proxy that knows CONNECT and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ConnectProxy:
    """What it was asked for, and what it answers; it leads on when that is a success."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        """Heads of requests."""
        self.answer = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"
        self._ends: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            writer.write(self.answer)
            if b" 200 " in self.answer:
                host, _, port = head.split()[1].rpartition(":")
                there, onward = await asyncio.open_connection(host, int(port))
                self._ends.append(onward)
                await asyncio.gather(_lead_on(reader, onward), _lead_on(there, writer))
        writer.close()

    async def close(self) -> None:
        """End all connections, and wait until they have ended."""
        for end in self._ends:
            end.transport.abort()
            with contextlib.suppress(OSError):
                await end.wait_closed()


async def _lead_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def running_proxy() -> AsyncIterator[ConnectProxy]:
    """A proxy on a free port of this machine."""
    proxy = ConnectProxy()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(proxy.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.sleep(0.01)  # who is just coming in is taken in before all are thrown out
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await proxy.close()
