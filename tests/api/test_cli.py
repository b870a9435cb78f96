"""The console command: expected refusals are one line with the fix and exit code 1."""

import json
import socket
import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest
from graphql import parse, validate
from psycopg import sql

from api import cli
from api.embedded import Cluster, Home
from api.embedded.migrate import migrate
from api.embedded.problems import SetupError
from api.serving import require_port
from api.settings import Settings
from api.welcome import QUERIES, greet
from schema.root import schema
from tests.api.embedded import scratch_home

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with scratch_home() as made:
        Cluster.at(made, durable=False).create()
        yield made


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `backdesk …` on a scratch home: exit code, output, errors."""
    monkeypatch.setenv("BACKDESK_HOME", str(home.path))
    monkeypatch.setattr(cli.console, "width", 300)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def ran(*words: str, **environment: str) -> tuple[int, str, str]:
        ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
        for name, value in {**ports, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["backdesk", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return ran


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_help_names_every_verb(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for verb in (
        "run",
        "serve",
        "worker",
        "simulator",
        "sandbox",
        "migrate",
        "demo",
        "schema",
        "doctor",
    ):
        assert f" {verb} " in out


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PORT": "eighty"}, "error: PORT is wrong ("),
        ({"PORT": "0"}, "error: PORT is wrong ("),
        ({"ROLE_PREFIX": "a b"}, "error: ROLE_PREFIX is wrong ("),
        ({"DATABASE_URL": "mysql://x"}, "error: DATABASE_URL is not a Postgres URL: write postg"),
        (
            {"DATABASE_URL": "postgresql://a:secret@127.0.0.1:1/d"},
            "error: DATABASE_URL does not open (connection failed",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(run: Run, environment: dict[str, str], line: str) -> None:
    code, _, err = run("migrate", **environment)
    assert code == 1
    assert err.startswith(line)
    assert err.count("\n") == 1
    assert "secret" not in err


def test_a_taken_port_is_one_line(run: Run, taken_port: int) -> None:
    code, out, err = run("run", PORT=str(taken_port))
    assert (code, out) == (1, "")
    assert err == (
        f"error: port {taken_port} is taken by another program: "
        f"stop it, or choose another: PORT={taken_port + 2}\n"
    )


def test_a_taken_sandbox_port_is_one_line(run: Run, taken_port: int) -> None:
    code, out, err = run("run", SANDBOX_PORT=str(taken_port))
    assert (code, out) == (1, "")
    assert err == (
        f"error: port {taken_port} is taken by another program: "
        f"stop it, or choose another: SANDBOX_PORT={taken_port + 2}\n"
    )


def test_the_sandbox_listens_next_to_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two homes side by side need two ports only to be told apart."""
    for port, beside in (("8000", 8001), ("8002", 8003), ("65535", 65534)):
        monkeypatch.setenv("PORT", port)
        assert Settings().sandbox_port == beside
    monkeypatch.setenv("SANDBOX_PORT", "9000")
    assert Settings().sandbox_url == "http://127.0.0.1:9000"


def test_the_sandbox_is_for_development(run: Run) -> None:
    code, _, err = run("sandbox", ENVIRONMENT="production")
    assert code == 1
    assert err == "error: the sandbox moves no real money: unset ENVIRONMENT to run it\n"


def test_a_free_port_is_no_matter_and_stays_free(taken_port: int) -> None:
    port = free_port()
    assert port != taken_port
    require_port("127.0.0.1", port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        for taken in (port, taken_port):
            with pytest.raises(SetupError, match=f"port {taken} is taken"):
                require_port("127.0.0.1", taken)


def test_a_second_run_on_a_home_is_one_line(run: Run, home: Home) -> None:
    with home.locked():
        code, out, err = run("run")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: backdesk already runs on {home.path} (pid ")


@pytest.mark.parametrize("verb", ["serve", "worker", "simulator", "sandbox"])
def test_a_process_alone_needs_the_database(run: Run, home: Home, verb: str) -> None:
    code, _, err = run(verb)
    assert code == 1
    assert err == f"error: the database of {home.path} does not run: start it with: backdesk run\n"


def test_doctor_before_the_first_start_finds_nothing_wrong(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    assert "not running" in out
    assert "wrong" not in out


def test_doctor_finds_a_role_that_bypasses_and_an_open_table(run: Run, home: Home) -> None:
    cluster = Cluster.at(home, durable=False)
    urls = cluster.ensure_started()
    migrate(urls)
    code, out, _ = run("doctor")
    assert (code, "wrong" in out, "not running" in out) == (0, False, False), out
    with psycopg.connect(urls.url("superuser")) as connection:
        name = sql.Identifier(urls.name("worker"))
        connection.execute(sql.SQL("alter role {} bypassrls").format(name))
        connection.execute("alter table client no force row level security")
    code, out, _ = run("doctor")
    assert code == 1
    assert f"{urls.name('worker')} has rolbypassrls" in out
    assert "not forced on client" in out
    cluster.stop()


def test_migrate_starts_what_it_needs_and_stops_it(run: Run, home: Home) -> None:
    code, out, _ = run("migrate")
    assert code == 0
    assert out.startswith("database at 0")
    assert not Cluster.at(home).is_running()


def test_the_greeting_shows_every_token_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKDESK_HOME", str(home.path))
    monkeypatch.setenv("PORT", "8123")
    tokens = {actor: f"bk_{actor}_{'0' * 64}_{'x' * 43}" for actor in ("brand_admin", "client")}
    brand = {"slug": "b", "host": "b.example", "publishable_key": "bk_pub_1", "tokens": tokens}
    told = {"graphql": "http://localhost:8123/graphql", "operator": "bk_op", "brands": [brand]}
    home.write("demo.json", json.dumps(told))
    greet(Settings(), cli.console)
    out = capsys.readouterr().out
    for actor, token in tokens.items():
        assert f"  {actor:<12} {token}\n" in out
    assert "bk_op\n" in out
    assert "bk_pub_1\n" in out
    assert out.count("curl -s http://localhost:8123/graphql") == 3


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_the_printed_queries_are_of_this_schema(title: str, query: str) -> None:
    assert "'" not in query, f"{title}: the shell would end the argument there"
    assert validate(schema._schema, parse(query)) == []
