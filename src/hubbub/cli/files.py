"""`hubbub files`: kept files, of the server that runs on the data directory, or while none does."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import msgspec

from hubbub.cli.data import FAILED, Data, with_data
from hubbub.cli.output import whole_or_not
from hubbub.cli.progress import progress
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.control import ControlError, NoServerError, ask
from hubbub.server.file_operations import FileOperations
from hubbub.server.files.filing import Filing
from hubbub.server.offline import offline_service


def files(arguments: Namespace) -> int:
    """Do what was asked about kept files."""

    def work(data: Data) -> int:
        try:
            with progress("verifying" if arguments.command == "files verify" else "working", "parts") as told:

                def part(done: float) -> None:
                    told(int(done * 1_000), 1_000)

                try:
                    done = ask(data.directory, arguments.command, part)
                except NoServerError:
                    done = asyncio.run(_alone(data, arguments.command, part))
        except ControlError as error:
            print(f"hubbub: {error}", file=sys.stderr)
            return FAILED
        return _SHOW[arguments.command](arguments, done)

    return with_data(arguments, work)


async def _alone(data: Data, command: str, part: Callable[[float], None]) -> object:
    async with offline_service(data.config) as service:
        log = ServerLog(open_log("warning", "auto", sys.stderr))
        filing = Filing(data.config, service, asyncio.get_running_loop(), log)
        try:
            actions = FileOperations(service, filing).actions()
            return msgspec.to_builtins(await actions[command]({}, part))
        finally:
            await filing.close()


def _list(arguments: Namespace, done: Any) -> int:
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(done)).decode())
        return 0
    print(f"{'SIZE':>15}  {'DATE':<10}  {'OWNER':<20}  {'WHERE':<20}  {'FILES':>5}  NAME")
    for one in done:
        print(
            f"{one['size']:>15,}  {one['at'][:10]}  {one['owner']:<20}  {one['where']:<20}  "
            f"{one['references']:>5}  {one['name']}"
        )
    return 0


def _verify(arguments: Namespace, done: Any) -> int:
    del arguments
    with whole_or_not():
        for damage in done["damaged"]:
            print(f"{damage['sha256']}: {damage['problem']}; it is needed for {', '.join(damage['files'])}")
    if done["damaged"]:
        print(f"{len(done['damaged'])} of {done['blobs']:,} are damaged. Nothing was changed.")
        return FAILED
    print(f"All {done['blobs']:,} are sound ({done['bytes']:,} bytes).")
    return 0


def _gc(arguments: Namespace, done: Any) -> int:
    del arguments
    print(f"{done['blobs']:,} that nobody needs removed ({done['bytes']:,} bytes),")
    print(f"{done['uploads']:,} uploads given up ({done['upload_bytes']:,} bytes).")
    return 0


_SHOW: dict[str, Callable[[Namespace, Any], int]] = {
    "files list": _list,
    "files verify": _verify,
    "files gc": _gc,
}
