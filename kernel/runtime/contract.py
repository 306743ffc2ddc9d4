"""What a configuration comes to, before anything runs: the verbs `check` and `config schema`.

Here: the contract summary (rules and their digest, groups and their nodes, partitions, the ledger's
state if one is named) and the schema for editors. Building it is the check: the same builder, the
same pre-flight and the same comparison with the ledger as in `run`. Nothing is written anywhere,
and there is no secret in it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import UsageError

if TYPE_CHECKING:
    from kernel.adapters.config import Config


@click.command(
    short_help="Say what a configuration comes to, and run nothing.",
    epilog="Example: fundload check --config configs/baseline.yaml",
)
@click.option("--config", required=True, help="The configuration file.")
@click.option(
    "--redis-url",
    envvar="FUNDLOAD_REDIS_URL",
    help="With --ledger: the server that is looked at. [env FUNDLOAD_REDIS_URL]",
)
@click.option("--ledger", help="A ledger to hold the configuration to; it is not made.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(*, config: str, redis_url: str | None, ledger: str | None, as_json: bool) -> None:
    """Check a configuration, and with --ledger whether that ledger would be used with it.

    Exit 2 if the configuration cannot be used, 7 if the ledger is under another one.
    """
    from kernel.adapters.config import read_config

    read = read_config(config)
    summary = contract_of(read)
    if ledger is not None:
        if redis_url is None:
            raise UsageError(f"--ledger {ledger} needs --redis-url: a ledger lies on a server")
        summary["ledger"] = ledger_state(redis_url, ledger, read)
    click.echo(json.dumps(summary, indent=2) if as_json else told(config, summary))


@click.group(
    short_help="About configuration files.",
    epilog="Example: fundload config schema > fundload.schema.json",
)
def config() -> None:
    """About configuration files."""


@config.command(short_help="Print the JSON schema of a configuration, for editors.")
def schema() -> None:
    """Print the JSON schema (draft 2020-12) of a configuration file.

    An editor that knows it completes keys and marks mistakes while they are typed.
    """
    from kernel.adapters.config import schema as schema_of_file

    click.echo(json.dumps(schema_of_file(), indent=2))


def contract_of(config: Config) -> dict[str, Any]:
    """Return the contract of a configuration as plain values.

    Raises:
        GraphRefused: pre-flight found the scenario wrong.
    """
    from kernel.domain.ruleset import ENGINE_VERSION
    from kernel.engine.context import PER_RUN
    from kernel.ledger.payloads import IDS, ORDER, STATE
    from kernel.ledger.scenario import ALL_GROUPS, GRAPH, build_runner

    views = dict.fromkeys((IDS, ORDER, STATE), PER_RUN)
    build_runner(config.rules, config.fleet.partitions, ALL_GROUPS, views=views)
    return {
        "scenario": GRAPH.scenario_id,
        "modules": list(GRAPH.modules),
        "groups": {group: list(nodes) for group, nodes in GRAPH.groups},
        "units": {unit.group: unit.name for unit in GRAPH.units},
        "rules": json.loads(config.rules.to_json()),
        "digest": config.rules.digest,
        "engine_version": ENGINE_VERSION,
        "fleet": asdict(config.fleet),
    }


def ledger_state(url: str, name: str, config: Config) -> dict[str, Any]:
    """Return how a ledger stands to the configuration; nothing is written.

    Raises:
        Refused, RulesDiffer: the ledger is under another configuration.
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
    """
    from kernel.adapters.redis import keys
    from kernel.adapters.redis.ledger import find
    from kernel.runtime.build import reached
    from kernel.runtime.ledgers import hold_to

    keys.check_name(name, "ledger")
    client = reached(url)
    try:
        record = find(client, name)
    finally:
        client.close()
    if record is None:
        return {"name": name, "state": "not there yet"}
    hold_to(name, record, config)
    return {"name": name, "state": "under this configuration", "incarnation": record.incarnation}


def told(path: str, contract: dict[str, Any]) -> str:
    """Return the contract as it is shown to people."""
    fleet, units = contract["fleet"], contract["units"]
    groups = "\n".join(
        f"    {group:<8} {', '.join(nodes)}; then {units[group]}"
        for group, nodes in contract["groups"].items()
    )
    rules = "\n".join(f"    {name}: {shown(value)}" for name, value in contract["rules"].items())
    sizes = f"chunks of {fleet['chunk_lines_max']} lines, turns of {fleet['turn_attempts_max']}"
    lines = [
        f"{path} can be used",
        f"rules {contract['digest']} (engine version {contract['engine_version']})",
        rules,
        f"scenario {contract['scenario']}",
        groups,
        "memory profile: all groups in one process",
        f"fleet: processes for each group, {fleet['partitions']} partitions, {sizes}",
    ]
    if "ledger" in contract:
        lines.append(f"ledger {contract['ledger']['name']}: {contract['ledger']['state']}")
    return "\n".join(lines)


def shown(value: object) -> str:
    """Return a value of the rule set as it is shown: what is off says so."""
    return "off" if value is None else json.dumps(value).strip('"')
