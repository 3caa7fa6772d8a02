"""The command line's grammar. Nothing heavy may be imported here: it is all that `--help` needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from hubbub import __version__


def build_parser() -> argparse.ArgumentParser:
    """Return the parser. `command` is what was asked for, such as `serve` or `config show`."""
    parser = argparse.ArgumentParser(
        prog="hubbub", description="A self-hosted chat server: one port, five wire dialects."
    )
    parser.add_argument("--version", action="version", version=f"hubbub {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="run the server", description="Run the server.")
    serve.set_defaults(command="serve")
    _add_settings(serve)

    relay = commands.add_parser(
        "relay",
        help="run the relay: every line goes to everybody",
        description="Run the relay: every line goes to everybody, as it came. No names, no rooms, no timers.",
    )
    relay.set_defaults(command="relay")
    _add_listen(relay)
    _add_log(relay)
    _add_config(relay)

    version = commands.add_parser("version", help="print the version", description="Print the version.")
    version.set_defaults(command="version")

    config = commands.add_parser(
        "config", help="show or check the settings", description="Show or check the settings."
    )
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="print every setting and where it comes from",
        description="Print every setting as TOML, each with where it comes from. Takes the flags of serve.",
    )
    show.set_defaults(command="config show")
    _add_settings(show)
    check = actions.add_parser(
        "check",
        help="name every fault in the settings",
        description="Name every fault in the settings (exit code 2). Takes the flags of serve.",
    )
    check.set_defaults(command="config check")
    _add_settings(check)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    _add_listen(parser)
    parser.add_argument("--data", metavar="DIR|:memory:", help="where messages are kept (default: :memory:)")
    parser.add_argument("--name", help="what the server calls itself (default: hubbub)")
    parser.add_argument(
        "--limits", choices=("on", "off"), help="off lifts rates and connection counts (default: on)"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="PEM certificate chain, for TLS on the same port")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key")
    _add_log(parser)
    _add_config(parser)


def _add_listen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        action="append",
        metavar="HOST:PORT[=DIALECT]",
        help="where to listen, any number of times (default: 127.0.0.1:8080); DIALECT pins one of "
        "text, relay, json, ndjson, protobuf, http",
    )


def _add_log(parser: argparse.ArgumentParser) -> None:
    levels = ("debug", "info", "warning", "error")
    parser.add_argument("--log-level", type=str.lower, choices=levels, help="(default: info)")
    parser.add_argument(
        "--log-format", choices=("auto", "console", "json"), help="auto: JSON unless on a terminal (default)"
    )


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="settings in TOML (default: hubbub.toml, if there)"
    )
