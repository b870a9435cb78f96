"""One private cluster per home: made, found again, and recovered after every kind of death."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.embedded import Cluster, Home, SetupError, postmaster
from api.embedded import cluster as cluster_module
from api.embedded.cluster import buffers_mb, memory_bytes
from api.embedded.postmaster import wait_until
from tests.api.embedded import PATIENCE, none_in, processes_in, python, scratch_home

LINUX = sys.platform.startswith("linux")
LAUNCH = """
import signal, sys
from pathlib import Path
from api.embedded import Cluster, postmaster
cluster = Cluster.at(Path(sys.argv[1]), durable=False)
cluster.ensure_started(tied=sys.argv[2] == "tied")
print(postmaster.find(cluster.place.data).pid, flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """One home for the whole file: each test leaves a cluster that can be started."""
    with scratch_home() as made:
        yield made


@pytest.fixture
def cluster(home: Home) -> Cluster:
    made = Cluster.at(home, durable=False)
    made.ensure_started()
    return made  # Not stopped: the next test finds it, the home's end takes it away.


def pid_of(cluster: Cluster) -> int:
    running = postmaster.find(cluster.place.data)
    assert running is not None
    return running.pid


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.endpoints.url("superuser")) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def remember(cluster: Cluster, word: str) -> None:
    """Commit a row that must be there later."""
    with psycopg.connect(cluster.endpoints.url("owner")) as connection:
        connection.execute("create table if not exists kept (word text primary key)")
        connection.execute("insert into kept values (%s)", [word])


