"""Runs every suite and prints a table; the exit status is 1 when any failed."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conformance import suites
from conformance.server import ServerFailed, demo, load
from conformance.suites import HERE, SDL, Suite

SUITE_SECONDS = 120
LOG_LINES = 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one suite ended."""

    name: str
    passed: bool
    seconds: float
    said: str


def main() -> int:
    """The whole run; 0 when every suite passed, or when there is no Node outside CI."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        in_ci = os.environ.get("CI", "").lower() in {"1", "true"}
        print("conformance: Node and npm are missing, so the suites were not run.")
        return 1 if in_ci else 0
    started = time.monotonic()
    try:
        with ThreadPoolExecutor(2) as pool:
            installing = pool.submit(_install)
            with demo() as path:
                installing.result()
                outcomes = _run_all(path, pool)
                if not all(outcome.passed for outcome in outcomes):
                    _print_faults(path.parent / "log" / "server.log")
    except (ServerFailed, subprocess.CalledProcessError) as failure:
        print(f"conformance: {failure}")
        return 1
    _print_table(outcomes)
    print(f"{time.monotonic() - started:.0f} s in all")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _install() -> None:
    """Both environments; a quick look when their lock files have not changed."""
    if _stale(HERE / "node_modules", HERE / "package-lock.json"):
        _call("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
        _stamp(HERE / "node_modules")
    environment = HERE / ".venv"
    if _stale(environment, HERE / "requirements.lock"):
        _call(suites.system_python(), "-m", "venv", "--clear", str(environment))
        pip = (str(environment / "bin" / "pip"), "install", "-q", "--disable-pip-version-check")
        _call(*pip, "--require-hashes", "-r", "requirements.lock")
        _stamp(environment)


def _stale(made: Path, lock: Path) -> bool:
    stamp = made / ".stamp"
    return not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime


def _stamp(made: Path) -> None:
    (made / ".stamp").touch()


def _call(*command: str) -> None:
    subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _run_all(path: Path, pool: ThreadPoolExecutor) -> list[Outcome]:
    """Clients first, alone; then fuzzing beside what needs little of the server."""
    said = load(path)
    environment = {**os.environ, "BACKDESK_DEMO": str(path), "BACKDESK_SDL": str(SDL)}
    generated = HERE / "generated"
    generated.mkdir(exist_ok=True)
    shutil.copy(SDL, generated / "schema.graphql")
    outcomes = [_run(suite, environment) for suite in suites.clients()]
    beside: list[Future[Outcome]] = [
        pool.submit(_run, suite, environment) for suite in suites.contract()
    ]
    fuzzing = suites.fuzzing(said["graphql"], said["brands"][0]["tokens"])
    fuzzed = [_run(suite, environment) for suite in fuzzing]
    return [*outcomes, *(future.result() for future in beside), *fuzzed]


def _run(suite: Suite, environment: dict[str, str]) -> Outcome:
    started, said, passed = time.monotonic(), "", True
    for command in suite.commands:
        try:
            done = subprocess.run(  # noqa: S603 - commands of our own table
                command,
                cwd=suite.folder,
                env={**environment, **suite.environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=SUITE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said += f"{(late.stdout or b'').decode(errors='replace')}\nno end in {late.timeout} s"
            passed = False
            break
        said += done.stdout.decode(errors="replace")
        if done.returncode:
            passed = False
            break
    outcome = Outcome(suite.name, passed, time.monotonic() - started, said)
    print(f"{'pass' if passed else 'FAIL'}  {suite.name}", flush=True)
    return outcome


def _print_faults(log: Path) -> None:
    """The end of the server's own log: its errors name the request ids that the suites saw."""
    if log.exists():
        said = log.read_text(errors="replace").splitlines()
        lines = [line for line in said if not line.startswith("INFO:")][-LOG_LINES:]
        print(f"\n──── the server's log, its last {len(lines)} lines ────")
        print("\n".join(line[:300] for line in lines))


def _print_table(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.passed:
            print(f"\n──── {outcome.name} ────\n{outcome.said.strip()}")
    width = max(len(outcome.name) for outcome in outcomes)
    print()
    for outcome in outcomes:
        verdict = "pass" if outcome.passed else "FAIL"
        print(f"{outcome.name:<{width}}  {verdict}  {outcome.seconds:6.1f} s")


if __name__ == "__main__":
    sys.exit(main())
