"""The home folder: private, made once, held by one program; sockets in a short private place."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.embedded import Home, SetupError
from api.embedded.endpoints import Endpoints, read_url
from api.embedded.home import LONGEST_SOCKET_PATH, make_private
from tests.api.embedded import python, scratch_home

HOLD = """
import signal, sys
from pathlib import Path
from api.embedded import Home
with Home(Path(sys.argv[1])).locked():
    print("held", flush=True)
    signal.pause()
"""
TAKE = """
import sys
from pathlib import Path
from api.embedded import Home, SetupError
try:
    with Home(Path(sys.argv[1])).locked():
        print("held")
except SetupError as error:
    print(error)
"""


@pytest.fixture
def home() -> Iterator[Home]:
    with scratch_home() as made:
        yield made.create()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_home_and_secrets_are_private(home: Home) -> None:
    home.record(port=1)
    home.secrets()
    assert [mode(home.path), mode(home.log), mode(home.outbox)] == [0o700] * 3
    assert mode(home.path / "secrets.json") == mode(home.path / "home.json") == 0o600
    assert sorted(each.name for each in home.path.iterdir()) == [
        "home.json",
        "log",
        "outbox",
        "secrets.json",
    ]


def test_secrets_are_made_once_even_by_racing_starters(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: home.secrets(), range(16)))
    assert all(each == made[0] for each in made)
    assert (len(made[0].master_key), len(made[0].cursor_key)) == (32, 64)
    assert len(set(made[0].passwords.values()) | {made[0].sandbox_token}) == 8


def test_damaged_secrets_are_refused(home: Home) -> None:
    home.write("secrets.json", "{}")
    with pytest.raises(SetupError, match=r"damaged: restore it from a backup"):
        home.secrets()


def test_facts_add_up(home: Home) -> None:
    home.record(port=1, url="a")
    home.record(port=2)
    assert home.facts() == {"port": 2, "url": "a"}


def test_second_starter_hears_the_pid_of_the_first(home: Home) -> None:
    first = python(HOLD, str(home.path))
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    assert home.is_locked()
    told, _ = python(TAKE, str(home.path)).communicate(timeout=20)
    assert told == (
        f"backdesk already runs on {home.path} (pid {first.pid}): "
        "stop it first, or set another BACKDESK_HOME\n"
    )
    first.kill()
    first.communicate()
    told, _ = python(TAKE, str(home.path)).communicate(timeout=20)
    assert told == "held\n"
    assert not home.is_locked()


def test_lock_is_not_inherited(home: Home) -> None:
    with home.locked():
        child = python("import signal; print('up', flush=True); signal.pause()")
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
    with home.locked():
        pass
    child.kill()
    child.communicate()


def test_run_directory_is_short_private_and_stays(home: Home) -> None:
    place = home.run_dir()
    assert mode(place) == 0o700
    assert len(str(place / "simulator.sock")) < LONGEST_SOCKET_PATH
    assert Home(home.path).run_dir() == place
    place.rmdir()
    assert home.run_dir() == place
    assert place.is_dir()


def test_two_homes_have_two_run_directories(home: Home) -> None:
    with scratch_home() as other:
        assert other.create().run_dir() != home.run_dir()


def test_run_directory_open_to_others_is_refused(home: Home) -> None:
    home.run_dir().chmod(0o755)
    with pytest.raises(SetupError, match="is open to other accounts: chmod 700"):
        home.run_dir()


def test_a_link_in_place_of_a_private_directory_is_refused(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(SetupError, match="belongs to somebody else"):
        make_private(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_account_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, -1)
    with pytest.raises(SetupError, match="belongs to somebody else"):
        make_private(theirs)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_not_be_made_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SetupError, match=r"may not be written by this account: fix its owner"):
        Home(tmp_path / "home").create()
    tmp_path.chmod(0o700)


def test_urls_of_roles_name_their_driver_and_escape_what_they_must() -> None:
    urls = Endpoints("desk", {"app": "p@ss/word", "owner": "x"}, options={"host": "/tmp/s"})
    assert urls.url("app") == "postgresql://backdesk_app:p%40ss%2Fword@/desk?host=/tmp/s"
    assert urls.url("owner", driver="psycopg", database="other") == (
        "postgresql+psycopg://backdesk_owner:x@/other?host=/tmp/s"
    )
    assert urls.within("b").url("owner") == "postgresql://backdesk_owner:x@/b?host=/tmp/s"
    with pytest.raises(SetupError, match="no superuser account"):
        urls.url("superuser")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_database_url_is_taken_in_its_usual_forms(scheme: str) -> None:
    told = read_url(f"{scheme}://desk:pw@db.example:5433/desk?sslmode=require")
    assert told == ("desk", "pw", "db.example:5433", "desk", "sslmode=require")


@pytest.mark.parametrize("text", ["mysql://a:b@h/d", "postgresql://h/d", "postgresql://a@h", "x"])
def test_database_url_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="write postgresql://owner:password@host/database"):
        read_url(text)


def age(home: Home) -> dict[str, object]:
    """Takes from the secrets what an older version did not make; what is left of them."""
    home.secrets()
    told = json.loads((home.path / "secrets.json").read_text())
    del told["sandbox_token"], told["passwords"]["sandbox"]
    home.write("secrets.json", json.dumps(told))
    return told


def test_an_older_home_gets_what_it_lacks_and_keeps_what_it_has(home: Home) -> None:
    old = age(home)
    made = home.secrets()
    assert home.secrets() == made
    told = json.loads((home.path / "secrets.json").read_text())
    assert told.pop("sandbox_token") == made.sandbox_token
    assert told["passwords"].pop("sandbox") == made.passwords["sandbox"]
    assert told == old
    assert len(made.sandbox_token) >= 40
    assert mode(home.path / "secrets.json") == 0o600
    assert sorted(each.name for each in home.path.iterdir()) == ["log", "outbox", "secrets.json"]


def test_racing_starters_of_an_older_home_get_the_same(home: Home) -> None:
    age(home)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: home.secrets(), range(16)))
    assert all(each == made[0] for each in made)
    assert home.secrets() == made[0]


def test_an_older_home_that_cannot_be_completed_stays_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(home)
    before = (home.path / "secrets.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(SetupError):
            home.secrets()
    assert (home.path / "secrets.json").read_bytes() == before
    assert sorted(each.name for each in home.path.iterdir()) == ["log", "outbox", "secrets.json"]
    assert home.secrets().passwords["sandbox"]


def test_a_key_that_is_lacking_is_not_made_anew(home: Home) -> None:
    """Another one would not open what the lost one has closed."""
    told = age(home)
    del told["master_key"]
    home.write("secrets.json", json.dumps(told))
    with pytest.raises(SetupError, match=r"damaged: restore it from a backup"):
        home.secrets()
    assert json.loads((home.path / "secrets.json").read_text()) == told
