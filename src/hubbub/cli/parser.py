"""The command line's grammar. Nothing heavy may be imported here: it is all that `--help` needs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NoReturn

from hubbub import __version__
from hubbub.cli.client_parser import add_client_commands, seconds


class _Parser(argparse.ArgumentParser):
    """Repeats what was wrong, but for what may be a password in it."""

    def error(self, message: str) -> NoReturn:
        """See argparse."""
        super().error(re.sub(r"\S*:\S.*@", "…@", message))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser. `command` is what was asked for, such as `serve` or `config show`."""
    parser: argparse.ArgumentParser = _Parser(
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
    add_client_commands(commands)
    _add_user_commands(commands)
    _add_log_commands(commands)
    _add_file_commands(commands)
    backup = commands.add_parser(
        "backup",
        help="copy the data directory, also of a running server",
        description="Copy everything that is kept into an empty directory, also beside a running server.",
    )
    backup.set_defaults(command="backup")
    backup.add_argument("directory", metavar="DIR", type=Path)
    _add_data(backup)
    _add_why(commands)
    _add_probe(commands)
    _add_doctor(commands)
    return parser


_DOCTOR_CODES = """exit codes:
  0    all is well, perhaps with notes
  1    something failed
  2    it was asked wrongly
  3    nothing failed, and there are warnings
"""


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check a deployment, and say what to do",
        description="Look at the system, the data directory and the server, in less than five seconds,\n"
        "and say what stands in its way and what to do. Nothing is changed. Takes the flags of\n"
        "serve: give it the same ones, and run it as the server's user.",
        epilog=_DOCTOR_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doctor.set_defaults(command="doctor")
    doctor.add_argument(
        "--url",
        help="how people reach it, such as https://chat.example.org (default: a listener of this machine)",
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    _add_settings(doctor)


_WHY_CODES = """exit codes:
  0    nothing is wrong
  1    something is; the first line says what
  2    it was asked wrongly
  3    nobody has that name, or no server could be asked
"""


def _add_why(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    why = commands.add_parser(
        "why",
        help="say why somebody's chat is slow",
        description="Ask the server that runs on the data directory why somebody's chat is slow: it is the\n"
        "person's network, a client that does not read, the server's limits, its event loop, its\n"
        "disk, or the machine. Below the verdict stands what says so, for each connection.",
        epilog=_WHY_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    why.set_defaults(command="why")
    why.add_argument("user", metavar="NAME", help="a guest who is here, or an account")
    why.add_argument("--json", action="store_true", help="for programs")
    _add_data(why)


_PROBE_CODES = """exit codes:
  0    the time is over, the server has ended, or Ctrl-C
  1    it cannot be observed
  2    it was asked wrongly
  3    no server runs on the data directory
"""


def _add_probe(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    probe = commands.add_parser(
        "probe",
        help="show what the kernel sees of a running server",
        description="Show what the kernel sees of a running server: its calls with their sizes and times,\n"
        "its threads, its connections. With the right to it (root, or CAP_BPF and CAP_PERFMON) by probes,\n"
        "else by what the kernel tells anybody.",
        epilog=_PROBE_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    probe.set_defaults(command="probe")
    probe.add_argument(
        "--pid", type=_process, help="of the server (default: of the one that runs on the data directory)"
    )
    probe.add_argument("--duration", metavar="S", type=seconds, help="end after so many seconds")
    probe.add_argument("--all", action="store_true", help="time each call, too, which costs the server more")
    probe.add_argument("--trace", action="store_true", help="print each call instead")
    probe.add_argument("--json", action="store_true", help="a JSON object a line, for programs")
    _add_data(probe)


def _process(text: str) -> int:
    number = int(text)
    if not 0 < number < 1 << 31:
        raise ValueError(text)
    return number


_process.__name__ = "number of a process"  # argparse says it


def _add_user_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    user = commands.add_parser(
        "user", help="make and change accounts", description="Make and change accounts."
    )
    actions = user.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sentence = f"{purpose[:1].upper()}{purpose[1:]}. Works with and without a running server."
        action = actions.add_parser(name, help=purpose, description=sentence)
        action.set_defaults(command=f"user {name}")
        if name != "list":
            action.add_argument("user", metavar="NAME")
        _add_data(action)
        return action

    roles = ("member", "admin")
    new = add("add", "make an account; the password is asked for, or read from a pipe")
    new.add_argument("--role", choices=roles, default="member", help="(default: member)")
    add("passwd", "set another password; every login of the account ends")
    add("role", "say what somebody may do").add_argument("role", choices=roles)
    add("disable", "let nobody in by it any more, and end its logins")
    add("enable", "take that back")
    add("list", "list the accounts").add_argument("--json", action="store_true", help="for programs")


def _add_log_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    log = commands.add_parser(
        "log", help="look into the log, check it, copy it", description="Look into what is kept."
    )
    actions = log.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sentence = f"{purpose[:1].upper()}{purpose[1:]}."
        action = actions.add_parser(name, help=purpose, description=sentence)
        action.set_defaults(command=f"log {name}")
        _add_data(action)
        return action

    add("verify", "read everything and say what is damaged, and where (exit code 1)")
    add("stat", "print counts and sizes")
    dump = add("dump", "print entries as JSON, one a line")
    dump.add_argument("--stream", help="of this stream alone, such as room:1")
    dump.add_argument("--first", type=int, default=1, metavar="OFFSET", help="begin here (default: 1)")
    dump.add_argument("--count", type=int, metavar="N", help="print at most so many")
    add("compact", "give back the space of what is erased, too old or overwritten")
    add("export", "write everything as JSON, one object a line").add_argument("file", metavar="FILE|-")
    add("import", "read an export into an empty place").add_argument("file", metavar="FILE|-")
    add("rebuild-index", "make the search index anew")


def _add_file_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    files = commands.add_parser(
        "files", help="look into kept files, check them, free space", description="Look into kept files."
    )
    actions = files.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sentence = f"{purpose[:1].upper()}{purpose[1:]}. Works with and without a running server."
        action = actions.add_parser(name, help=purpose, description=sentence)
        action.set_defaults(command=f"files {name}")
        _add_data(action)
        return action

    add("list", "list the kept files").add_argument("--json", action="store_true", help="for programs")
    add("verify", "read every kept file and say what is damaged or missing (exit code 1)")
    add("gc", "remove what no message points to, and uploads that rest for too long")


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="where it is kept (default: as serve has it)")
    _add_config(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    _add_listen(parser)
    parser.add_argument(
        "--data", metavar="DIR|:memory:", help="where everything is kept (default: see `config show`)"
    )
    parser.add_argument(
        "--durability",
        metavar="commit|interval=MS",
        help="acknowledge what is on the disk, or what gets there within MS ms (default: commit)",
    )
    parser.add_argument(
        "--demo",
        action="store_const",
        const="on",
        help="with the accounts alice and bob, in memory: to try it out, on this machine only",
    )
    parser.add_argument("--name", help="what the server calls itself (default: hubbub)")
    parser.add_argument(
        "--limits", choices=("on", "off"), help="off lifts rates and connection counts (default: on)"
    )
    parser.add_argument(
        "--probes",
        choices=("auto", "on", "off"),
        help="whether the kernel is asked how calls and connections fare; on: not without its probes "
        "(default: auto)",
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
