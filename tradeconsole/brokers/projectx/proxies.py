"""The way out through a proxy that the environment names: `HTTPS_PROXY`, else `ALL_PROXY`, but not for `NO_PROXY`.

What is encrypted goes through it as it is; what is not (an emulator somewhere) and this machine itself are reached directly.
A proxy of a kind that is not spoken is never passed by: whoever names one may not want to be seen without it.
"""

import asyncio
import re
import socket
from base64 import b64encode
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from tradeconsole.settings import is_loopback

_LONGEST: Final = 64 * 1024
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]")


class ProxyTrouble(Exception):
    """The proxy cannot be used; the message says why, and never tells its password."""


def proxy_of(url: SplitResult) -> SplitResult | None:
    """The proxy on the way to an address, or None.

    Raises:
        ProxyTrouble: there is one, of a kind that is not spoken.
    """
    if url.scheme != "https" or is_loopback(url.geturl()):
        return None
    named = getproxies_environment()
    found = named.get("https") or named.get("all")
    if not found or proxy_bypass(f"{url.hostname}:{url.port or 443}"):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    try:
        usable = proxy.scheme == "http" and bool(proxy.hostname) and proxy.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ProxyTrouble(
            f"the proxy that the environment names is not like http://host:port; set NO_PROXY={url.hostname} to go without"
        )
    return proxy


def by_way_of(proxy: SplitResult | None) -> str:
    """How the way is called in messages."""
    return "" if proxy is None else f" through the proxy {proxy.hostname}:{proxy.port or 80}"


async def tunnel(sock: socket.socket, proxy: SplitResult, host: str, port: int) -> None:
    """Have the proxy at the other end of a connection lead it on to a host.

    Raises:
        ProxyTrouble: it does not.
        OSError: the connection ended.
    """
    loop = asyncio.get_running_loop()
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.username is not None:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {b64encode(credentials.encode()).decode()}")
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) <= _LONGEST:
        data = await loop.sock_recv(sock, _LONGEST)
        if not data:
            raise ConnectionResetError
        answer += data
    status = _STATUS_LINE.match(answer)
    if status is None or (status[1][:1] == b"2" and not answer.endswith(b"\r\n\r\n")):
        raise ProxyTrouble("what it answers is not understood")
    if status[1][:1] != b"2":
        refused = "wants credentials" if status[1] == b"407" else "refuses"
        raise ProxyTrouble(f"it {refused} (HTTP {status[1].decode()})")
