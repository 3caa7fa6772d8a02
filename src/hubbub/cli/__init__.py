"""The `hubbub` command. A command's parts are imported when it runs, so that `--help` is there at once."""

from __future__ import annotations

import sys
from argparse import Namespace

from hubbub import __version__
from hubbub.cli.output import OutputError, check_printed, discard, flush, prepare
from hubbub.cli.parser import build_parser

OK = 0
FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 it failed, 2 it was asked wrongly."""
    prepare()
    arguments = build_parser().parse_args(argv)
    code = OK
    try:
        code = _run(arguments.command, arguments)
        flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader has what it wanted (`| head`)
        discard()
    except OutputError as error:
        return _not_printed(str(error))
    except OSError:
        try:
            check_printed()
        except OutputError as error:
            return _not_printed(str(error))
        raise
    return code


def _not_printed(why: str) -> int:
    discard()
    print(f"hubbub: standard output: {why}", file=sys.stderr)
    return FAILED


def _run(command: str, arguments: Namespace) -> int:
    match command:
        case "serve":
            from hubbub.cli.serve import serve

            return serve(arguments)
        case "relay":
            from hubbub.cli.serve import relay

            return relay(arguments)
        case "config show":
            from hubbub.cli.config import show

            return show(arguments)
        case "config check":
            from hubbub.cli.config import check

            return check(arguments)
        case name if name.startswith("user "):
            from hubbub.cli.user import user

            return user(arguments)
        case "log verify":
            from hubbub.cli.log import check as verify

            return verify(arguments)
        case "log stat":
            from hubbub.cli.log import stat

            return stat(arguments)
        case "log dump":
            from hubbub.cli.log import dump

            return dump(arguments)
        case "log compact":
            from hubbub.cli.log import shrink

            return shrink(arguments)
        case "log rebuild-index":
            from hubbub.cli.log import rebuild_index

            return rebuild_index(arguments)
        case "log export":
            from hubbub.cli.export import export

            return export(arguments)
        case "log import":
            from hubbub.cli.export import bring_in

            return bring_in(arguments)
        case name if name.startswith("files "):
            from hubbub.cli.files import files

            return files(arguments)
        case "login":
            from hubbub.cli.login import login

            return login(arguments)
        case "logout":
            from hubbub.cli.login import logout

            return logout(arguments)
        case "send":
            from hubbub.cli.send import send_files

            return send_files(arguments)
        case "receive":
            from hubbub.cli.receive import receive_files

            return receive_files(arguments)
        case "desktop":
            from hubbub.cli.desktop import desktop

            return desktop(arguments)
        case "doctor":
            from hubbub.cli.doctor import doctor

            return doctor(arguments)
        case "probe":
            from hubbub.cli.probe import probe

            return probe(arguments)
        case "why":
            from hubbub.cli.why import why

            return why(arguments)
        case "backup":
            from hubbub.cli.backup import backup

            return backup(arguments)
        case _:
            print(f"hubbub {__version__}")
            return OK
