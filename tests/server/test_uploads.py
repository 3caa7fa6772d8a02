"""The spool of uploads and the way to the store, without a server around; and a server that is killed."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from hubbub.core.errors import Code, Refusal
from hubbub.core.file_commands import OfferFile
from hubbub.core.file_records import StoredFile, Upload
from hubbub.core.files import Bearer
from hubbub.core.model import Session
from hubbub.core.service import Service
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import Config, ServerSettings
from hubbub.server.files.filing import Filing
from hubbub.server.files.spool import RETRY, WINDOW, Writer
from hubbub.server.offline import offline_service
from hubbub.server.operations import Operations
from server.file_requests import Requests, blobs, digest, noise, spooled
from serving import PATIENCE, Server

ResultT = TypeVar("ResultT")


@dataclass
class Place:
    """A data directory, and what keeps files on it."""

    service: Service[Session]
    filing: Filing[Session]
    alice: Bearer
    path: Path

    async def begin(self, size: int, **fields: Any) -> Upload:
        upload = await self.filing.uploads.begin(self.alice, OfferFile(filename="a.bin", size=size, **fields))
        assert isinstance(upload, Upload), upload
        return upload

    def writer(self, upload: Upload) -> Writer:
        writer = self.filing.uploads.writer(upload)
        assert isinstance(writer, Writer), writer
        return writer

    async def write(self, upload: Upload, data: bytes) -> None:
        writer = self.writer(upload)
        writer.write(data)
        await writer.sync()
        writer.close()

    async def messages(self) -> list[str]:
        """The ids of all that were said."""
        journal = self.service.ledger.journal
        head = journal.head("room:1").offset
        return [one.entry.id for one in journal.look(lambda reader: list(reader.entries("room:1", 1, head)))]


async def _finished(here: Place, data: bytes) -> StoredFile:
    upload = await here.begin(len(data))
    await here.write(upload, data)
    file = await here.filing.uploads.finish(upload)
    assert isinstance(file, StoredFile), file
    return file


@asynccontextmanager
async def place(path: Path, **settings: float) -> AsyncIterator[Place]:
    files = replace(Config().files, **settings)
    config = Config(server=ServerSettings(data=str(path)), files=files)
    async with offline_service(config) as service:
        actions = Operations(service.entrance.administration).actions()
        if service.people.accounts.find("Alice") is None:
            await actions["user add"]({"user": "Alice", "password": "p" * 12}, lambda _: None)
        account = service.people.accounts.find("Alice")
        assert account is not None
        log = ServerLog(open_log("warning", "auto", sys.stderr))
        filing = Filing(config, service, asyncio.get_running_loop(), log)
        try:
            yield Place(service, filing, Bearer(account.id, "Alice", account=True), path)
        finally:
            await filing.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (the disk tells nobody)
            await asyncio.sleep(0.005)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(4 * PATIENCE):
            await main()

    asyncio.run(timed())


# -- writing


def test_a_writer_that_is_full_says_so_and_when_there_is_room(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            data = noise(8 * WINDOW)
            upload = await here.begin(len(data))
            writer, room = here.writer(upload), asyncio.Event()
            writer.on_room = room.set
            waited = 0
            for at in range(0, len(data), 100_000):
                if not writer.write(memoryview(data)[at : at + 100_000]):
                    room.clear()
                    await asyncio.wait_for(room.wait(), PATIENCE)
                    waited += 1
            assert waited, "the disk is not that fast"
            assert writer.offset == len(data)
            assert await writer.sync() == len(data) == here.filing.uploads.offset(upload)
            (name,) = spooled(here.path)
            spool = here.path / "files" / "uploads" / name
            assert spool.read_bytes() == data
            assert spool.stat().st_mode & 0o777 == 0o600
            assert spool.parent.stat().st_mode & 0o777 == 0o700

    run(main)


def test_a_new_writer_takes_the_place_of_the_old_one_behind_what_that_wrote(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(10)
            old, told = here.writer(upload), list[Refusal]()
            old.on_failed = told.append
            old.write(b"first")
            new = here.writer(upload)
            assert [one.code for one in told] == [Code.RATE_LIMITED]
            old.write(b"ghost")
            assert new.offset == 5
            new.write(b"later")
            file = await here.filing.uploads.finish(upload)
            assert isinstance(file, StoredFile)
            assert file.sha256 == digest(b"firstlater")
            assert here.filing.uploads.writer(upload) is not None

    run(main)


def test_more_than_was_announced_is_not_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(4)
            writer, told = here.writer(upload), list[Refusal]()
            writer.on_failed = told.append
            writer.write(b"abc")
            writer.write(b"de")
            assert [one.code for one in told] == [Code.TOO_LARGE]
            assert await here.filing.uploads.settle(upload) == 3

    run(main)


def test_a_disk_that_fails_is_told_and_what_is_there_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(6, sha256=digest(b"abcdef"))
            await here.write(upload, b"abc")
            assert await here.filing.uploads.settle(upload) == 3
            spools = here.path / "files" / "uploads"
            (name,) = spooled(here.path)
            (spools / name).rename(spools / "kept")
            (spools / name).mkdir()  # cannot be opened as a file
            writer, told = here.writer(upload), list[Refusal]()
            writer.on_failed = told.append
            writer.write(b"def")
            await until(lambda: bool(told))
            assert told[0].code is Code.INTERNAL
            assert here.filing.uploads.offset(upload) == 3
            (spools / name).rmdir()
            (spools / "kept").rename(spools / name)
            await here.write(upload, b"def")
            assert isinstance(await here.filing.uploads.finish(upload), StoredFile)

    run(main)


# -- finishing


def test_uploads_leave_space_for_what_people_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(8)
            await here.write(upload, b"data")
            monkeypatch.setattr("hubbub.server.files.spool.SPARE", 2**62)
            writer = here.writer(upload)
            writer.write(b"more")
            assert await writer.sync() == 4
            assert writer.failure is not None
            assert (writer.failure.code, writer.failure.retry_after) == (Code.READ_ONLY, RETRY)
            monkeypatch.undo()
            await here.write(upload, b"more")
            assert isinstance(await here.filing.uploads.finish(upload), StoredFile)

    run(main)


def test_an_upload_of_days_is_known_as_long_after_its_end_as_any(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data", offer_seconds=0.5) as here:
            upload = await here.begin(4)
            begun = time.monotonic()
            await until(lambda: time.monotonic() > begun + 0.6)
            await here.write(upload, b"data")
            await here.filing.uploads.finish(upload)
            here.service.files.sweep()
            assert here.service.files.upload(upload.id) is not None, "for who lost the line at the very end"
            await until(lambda: time.monotonic() > begun + 1.3)
            here.service.files.sweep()
            assert here.service.files.upload(upload.id) is None

    run(main)


def test_whoever_finishes_at_once_shares_one_message(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(4)
            await here.write(upload, b"data")
            results = await asyncio.gather(*(here.filing.uploads.finish(upload) for _ in range(5)))
            assert len({id(one) for one in results}) == 1
            assert isinstance(results[0], StoredFile)
            assert await here.filing.uploads.finish(upload) == results[0]
            assert await here.messages() == [upload.id]
            assert (spooled(here.path), blobs(here.path)) == ([], [digest(b"data")])

    run(main)


def test_what_is_not_whole_or_not_as_announced_is_not_finished(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            part, wrong = await here.begin(4), await here.begin(4, sha256=digest(b"else"))
            await here.write(part, b"dat")
            await here.write(wrong, b"data")
            for upload, field in ((part, "size"), (wrong, "sha256")):
                refused = await here.filing.uploads.finish(upload)
                assert isinstance(refused, Refusal)
                assert (refused.code, refused.field) == (Code.BAD_REQUEST, field)
            await until(lambda: spooled(here.path) == [f"{part.id}.part"])
            assert here.service.files.upload(wrong.id) is None
            assert blobs(here.path) == []
            assert await here.messages() == []

    run(main)


# -- after a restart


def test_an_upload_goes_on_after_a_restart_and_its_digest_is_of_all_of_it(tmp_path: Path) -> None:
    data = noise(3_000_000)

    async def first() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(len(data), sha256=digest(data))
            await here.write(upload, data[:2_500_000])

    async def second() -> None:
        async with place(tmp_path / "data") as here:
            (upload,) = here.service.files.uploads()
            assert here.filing.uploads.offset(upload) == 2_500_000
            await here.write(upload, data[2_500_000:])
            assert isinstance(await here.filing.uploads.finish(upload), StoredFile)

    run(first)
    run(second)


@pytest.mark.parametrize("stored", [False, True])
def test_what_was_whole_before_a_crash_is_announced_once_after_it(tmp_path: Path, stored: bool) -> None:
    ids = []

    async def first() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(4)
            await here.write(upload, b"data")
            ids.append(upload.id)
            if stored:
                await here.filing.store.blobs.put(
                    digest(b"data"), str(here.path / "files" / "uploads" / f"{upload.id}.part")
                )

    async def again() -> None:
        async with place(tmp_path / "data") as here:
            here.filing.start()
            await until(lambda: len(list(here.service.files.kept.all())) == 1)
            assert await here.messages() == ids
            await until(lambda: spooled(here.path) == [])
            assert blobs(here.path) == [digest(b"data")]

    run(first)
    run(again)
    run(again)


def test_files_in_the_spool_that_belong_to_no_upload_go(tmp_path: Path) -> None:
    kept = []

    async def first() -> None:
        async with place(tmp_path / "data") as here:
            done, part = await here.begin(4), await here.begin(4)
            await here.write(done, b"data")
            await here.filing.uploads.finish(done)
            await here.write(part, b"da")
            kept.append(f"{part.id}.part")
            spools = here.path / "files" / "uploads"
            for name in (f"{done.id}.part", "0" * 32 + ".part", "junk"):
                (spools / name).write_bytes(b"data")

    async def second() -> None:
        async with place(tmp_path / "data") as here:
            assert spooled(here.path) == kept

    run(first)
    run(second)


def test_whoever_was_disabled_meanwhile_announces_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(4)
            await here.write(upload, b"data")
            actions = Operations(here.service.entrance.administration).actions()
            await actions["user disable"]({"user": "Alice"}, lambda _: None)
            refusal = await here.filing.uploads.finish(upload)
            assert isinstance(refusal, Refusal)
            assert refusal.code is Code.FORBIDDEN
            assert await here.messages() == []

    run(main)


# -- space


def test_uploads_that_were_posted_keep_nobody_from_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data", max_offers_total=2) as here:
            posted = [await _finished(here, b"data") for _ in range(5)]
            known = [here.service.files.upload(one.id) is not None for one in posted]
            assert known == [False, False, False, True, True], "the last of them, for who lost the line"
            for _ in range(2):
                await here.begin(4)
            command = OfferFile(filename="a.bin", size=4)
            refusal = await here.filing.uploads.begin(here.alice, command)
            assert isinstance(refusal, Refusal)
            assert (refusal.code, refusal.limit) == (Code.RATE_LIMITED, "files.max_offers_total")

    run(main)


def test_what_rests_for_too_long_is_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data", offer_seconds=0.2) as here:
            old = await here.begin(4)
            await here.write(old, b"da")
            written = time.monotonic()
            await until(lambda: time.monotonic() > written + 0.3)
            young = await here.begin(4)
            assert here.filing.uploads.expire() == 2
            assert here.service.files.upload(old.id) is None
            assert here.service.files.upload(young.id) is not None
            await until(lambda: spooled(here.path) == [])

    run(main)


def test_blobs_that_no_file_needs_are_collected_and_others_never(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            upload = await here.begin(4)
            await here.write(upload, b"data")
            await here.filing.uploads.finish(upload)
            orphan = tmp_path / "orphan"
            orphan.write_bytes(b"orphan")
            await here.filing.store.blobs.put(digest(b"orphan"), str(orphan))
            async with here.filing.store.keeping(digest(b"held"), orphan):
                assert await here.filing.store.collect() == (1, 6)
                assert blobs(here.path) == sorted([digest(b"data"), digest(b"held")])
            await until(lambda: blobs(here.path) == [digest(b"data")])

    run(main)


def test_the_same_bytes_put_and_deleted_at_once_are_there_for_whoever_needs_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with place(tmp_path / "data") as here:
            source = tmp_path / "source"
            source.write_bytes(b"data")

            async def come_and_go() -> None:
                for _ in range(40):
                    async with here.filing.store.keeping(digest(b"data"), source):
                        await asyncio.sleep(random.random() / 500)
                        assert await here.filing.store.blobs.size(digest(b"data")) == 4
                    await asyncio.sleep(random.random() / 500)

            await asyncio.gather(*(come_and_go() for _ in range(2)))
            await until(lambda: blobs(here.path) == [])

    run(main)


def test_ten_thousand_open_uploads_hold_no_descriptor(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("descriptors of a process (needs /proc)")

    async def main() -> None:
        async with place(tmp_path / "data", max_offers=20_000) as here:
            before = descriptors()
            offer = OfferFile(filename="a.bin", size=2)
            begun = [here.filing.uploads.begin(here.alice, offer) for _ in range(10_000)]
            uploads = [one for one in await asyncio.gather(*begun) if isinstance(one, Upload)]
            assert len(uploads) == 10_000
            refused = await here.filing.uploads.begin(here.alice, offer)
            assert isinstance(refused, Refusal)
            assert refused.code is Code.RATE_LIMITED
            for upload in uploads[:100]:
                writer = here.writer(upload)
                writer.write(b"x")
                writer.close()
            await until(lambda: len(spooled(here.path)) == 100)
            await until(lambda: descriptors() <= before)

    run(main)


# -- a server that is killed


def test_a_server_that_is_killed_again_and_again_announces_each_file_once(tmp_path: Path) -> None:
    """The killer strikes at random moments while a client goes on by HEAD and PATCH, as tus has it."""
    chance = random.Random(5)
    flags = ("--data", str(tmp_path / "data"))
    server = Server(*flags)
    line = server.ndjson()
    made = line.ask("auth/register", username="Alice", password="correct horse")
    token = made["payload"]["token"]
    files = [noise(chance.randrange(1, 600_000)) for _ in range(12)]
    paths = [Requests(server, token).begin(len(data), filename=f"{n}.bin") for n, data in enumerate(files)]
    done: set[int] = set()
    kills = 0
    while len(done) < len(files):
        alice = Requests(server, token)
        killer = threading.Timer(chance.uniform(0.0, 0.12) if kills < 8 else 3_600, server.process.kill)
        killer.start()
        kills += 1
        try:
            for number, (path, data) in enumerate(zip(paths, files, strict=True)):
                if number in done:
                    continue
                offset = alice.offset(path)
                while offset < len(data):
                    reply = alice.patch(path, offset, data[offset : offset + 200_000])
                    assert reply.status == 204, reply
                    offset = int(reply["Upload-Offset"])
                done.add(number)
        except (OSError, HTTPException):
            server.process.wait(PATIENCE)
            server.stop()
            server = Server(*flags)
        else:
            if kills < 8:
                done.clear()  # what was acknowledged is asked for once more
        killer.cancel()
    assert kills >= 8
    line = server.ndjson()
    assert line.ask("auth/login", token=token)["status"] == 200
    history = line.ask("message/history", room="lobby", limit=100)["payload"]["messages"]
    assert sorted(one["file"]["name"] for one in history) == sorted(f"{n}.bin" for n in range(len(files)))
    alice = Requests(server, token)
    for path, data in zip(paths, files, strict=True):
        assert alice.ask("GET", alice.ask("HEAD", path)["Content-Location"]).body == data
    assert sorted(blobs(tmp_path / "data")) == sorted({digest(data) for data in files})
    server.signal(signal.SIGTERM)
    assert server.stop() == 0
    assert "Traceback" not in server.log
    assert spooled(tmp_path / "data") == []
