"""``python -m dev``: the local cluster from the command line; ``make help`` lists the same."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dev import asyncapi, connect, demo, docker, images, kafka_cluster, registry, release, system, tools
from dev.cluster import DEMO, PORTS, Cluster
from dev.run import CommandFailedError
from dev.source import Source, source
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Callable


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code; what failed is told in its own words, without a traceback."""
    given = _parser().parse_args(words)
    command: Callable[[Cluster], None] = given.command
    try:
        command(Cluster(given.name))
    except (CommandFailedError, RuntimeError) as error:
        say(f"\nFailed: {error}\nRun the same command again to go on from there.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Run the same command again to go on from there.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev", description="The local cluster: kind with a real Kafka."
    )
    parser.add_argument(
        "--name",
        choices=list(PORTS),
        default=os.environ.get("EVENTCONSUMER_CLUSTER", DEMO),
        help="which of the two clusters (default: $EVENTCONSUMER_CLUSTER, else %(default)s)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function, says in (
        ("prepare", _prepare_tests, "get or build everything that a cluster and the tests need"),
        ("up", _up, "make the cluster, or start it again; nothing to do takes seconds"),
        ("images", _images, "build the product's images from this tree and load them"),
        ("demo", _demo, "the whole story: cluster, images, chart, 600 tasks"),
        ("picture", _picture, "take the README's picture of the Task API's page anew"),
        ("status", _status, "say what is there"),
        ("down", _down, "delete the cluster; what was built stays in the cache"),
    ):
        commands.add_parser(name, help=says).set_defaults(command=function)
    return parser


def _prepare_tests(cluster: Cluster) -> None:
    system.need("postgres", "npm", "mvn", "java", "chromium", "chromedriver")
    asyncapi.schema()
    registry.program()
    connect.jars()
    connect.debezium()
    _prepare(cluster)


def _prepare(cluster: Cluster) -> None:
    with step(f"All that the cluster {cluster.name} is made of"):
        docker.ensure_running()
        if source() is Source.PACKAGES:
            # Asked for before anything long begins, and in one go.
            system.need_root("build the node's image from packages")
            system.need("debootstrap", "mvn", "java")
        with ThreadPoolExecutor() as pool:
            beside = pool.submit(kafka_cluster.prepare)
            cluster.prepare()
            beside.result()
        images.make()


def _up(cluster: Cluster) -> None:
    _prepare(cluster)
    cluster.up()
    kafka_cluster.install(cluster)
    say(f"\nThe cluster {cluster.name} runs.{how_to_reach(cluster, os.environ.get('PATH', ''))}")


def _images(cluster: Cluster) -> None:
    _up(cluster)
    images.load(cluster)


def _demo(cluster: Cluster) -> None:
    _up(cluster)
    release.install(cluster)
    demo.run(cluster)


def _picture(_cluster: Cluster) -> None:
    # Only here: a browser is nothing that the other commands need.
    from dev import picture  # noqa: PLC0415  # as the line above says

    picture.take()


def _status(cluster: Cluster) -> None:
    if not docker.answers() or not cluster.exists():
        print(f"{cluster.name}: not there")
    elif not cluster.running():
        print(f"{cluster.name}: stopped")
    elif not cluster.whole():
        print(f"{cluster.name}: broken; `up` makes it anew")
    else:
        print(f"{cluster.name}: runs\n{cluster.kubectl('get', 'nodes,pods', '--all-namespaces')}", end="")


def _down(cluster: Cluster) -> None:
    if docker.answers() and cluster.exists():
        cluster.delete()
    else:
        say(f"{cluster.name} is not there.")


def how_to_reach(cluster: Cluster, path: str) -> str:
    """Return the shell lines a user still needs before plain kubectl talks to ``cluster``."""
    lines = []
    if any(shutil.which(tool.name, path=path) is None for tool in tools.TOOLS):
        lines.append(f'  export PATH="{cluster.bin}:$PATH"')
    if cluster.name != DEMO:
        lines.append(f'  export KUBECONFIG="{cluster.kubeconfig}"')
    return "\nFor kubectl, helm and kind in your shell:\n" + "\n".join(lines) if lines else ""


if __name__ == "__main__":
    sys.exit(main())
