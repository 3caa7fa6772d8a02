"""The grammar of the commands for who uses a server: its window, logging in, sending and receiving."""

from __future__ import annotations

import argparse

_EXIT_CODES = """exit codes:
  0    it is done
  1    it failed; the message says why, and whether to try again
  2    it was asked wrongly
  3    the other side did not want it, or took it back
  4    the other side has another code
  5    what arrived is not what was sent
  130  Ctrl-C
"""


def add_client_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to the others."""
    _add_desktop(commands)
    _add_login(commands)
    _add_send(commands)
    _add_receive(commands)


def _add_desktop(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    desktop = commands.add_parser(
        "desktop",
        help="open the chat in a window of its own",
        description="Open the chat in a window of its own: of the server at URL, else of this machine's, "
        "which is started where none runs and ends with the window.",
    )
    desktop.set_defaults(command="desktop")
    desktop.add_argument("url", metavar="URL", nargs="?", help="a server, such as https://chat.example.org")
    desktop.add_argument(
        "--data", metavar="DIR", help="where this machine's is kept (default: as serve has it)"
    )
    desktop.add_argument("--toolkit", choices=("gtk", "qt"), help=argparse.SUPPRESS)  # for tests


def _add_login(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    login = commands.add_parser(
        "login",
        help="log in at a server, for the other commands",
        description="Log in at a server. The password is asked for, or read from a pipe; the tokens are kept "
        "in the system's keyring, else in a file that only you can read.",
    )
    login.set_defaults(command="login")
    login.add_argument("--name", help="who you are there (default: it is asked for)")
    login.add_argument("--register", action="store_true", help="make the account first")
    _add_server(login)
    login.set_defaults(as_guest=None)
    logout = commands.add_parser(
        "logout", help="end that login", description="End a login, at the server and here."
    )
    logout.set_defaults(command="logout", as_guest=None)
    logout.add_argument("--name", help="of whom, where several are logged in")
    _add_server(logout)


def _add_send(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    send = commands.add_parser(
        "send",
        help="send files and folders to a person or a room",
        description="Send files and folders. One file goes as it is, several and folders as one bundle,\n"
        "which 'hubbub receive' unpacks. For a room, and for somebody who is away, the\nserver keeps it.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    send.set_defaults(command="send")
    send.add_argument("paths", metavar="PATH", nargs="+", help="a file or a folder; - is standard input")
    send.add_argument("--to", metavar="NAME|ROOM", required=True, help="@NAME or #ROOM where both exist")
    send.add_argument("--filename", metavar="NAME", help="call one file by another name")
    send.add_argument(
        "--code", action="store_true", help="encrypt it from end to end, by a code that is printed"
    )
    send.add_argument(
        "--timeout", metavar="S", type=seconds, help="give up after S seconds in which nothing moves"
    )
    _add_transfer(send)


def _add_receive(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    receive = commands.add_parser(
        "receive",
        help="receive what others send",
        description="Receive files. Nothing is overwritten: a name that is taken gets a number.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    receive.set_defaults(command="receive")
    receive.add_argument("--from", metavar="NAME", dest="sender", help="of this person alone")
    receive.add_argument(
        "--kept", metavar="NAME|ROOM", help="fetch what the server keeps, of a talk with NAME or of a room"
    )
    receive.add_argument(
        "--dir", "-o", metavar="DIR|-", default=".", help="where to (default: here); - is standard output"
    )
    receive.add_argument(
        "--yes", action="store_true", help="take what is offered without asking; needed without a terminal"
    )
    receive.add_argument("--code", metavar="PHRASE", help="the code that the sender was shown")
    often = receive.add_mutually_exclusive_group()
    often.add_argument("--once", action="store_false", dest="all", help="end after one (default)")
    often.add_argument("--all", action="store_true", help="go on until Ctrl-C")
    receive.set_defaults(all=False)
    _add_transfer(receive)


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as", metavar="NAME", dest="as_guest", help="be a guest of this name (default: who is logged in)"
    )
    parser.add_argument(
        "--no-direct",
        action="store_true",
        help="through the server, also where both can reach each other",
    )
    _add_server(parser)


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="(default: CLIENT_SERVER_HOST and CLIENT_SERVER_PORT, else where you logged in last)",
    )
    parser.add_argument("--tls", action="store_true", help="speak TLS")
    parser.add_argument("--ca", metavar="FILE", help="TLS, with the certificates in FILE as the trusted ones")


def seconds(text: str) -> float:
    """How long, as an argument. Raises ValueError."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


seconds.__name__ = "number of seconds"  # argparse says it
