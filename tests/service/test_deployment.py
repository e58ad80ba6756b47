"""What deploy/ asks for is there: settings, versions, files, commands, room for connections, time to drain."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from prompts import Catalog
from service.setting_groups.callers import LimitSettings
from service.settings import Settings
from service.settings_table import all_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KNOWN = {setting.variable for setting in all_settings()}

SECRET = re.compile(r"PASSWORD|_KEY$|TOKEN|SECRET")
DBOS_CONNECTIONS = 20 + 1
"""A worker's queue has a pool of its own and a connection that listens; docs/deployment.md says so."""


class StrictLoader(yaml.SafeLoader):
    """YAML as Compose reads it: the same key twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands there twice"
        return super().construct_mapping(node, deep=deep)


def strict_yaml(text: str) -> Any:
    return yaml.load(text, StrictLoader)


TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = strict_yaml(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "riddlewire" in service["image"]]
ASKED = dict(re.findall(r"\$\{(\w+)(?::[-?]([^}]*))?\}", TEXT))


def example_env() -> dict[str, str]:
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text: str, values: dict[str, str]) -> str:
    """A value with its `${NAME:-default}` filled in, as Compose does."""

    def one(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2) or ""
        return values.get(name) or default

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?(?::\?[^}]*)?\}", one, text)


def environment(name: str, **values: str) -> dict[str, str]:
    """What a service's process finds in its environment."""
    given = {**example_env(), "POSTGRES_PASSWORD": "of-the-test", **values}
    return {key: filled(str(value), given) for key, value in SERVICES[name]["environment"].items()}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def replicas(name: str) -> int:
    """Of a service, where `.env` says nothing."""
    written = str(SERVICES[name].get("deploy", {}).get("replicas", 1))
    return int(re.sub(r"\$\{WORKERS:-(\d+)\}", r"\1", written))


# ------------------------------------------------------------------ compose.yaml
def test_two_processes_answer_and_two_work() -> None:
    apis = [name for name in OURS if "command" not in SERVICES[name]]
    workers = [name for name in OURS if SERVICES[name].get("command", [""])[0] == "work"]
    assert len(apis) == 2
    assert sum(replicas(name) for name in workers) == 2
    assert len(apis) + len(workers) == len(OURS)