def test_it_is_private_checked_and_speaks_utf8(cluster: Cluster) -> None:
    settings = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "max_connections": "100",
        "TimeZone": "UTC",
    }
    assert {name: ask(cluster, f"show {name}") for name in settings} == settings
    assert ask(cluster, "select upper('žluťoučký')") == "ŽLUŤOUČKÝ"
    hba = (cluster.place.data / "pg_hba.conf").read_text().splitlines()
    rules = [line.split()[-1] for line in hba if line and not line.startswith("#")]
    assert set(rules) == {"scram-sha-256"}
    for folder in (cluster.place.folder, cluster.place.data, cluster.socket_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nobody_enters_without_the_password(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host=str(cluster.socket_dir), user="postgres", dbname="postgres", password="guess"
        )


def test_a_running_cluster_is_found_again(cluster: Cluster) -> None:
    again = Cluster.at(cluster.home.path, durable=False)
    assert again.is_running()
    assert again.ensure_started() == cluster.endpoints
    assert pid_of(again) == pid_of(cluster)


def test_stop_ends_every_process_and_start_keeps_the_rows(cluster: Cluster) -> None:
    remember(cluster, "stopped")
    assert len(processes_in(cluster.place.data)) > 3
    cluster.stop()
    assert not cluster.is_running()
    assert processes_in(cluster.place.data) == []
    cluster.ensure_started()
    assert ask(cluster, "select count(*) from kept where word = 'stopped'") == 1


def test_kill_9_of_postgres_loses_nothing_committed(cluster: Cluster) -> None:
    cluster.stop()
    durable = Cluster.at(cluster.home)
    durable.start(tied=False)
    remember(durable, "killed")
    leader = pid_of(durable)
    os.kill(leader, signal.SIGKILL)
    assert wait_until(lambda: not postmaster.alive(leader), seconds=PATIENCE)
    # At once, while its backends may still die and hold its shared memory.
    fresh = Cluster.at(cluster.home)
    fresh.start(tied=False)
    assert pid_of(fresh) != leader
    assert ask(fresh, "select count(*) from kept where word = 'killed'") == 1


def test_a_cluster_outlives_its_killed_launcher_and_is_reused(cluster: Cluster) -> None:
    cluster.stop()
    launcher, leader = _launched(cluster, "free")
    launcher.kill()
    launcher.communicate()
    cluster.ensure_started()
    assert pid_of(cluster) == leader


def test_an_owner_ends_a_left_over_cleanly_and_starts_its_own(cluster: Cluster) -> None:
    cluster.stop()
    launcher, leader = _launched(cluster, "free")
    launcher.kill()
    launcher.communicate()
    cluster.start(tied=False)
    assert cluster.process is not None
    assert pid_of(cluster) == cluster.process.pid != leader
    assert not postmaster.alive(leader)
    assert "was interrupted" not in cluster.log.read_text().split("starting PostgreSQL")[-1]


@pytest.mark.skipif(not LINUX, reason="only Linux tells a process that its parent died")
def test_a_tied_cluster_ends_with_its_killed_launcher(cluster: Cluster) -> None:
    cluster.stop()
    launcher, leader = _launched(cluster, "tied")
    launcher.kill()
    launcher.communicate()
    assert none_in(cluster.place.data)
    assert not postmaster.alive(leader)
    assert not (cluster.place.data / "postmaster.pid").exists()


def test_a_pid_file_that_names_another_program_is_no_obstacle(cluster: Cluster) -> None:
    cluster.stop()
    bystander = python("import signal; signal.pause()")
    file = cluster.place.data / "postmaster.pid"
    file.write_text(f"{bystander.pid}\n{cluster.place.data}\n1\n5432\n\n\n")
    assert not cluster.is_running()
    cluster.ensure_started()
    assert bystander.poll() is None
    bystander.kill()
    bystander.communicate()


def test_data_of_another_major_is_refused_in_one_line(cluster: Cluster) -> None:
    cluster.stop()
    version = cluster.place.data / "PG_VERSION"
    real = version.read_text()
    version.write_text("9\n")
    with pytest.raises(SetupError, match=r"made by Postgres 9, here is only .*install Postgr"):
        cluster.ensure_started()
    version.write_text(real)
    assert not cluster.is_running()


def test_a_broken_setting_is_refused_in_one_line(cluster: Cluster) -> None:
    cluster.stop()
    settings = cluster.place.data / "postgresql.auto.conf"
    settings.write_text("shared_buffers = 'much'\n")
    with pytest.raises(SetupError, match=r"Postgres did not start \(.*FATAL.*\): see ") as refusal:
        cluster.ensure_started()
    assert "\n" not in str(refusal.value)
    settings.write_text("")


def test_secrets_of_another_home_are_refused_in_one_line(cluster: Cluster) -> None:
    (cluster.home.path / "secrets.json").rename(cluster.home.path / "mine.json")
    stranger = Cluster.at(cluster.home, durable=False)
    with pytest.raises(SetupError, match="does not know the passwords of this home: restore"):
        stranger.ensure_started()
    (cluster.home.path / "mine.json").rename(cluster.home.path / "secrets.json")


def test_a_half_made_cluster_is_made_anew(home: Home) -> None:
    with scratch_home() as other:
        cluster = Cluster.at(other, durable=False)
        (cluster.place.folder / "data.new").mkdir()
        (cluster.place.folder / "data.new" / "rest").touch()
        before = _modes(cluster.place.folder)
        cluster.ensure_started()
        assert _modes(cluster.place.folder) == before
        # Side by side with the other home of this file.
        twin = Cluster.at(home, durable=False)
        twin.ensure_started()
        remember(cluster, "here")
        assert cluster.endpoints.url("app") != twin.endpoints.url("app")
        assert ask(cluster, "select count(*) from kept") == 1
        cluster.destroy()
        assert processes_in(cluster.place.data) == []
        assert not cluster.place.folder.exists()
        assert twin.is_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone needs another account")
def test_for_root_an_unprivileged_account_runs_it(cluster: Cluster) -> None:
    facts = cluster.home.facts()
    assert facts["account"] in ("postgres", "nobody")
    assert Path(facts["cluster"]) == cluster.place.folder
    assert (cluster.place.folder / "home").read_text() == f"{cluster.home.path}\n"
    assert Path(f"/proc/{pid_of(cluster)}").stat().st_uid != 0
    assert (cluster.home.path / "secrets.json").stat().st_uid == 0


def _modes(folder: Path) -> dict[str, int]:
    return {str(each): each.stat().st_mode for each in folder.parents}


def _launched(cluster: Cluster, how: str) -> tuple["subprocess.Popen[str]", int]:
    """Another program that started this cluster, and the postmaster's pid."""
    launcher = python(LAUNCH, str(cluster.home.path), how)
    assert launcher.stdout is not None
    return launcher, int(launcher.stdout.readline())


@pytest.mark.parametrize(
    ("gigabytes", "megabytes"),
    [(0.25, 128), (0.5, 128), (1, 256), (4, 1024), (8, 2048), (64, 2048)],
)
def test_postgres_keeps_pages_in_a_quarter_of_the_memory(gigabytes: float, megabytes: int) -> None:
    assert buffers_mb(int(gigabytes * 2**30)) == megabytes


def test_a_container_has_the_memory_that_it_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, service = tmp_path / "told", tmp_path / "system.slice" / "backdesk.service"
    service.mkdir(parents=True)
    monkeypatch.setattr(cluster_module, "_GROUPS", tmp_path)
    monkeypatch.setattr(cluster_module, "_OWN_GROUP", told)
    whole = memory_bytes()
    told.write_text("0::/system.slice/backdesk.service\n")
    (service / "memory.max").write_text("max\n")
    assert memory_bytes() == whole
    (tmp_path / "memory.max").write_text(f"{2**21}\n")
    assert memory_bytes() == 2**21
    (service / "memory.max").write_text(f"{2**20}\n")
    assert memory_bytes() == 2**20


@pytest.mark.parametrize("durable", [True, False])
def test_one_that_lasts_is_given_it(cluster: Cluster, durable: bool) -> None:
    lasting = Cluster.at(cluster.home, durable=durable)
    lasting._write_settings()
    told = (lasting.place.data / "backdesk.conf").read_text()
    given = buffers_mb(memory_bytes()) if durable else 128
    assert f"shared_buffers = '{given}MB'" in told
