"""A detached process that stops the embedded server when the last process that used it has gone.

It is started by path with nothing but the standard library, so that it costs nothing to start. Use is a shared
`flock` on `users.lock` for the life of each user: the kernel drops it however the user ends. The guard waits for
the exclusive lock, leaves the server warm for a moment in case someone comes back, and then stops it.
"""

import fcntl
import os
import sys
import time


def main(home: str, grace: float, owner: str, stop: list[str]) -> None:
    """Guard the cluster in `home`.

    Args:
        home: folder of the lock files.
        grace: seconds to keep an unused server running.
        owner: `uid:gid` to stop the server as, or empty for our own.
        stop: the command that stops it.
    """
    if os.fork():
        os._exit(0)  # the starter waits for this, so that it is left with no child
    guard = os.open(f"{home}/guard.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # the cluster has its guard
    users = os.open(f"{home}/users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _wait_until_unused(users, grace)
    import subprocess  # noqa: PLC0415 -- kept out of the quick start

    uid, _, gid = owner.partition(":")
    subprocess.run(  # noqa: S603 -- the command comes from our own starter
        stop,
        check=False,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=int(uid) if owner else None,
        group=int(gid) if owner else None,
        extra_groups=[] if owner else None,
    )
    # in this order: whoever waits for `users` must find the guard's place free
    os.close(guard)
    os.close(users)


def _wait_until_unused(users: int, grace: float) -> None:
    """Return with the exclusive lock on `users`, after nobody held it for `grace` seconds."""
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        if grace <= 0:
            return
        fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(grace)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:])