@pytest.mark.parametrize("name", OURS)
def test_settings_are_read_and_can_be_used_together(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = environment(name, OPENAI_API_KEY="sk-test")
    ours = {variable for variable in given if not variable.startswith("RIDDLEWIRE_PROVIDERS_")}
    assert ours - KNOWN == set()
    for variable, value in {**given, "RIDDLEWIRE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert not settings.needs_home_lock, "several processes need PostgreSQL and a Chroma server"
    assert not settings.jobs.work
    assert settings.model_settings().providers["vllm"].base_url == "http://vllm:8000/v1"


@pytest.mark.parametrize("variable", sorted(ASKED))
def test_what_may_be_set_stands_in_the_example_with_its_default(variable: str) -> None:
    default = ASKED[variable]
    expected = "" if default.startswith("set it") else default
    assert example_env()[variable] == expected


def test_the_example_holds_nothing_that_is_not_asked_for() -> None:
    assert set(example_env()) - set(ASKED) == set()


def test_no_secret_stands_in_clear() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert re.fullmatch(r"\$\{\w+:(-|\?[^}]*)\}", value), f"{name}: {variable}"
    assert {name: value for name, value in example_env().items() if SECRET.search(name) and value} == {}
    assert not re.search(r"://[^\s/]+:[^$\s/]+@", TEXT)


def test_the_database_password_is_demanded() -> None:
    assert ASKED["POSTGRES_PASSWORD"].startswith("set it")


def test_images_have_a_version_and_no_registry() -> None:
    for name, service in SERVICES.items():
        image = filled(service["image"], example_env())
        repository, _, tag = image.rpartition(":")
        assert tag not in {"", "latest"}, name
        assert "." not in repository.partition("/")[0], f"{name}: {image}"


def test_the_chroma_server_has_the_version_of_the_client() -> None:
    locked = re.findall(r"^chromadb==(.+)$", (ROOT / "requirements/lock.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert [SERVICES["chroma"]["image"].rpartition(":")[2]] == locked


def test_volumes_are_declared_and_folders_are_there() -> None:
    sources = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    named = {source for source in sources if not source.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    for folder in sources - named:
        assert (DEPLOY / folder).exists(), folder


def test_every_service_says_whether_it_is_healthy() -> None:
    with_image = {name for name in OURS if "command" not in SERVICES[name]}  # the image's own, on /livez
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == with_image
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_a_workers_healthcheck_asks_the_page_that_tells_a_stuck_one() -> None:
    asked = " ".join(SERVICES["worker"]["healthcheck"]["test"])
    assert ":9100/livez" in asked
    assert "--metrics-port 9100 --metrics-host 0.0.0.0" in " ".join(SERVICES["worker"]["command"])


@pytest.mark.parametrize("name", OURS)
def test_a_container_gets_longer_to_stop_than_draining_takes(name: str) -> None:
    assert seconds(SERVICES[name]["stop_grace_period"]) >= LimitSettings().drain_s + 10


def test_the_proxy_gets_longer_to_stop_than_its_answers_may_take() -> None:
    (grace,) = re.findall(r"grace_period (\d+s)", (DEPLOY / "Caddyfile").read_text(encoding="utf-8"))
    assert seconds(SERVICES["proxy"]["stop_grace_period"]) > seconds(grace)


def test_the_database_takes_all_connections_there_can_be() -> None:
    settings = Settings(home=Path())
    pool = 2 * settings.database_pool_size
    processes = sum(replicas(name) for name in OURS)
    workers = replicas("worker")
    (allowed,) = (int(found) for found in re.findall(r"max_connections=(\d+)", TEXT))
    assert processes * pool + workers * DBOS_CONNECTIONS <= allowed - 3 - 10, "3 are the superuser's, 10 for commands"
    assert f"{processes * pool + workers * DBOS_CONNECTIONS} connections" in PAGE


def test_the_proxy_leads_to_the_apis_and_hides_what_is_for_operators() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    (upstreams,) = re.findall(r"reverse_proxy (.+) \{", caddy)
    assert upstreams.split() == [f"{name}:8000" for name in OURS if "command" not in SERVICES[name]]
    (hidden,) = re.findall(r"@inside path (.+)", caddy)
    assert set(hidden.split()) == {"/livez", "/readyz", "/metrics"}


def test_the_pipeline_of_vllm_can_be_used(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "home", tmp_path, dirs_exist_ok=True)
    catalog = Catalog(tmp_path)
    assert catalog.problems() == ()
    served = re.search(r"--served-model-name=(\w+)", TEXT)
    assert served
    assert {step.model for step in catalog.pipeline("vllm").steps} == {f"vllm:{served[1]}"}


# ------------------------------------------------------------------ Dockerfile
def test_the_image_is_built_of_every_package_and_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for package in packages:
        assert f"COPY {package}/ {package}/" in DOCKERFILE
        assert f"!{package}/" in ignored
    assert "--only-binary :all: -c requirements/lock.txt" in DOCKERFILE
    assert "--require-hashes -r requirements/models.txt" in DOCKERFILE


def test_the_last_stage_has_no_compiler_and_is_nobody_special() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert not re.search(r"gcc|g\+\+|build-essential|pip install", last)
    (user,) = re.findall(r"^USER (\d+)", last, re.MULTILINE)
    assert int(user) > 0
    (tmpfs,) = (place for place in SERVICES["worker"]["tmpfs"] if ":" in place)
    assert f"uid={user}" in tmpfs


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_images_healthcheck_asks_livez(status: int, code: int) -> None:
    (command,) = re.findall(r"^HEALTHCHECK .*\n\s+CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, *arguments = json.loads(command)
    assert program == "python"
    with answering(status) as (port, paths):
        done = subprocess.run(
            [sys.executable, *arguments], env={"RIDDLEWIRE_PORT": str(port)}, capture_output=True, check=False
        )
    assert (done.returncode, paths) == (code, ["/livez"])


class answering:  # noqa: N801 -- reads like the function it stands for
    """A server on loopback that gives one status, as (port, paths asked for)."""

    def __init__(self, status: int) -> None:
        self.paths: list[str] = []
        paths = self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not on the tests' screen."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> tuple[int, list[str]]:
        self._thread.start()
        return self._server.server_port, self.paths

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


# ------------------------------------------------------------------ systemd
@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def test_a_unit_restarts_and_gives_time_to_drain(unit: str) -> None:
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert settings["Restart"] == "always"
    assert int(settings["TimeoutStopSec"]) >= LimitSettings().drain_s + 10
    assert settings["NoNewPrivileges"] == "true"
    assert settings["User"] == "riddlewire"
    starts = r"/opt/riddlewire/bin/riddlewire (serve|work --metrics-port 910%i)"
    assert re.fullmatch(starts, settings["ExecStart"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(path: Path, tmp_path: Path) -> None:
    installed = tmp_path / path.name.replace("@", "@1")
    text = path.read_text(encoding="utf-8").replace("/opt/riddlewire/bin/riddlewire", "/bin/true")
    for name in {path.name, installed.name}:
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(installed)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_environment_of_systemd_is_read() -> None:
    text = (DEPLOY / "systemd" / "riddlewire.env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) <= KNOWN


# ------------------------------------------------------------------ docs/deployment.md
def test_what_the_page_names_is_there() -> None:
    named = set(re.findall(r"RIDDLEWIRE_[A-Z_]+[A-Z]", PAGE))
    assert {name for name in named if not name.startswith("RIDDLEWIRE_PROVIDERS_")} - KNOWN - set(ASKED) == set()
    for path in re.findall(r"`(deploy/[\w./@-]+)`", PAGE):
        assert (ROOT / path).exists(), path
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^## (riddlewire.*)$", reference, re.MULTILINE))
    for command in re.findall(r"riddlewire ((?:keys|examples|webhooks) [a-z]+|doctor|serve|work)\b", PAGE):
        assert f"riddlewire {command}" in commands


def test_the_page_shows_the_numbers_of_the_code() -> None:
    drain_s, settings = LimitSettings().drain_s, Settings(home=Path())
    assert f"`RIDDLEWIRE_LIMITS_DRAIN_S` ({drain_s:g} s)" in PAGE
    assert f"`RIDDLEWIRE_JOBS_DEAD_AFTER_S` ({settings.jobs.dead_after_s:g} s)" in PAGE
    assert f"`RIDDLEWIRE_DATABASE_POOL_SIZE` ({settings.database_pool_size})" in PAGE
    (spec,) = (yaml.safe_load(block)["spec"] for block in re.findall(r"```yaml\n(spec:.*?)```", PAGE, re.DOTALL))
    assert spec["enableServiceLinks"] is False
    assert spec["terminationGracePeriodSeconds"] >= drain_s + 5 + 10
