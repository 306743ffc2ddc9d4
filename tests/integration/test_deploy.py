"""What `deploy/` ships: its files are well formed, and its commands decide a run.

The commands are read out of the shipped files, so they cannot drift. What stands for a place in
them (a host name, a folder of the image, a password) is replaced by one of this test, and no more.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import yaml

from kernel.adapters.redis.client import connect
from tests.support.fleet import COMMAND, ENDS_S, PROJECT, Fleet, Member, environment
from tests.support.guarded import PASSWORD, SHIPPED, users_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import free_port, server_binary
from tests.support.waiting import wait_until

DEPLOY = PROJECT / "deploy"
UNITS = DEPLOY / "systemd"
EXPERIMENT = PROJECT / "configs" / "experiment.yaml"
PROGRAM: Final = "/opt/fundload/bin/fundload"


def compose() -> dict[str, Any]:
    """Read the compose file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def unit(name: str) -> dict[str, str]:
    """Read the settings of a unit that have one value."""
    lines = (UNITS / f"fundload-{name}@.service").read_text("utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if re.match(r"[A-Z]\w+=", line)]
    return {key: value for key, _, value in pairs}


def test_systemd_knows_every_setting_of_the_units(tmp_path: Path) -> None:
    """As `systemd-analyze verify` sees them; it finds a mistake that is put in."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on the PATH: the units are not checked by systemd itself")
    for shipped in UNITS.iterdir():
        text = shipped.read_text("utf-8").replace(PROGRAM, str(COMMAND))
        (tmp_path / shipped.name).write_text(text, "utf-8")
    broken = tmp_path / "broken@.service"
    worker = (tmp_path / "fundload-worker@.service").read_text("utf-8")
    broken.write_text(worker.replace("ProtectHome=yes", "ProtectHouse=yes"), "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no"]

    units = sorted(str(path) for path in tmp_path.glob("fundload-*"))
    good = subprocess.run([*verify, *units], capture_output=True, text=True, check=False)
    bad = subprocess.run([*verify, str(broken)], capture_output=True, text=True, check=False)

    assert (good.returncode, good.stderr) == (0, "")
    assert "ProtectHouse" in bad.stderr


def test_a_reload_that_comes_too_early_leaves_no_host_without_workers() -> None:
    """Nobody listens to SIGHUP in the first moments; for systemd an end by it is a clean one."""
    worker = unit("worker")

    assert worker["ExecReload"].endswith("-HUP $MAINPID")
    assert "SIGHUP" in worker["RestartForceExitStatus"].split()


def test_docker_reads_the_compose_file() -> None:
    """As `docker compose config` sees it, which needs no engine."""
    compose_words = ["docker", "compose"]
    if shutil.which("docker") is None or not works(*compose_words, "version"):
        pytest.skip("no docker with the compose plugin: the file is read as YAML alone")
    passwords = {f"{name}_PASSWORD": "x" for name in ("WORKER", "PRODUCER", "COLLECTOR")}

    read = subprocess.run(
        [*compose_words, "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), **passwords},
    )

    assert (read.returncode, read.stderr) == (0, "")


def works(*words: str) -> bool:
    """Say whether a command ends well."""
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def test_nobody_in_compose_may_more_than_it_needs() -> None:
    """No root, no capability, no port to the outside, nothing written but where it is said."""
    read = compose()

    for name, service in read["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "ports" not in service, name
        assert "privileged" not in service, name
        assert not re.search(r":(?!\$\{)[^@/{}]+@", json.dumps(service)), "a password"
    assert read["networks"] == {"fleet": {"internal": True}}


def test_the_image_is_made_from_what_is_there_and_is_not_roots() -> None:
    """Two stages, everything fetched by hash, copied files exist, and a number for a user.

    No validator of Dockerfiles works without an engine; this looks at what can be seen without.
    """
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    steps = [line.split(maxsplit=1) for line in text.splitlines() if re.match(r"[A-Z]", line)]
    by_name: dict[str, list[str]] = {}
    for name, words in steps:
        by_name.setdefault(name, []).append(words)

    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert by_name.keys() <= known
    assert by_name["FROM"] == ["${PYTHON} AS build", "${PYTHON}"]
    assert by_name["USER"] == ["10001:10001"]
    assert json.loads(by_name["ENTRYPOINT"][0]) == ["fundload"]
    fetched, *others = [
        words for words in by_name["RUN"] if re.search(r"pip (install|download)", words)
    ]
    assert "--require-hashes" in fetched
    assert all("--no-index" in words for words in others)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for words in by_name["COPY"]:
        sources = [] if words.startswith("--from") else words.split()[:-1]
        for source in sources:
            assert (PROJECT / source).exists(), source
            assert f"!{source}" in ignored, source


class Places:
    """What stands for a place in the shipped files, and where it is in this test."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.output = folder / "decisions"
        sample, keys = folder / "sample", folder / "keys"
        sample.write_bytes(sample_bytes(1_500))
        subprocess.run(
            [COMMAND, "keys", "new", "--keys", str(keys)], check=True, capture_output=True
        )
        self.sample = sample
        (folder / "data").mkdir()
        self._there = {
            "/etc/redis/redis.conf": str(DEPLOY / "redis.conf"),
            "/etc/redis/users.acl": str(users_file(folder)),
            "/data": str(folder / "data"),
            "/run/secrets/ledger_keys": str(keys),
            "/etc/fundload/prod.keys": str(keys),
            "/etc/fundload/configs/experiment.yaml": str(EXPERIMENT),
            "/etc/fundload/rules.yaml": str(EXPERIMENT),
            "/input/loads.txt": str(sample),
            "/var/lib/fundload/input/%i.txt": str(sample),
            "/output/decisions.txt": str(self.output),
            "/var/lib/fundload/output/%i.txt": str(self.output),
        }
        self.port = port

    def url_of(self, user: str) -> str:
        """Address with which a user logs in."""
        return f"redis://{user}:{PASSWORD}@127.0.0.1:{self.port}"

    def word(self, text: str, instance: str = "") -> str:
        """Return a word of a command, or a value of the environment, as it is here."""
        if text.startswith("/"):
            return self._there[text]
        text = re.sub(r"\$\{\w+_PASSWORD:\?\}", PASSWORD, text)
        text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text).replace("%i", instance)
        return text.replace("@redis:6379", f"@127.0.0.1:{self.port}")


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """Make the places of a deployment, with its server running as the compose file starts it."""
    made = Places(tmp_path, free_port())
    name, *words = [made.word(word) for word in compose()["services"]["redis"]["command"]]
    assert name == "redis-server"
    here = ["--port", str(made.port), "--bind", "127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([server_binary(), *words, *here], stdout=log, stderr=log)
    admin = connect(made.url_of("admin"))

    def answers() -> bool:
        assert running.poll() is None, (tmp_path / "log").read_text("utf-8")
        try:
            return bool(admin.ping())
        except redis.exceptions.ConnectionError:  # not listening yet
            return False

    try:
        wait_until(answers, within_s=ENDS_S, what="the server to answer")
        yield made
    finally:
        admin.close()
        running.terminate()
        running.wait(ENDS_S)


def start(fleet: Fleet, words: Sequence[str], variables: Mapping[str, str]) -> Member:
    """Start one of the shipped commands, with the environment that it is shipped with."""
    said = fleet.folder / f"{len(fleet.members)}-{words[0]}.said"
    member = Member(
        words, said, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, variables=variables
    )
    fleet.members.append(member)
    return member


def start_service(fleet: Fleet, places: Places, name: str) -> Member:
    """Start a service of the compose file."""
    service = compose()["services"][name]
    words = [places.word(word) for word in service["command"]]
    return start(fleet, words, {k: places.word(v) for k, v in service["environment"].items()})


def start_unit(fleet: Fleet, places: Places, name: str, instance: str) -> Member:
    """Start a unit; the address is what `README.md` says is in its environment file."""
    settings = unit(name)
    program, *words = settings["ExecStart"].split()
    assert program == PROGRAM
    words = [places.word(word, instance) for word in words]
    variable, _, value = settings["Environment"].partition("=")
    (user,) = re.findall(r"/(\w+)\.env", settings["EnvironmentFile"])
    variables = {variable: places.word(value), "FUNDLOAD_REDIS_URL": places.url_of(user)}
    return start(fleet, words, variables)


def test_the_services_of_compose_decide_a_run(places: Places) -> None:
    """As many workers as replicas, producer and collector, each as its own user, with a key."""
    services = compose()["services"]
    assert services.keys() == {"redis", "worker", "producer", "collector"}
    with Fleet(places.url_of("admin"), SHIPPED, places.folder) as fleet:
        workers = [
            start_service(fleet, places, "worker")
            for _ in range(services["worker"]["deploy"]["replicas"])
        ]
        producer = start_service(fleet, places, "producer")
        collector = start_service(fleet, places, "collector")

        assert producer.ends() == 0, producer.said
        assert collector.ends() == 0, collector.said
        fleet.stop_workers(workers)
    assert places.output.read_bytes() == memory_bytes(EXPERIMENT, places.sample)


def test_the_units_of_systemd_decide_a_run(places: Places) -> None:
    """Two workers under one supervisor, told to end as systemd tells them."""
    with Fleet(places.url_of("admin"), SHIPPED, places.folder) as fleet:
        workers = start_unit(fleet, places, "worker", "2")
        producer = start_unit(fleet, places, "produce", "monday")
        collector = start_unit(fleet, places, "collect", "monday")

        assert producer.ends() == 0, producer.said
        assert collector.ends() == 0, collector.said
        workers.tell(signal.SIGTERM)
        assert str(workers.ends()) == unit("worker")["SuccessExitStatus"], workers.said
    assert places.output.read_bytes() == memory_bytes(EXPERIMENT, places.sample)
