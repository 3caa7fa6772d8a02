"""Files that are kept: who may have one kept, which messages point to which, and when its bytes may go.

An upload is announced before its first byte, so that what was begun is known after a restart. Once it is
whole and in the store, its message, its record and the end of the upload are one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from hubbub.core import file_records as records
from hubbub.core.answers import FileView
from hubbub.core.entries import Change, Drop, Entry, Record, Said, Whispered
from hubbub.core.errors import Code, Refusal
from hubbub.core.file_commands import OfferFile
from hubbub.core.file_records import FILES, StoredFile, Thumbnail, Upload
from hubbub.core.filenames import label, media_type
from hubbub.core.kept_files import KeptFiles, without_message
from hubbub.core.ledger import Ledger
from hubbub.core.messages import Messages, bad_content
from hubbub.core.model import Room, Session
from hubbub.core.people import People
from hubbub.core.ports import JournalUnavailableError
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings
from hubbub.core.talks import talk_stream, talkers

SessionT = TypeVar("SessionT", bound=Session)

_GUESTS_PART: Final = 10
"""A guest may keep one part in so many of what an account may."""


class Bearer(NamedTuple):
    """Whose token it is: somebody who asks by HTTP, online or not."""

    id: int
    name: str
    account: bool


class Files(Generic[SessionT]):
    """All kept files and unfinished uploads, by id."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        messages: Messages[SessionT],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        """`clock` gives Unix time in seconds, `entropy(n)` n unpredictable bytes."""
        self._settings = settings.files
        self._content = settings.messages.max_content
        self._ledger = ledger
        self._people = people
        self._rooms = rooms
        self._messages = messages
        self._clock = clock
        self._entropy = entropy
        self.kept = KeptFiles()
        self._uploads: dict[str, Upload] = {}
        self._posting: set[str] = set()
        self.dropped: Callable[[str], None] = lambda _: None
        """Is told the id of an upload that is gone, whole or not: its bytes are needed no more."""
        ledger.watch(FILES, self.kept.forget)

    def load(self) -> None:
        """Take in what is kept: called once, before anybody is served."""
        look = self._ledger.journal.look
        look(self.kept.load)
        for _, value in look(lambda reader: list(reader.scan(records.UPLOADS))):
            self._begun(records.read_upload(value))

    # -- what there is

    def upload(self, id: str) -> Upload | None:
        """The upload of that id."""
        return self._uploads.get(id)

    def uploads(self) -> Iterable[Upload]:
        """Every upload that is known."""
        return self._uploads.values()

    def readable(self, who: Bearer, file: StoredFile) -> bool:
        """Whether that person may fetch it: whoever may read its message."""
        room = self._rooms.of_stream(file.stream)
        if room is not None:
            return self._inside(who, room)
        return who.id in (talkers(file.stream) or ())

    def _inside(self, who: Bearer, room: Room) -> bool:
        if who.account and (room is self._rooms.default or room.belongs(who.id)):
            return True
        return any(one.user is not None and one.user.id == who.id for one in room.members)

    # -- uploads

    def plan(self, who: Bearer, command: OfferFile) -> Upload | Refusal:
        """The upload that somebody asks for, or why it may not be. Nothing is noted yet."""
        name = label(command.filename)
        if isinstance(name, Refusal):
            return name
        settings = self._settings
        if command.size < 0 or command.size > settings.max_size:
            message = f"A file that is kept has 0 to {settings.max_size} bytes."
            code = Code.BAD_REQUEST if command.size < 0 else Code.TOO_LARGE
            return Refusal(code, message, field="size", limit="files.max_size")
        bad = self._full(who, command.size)
        if bad is None and command.content:
            bad = bad_content(command.content, self._content)
        if bad is not None:
            return bad
        upload = Upload(
            self._entropy(16).hex(),
            who.id,
            who.name,
            name,
            command.size,
            media_type(command.filetype, name),
            "",
            self._clock(),
            sha256=command.sha256.lower() if command.sha256 else None,
            content=command.content or None,
        )
        if command.to is not None and command.room is None:
            other = self._people.addressed(command.to, command.to_id)
            if isinstance(other, Refusal):
                return other
            return replace(upload, stream=talk_stream(who.id, other.id), to=other.name, to_id=other.id)
        if command.to is not None:
            return Refusal(Code.BAD_REQUEST, "A room or a person, not both.", field="to")
        if command.to_id is not None:
            return Refusal(Code.BAD_REQUEST, "Whose id is it? `to` is missing.", field="to_id")
        room = self._rooms.default if command.room is None else self._rooms.named(command.room)
        if room is None or not (room.private is False or self._inside(who, room)):
            return Refusal(Code.NOT_FOUND, f"Room '{(command.room or '')[:64]}' not found.", field="room")
        if not self._inside(who, room):
            return Refusal(Code.FORBIDDEN, f"You are not in '{room.name}'. Join it first.", field="room")
        return replace(upload, stream=room.stream, room=room.name)

    def _full(self, who: Bearer, size: int) -> Refusal | None:
        settings = self._settings
        unfinished = [one.owner for one in self._uploads.values() if one.file is None]
        if unfinished.count(who.id) >= settings.max_offers:
            most = settings.max_offers
            message = f"{most} uploads of one person may be unfinished at once. Finish or cancel one."
            return Refusal(Code.RATE_LIMITED, message, limit="files.max_offers", retry_after=60.0)
        if len(unfinished) >= settings.max_offers_total:
            message = f"There are {len(unfinished)} unfinished uploads, which is the limit."
            return Refusal(Code.RATE_LIMITED, message, limit="files.max_offers_total", retry_after=60.0)
        part = 1 if who.account else _GUESTS_PART
        most = settings.max_files_user // part
        if self.kept.owned(who.id) >= most:
            message = f"You keep {most} files, which is the limit. Delete some first."
            return Refusal(Code.TOO_LARGE, message, limit="files.max_files_user")
        if len(self.kept) >= settings.max_files:
            message = f"{settings.max_files} files are kept here, which is the limit."
            return Refusal(Code.TOO_LARGE, message, limit="files.max_files")
        quota = settings.quota_user // part
        if self.kept.used(who.id) + size > quota:
            message = f"Your files would take more than {quota} bytes in all. Delete some first."
            return Refusal(Code.TOO_LARGE, message, field="size", limit="files.quota_user")
        if self.kept.total + size > settings.quota_total:
            message = f"All files together would take more than {settings.quota_total} bytes."
            return Refusal(Code.TOO_LARGE, message, field="size", limit="files.quota_total")
        return None

    def begin(self, upload: Upload, then: Callable[[Refusal | None], None]) -> None:
        """Have the upload known; `then` is told when it is, or why it is not."""
        self._begun(upload)  # counts from now on, so that two cannot share the last bytes of a quota

        def failed(refusal: Refusal) -> None:
            self._ended(upload)
            then(refusal)

        self._keep((), [records.put_upload(upload)], lambda _: then(None), failed)

    def abandon(self, upload: Upload) -> None:
        """It will not become whole, or is over: nothing of it is needed any more."""
        if self._uploads.get(upload.id) is None or upload.id in self._posting:
            return
        self._ended(upload)
        self._ledger.note([records.drop_upload(upload.id)])
        self.dropped(upload.id)

    def expired(self, upload: Upload, touched: float) -> bool:
        """Whether it rests for too long; `touched`: when its last byte came (Unix time)."""
        return max(upload.created, touched) + self._settings.offer_seconds < self._clock()

    # -- from an upload to a message

    def post(
        self,
        upload: Upload,
        digest: str,
        thumbnail: Thumbnail | None,
        then: Callable[[StoredFile | Refusal], None],
    ) -> None:
        """The upload is whole and in the store: say so where it was meant to go. Exactly once."""
        known = self._uploads.get(upload.id)
        if known is None or upload.id in self._posting:
            then(Refusal(Code.NOT_FOUND, "There is no such upload.", field="offer"))
            return
        if known.file is not None:
            file = self.kept.get(known.file)
            then(file or Refusal(Code.NOT_FOUND, "The file was deleted already.", field="offer"))
            return
        account = self._people.accounts.by_id(upload.owner)
        if account is not None and account.disabled:
            then(Refusal(Code.FORBIDDEN, "This account is disabled."))
            return
        room = self._rooms.of_stream(upload.stream)
        who = Bearer(upload.owner, upload.owner_name, account is not None)
        if upload.to_id is None and (room is None or not self._inside(who, room)):
            then(Refusal(Code.FORBIDDEN, f"You are not in '{upload.room}' any more.", field="room"))
            return
        self._post(upload, room, digest, thumbnail, then)

    def _post(
        self,
        upload: Upload,
        room: Room | None,
        digest: str,
        thumbnail: Thumbnail | None,
        then: Callable[[StoredFile | Refusal], None],
    ) -> None:
        ledger = self._ledger
        file = StoredFile(
            upload.id,
            upload.stream,
            upload.id,
            ledger.journal.head(upload.stream).offset,
            upload.owner,
            upload.filename,
            upload.size,
            upload.type,
            digest,
            self._clock(),
            thumbnail,
            upload.owner_name,
        )
        done = replace(upload, file=file.id, created=file.at)
        entries, changes = self._message(upload, room, file.view())
        self._posting.add(upload.id)

        def kept(_: Sequence[Record]) -> None:
            self._posting.discard(upload.id)
            self._ended(upload)
            self._begun(done)
            self.kept.add(file)
            self._forget_oldest()
            then(file)

        def failed(refusal: Refusal) -> None:
            self._posting.discard(upload.id)
            then(refusal)

        self._keep(entries, [*changes, records.put_file(file), records.put_upload(done)], kept, failed)

    def _message(
        self, upload: Upload, room: Room | None, view: FileView
    ) -> tuple[Sequence[Entry], Sequence[Change]]:
        name = self._people.name_of(upload.owner) or upload.owner_name
        content, at = upload.content or upload.filename, self._ledger.stamps.now()
        if room is None:
            assert upload.to is not None  # noqa: S101 (one of the two)
            assert upload.to_id is not None  # noqa: S101 (likewise)
            told = Whispered(name, upload.owner, upload.to, upload.to_id, content, file=view)
            return (Entry(upload.stream, upload.id, at, told),), ()
        said = Said(name, upload.owner, room.name, content, file=view)
        said, more = self._messages.mentions.found(said, room) if upload.content else (said, ())
        entry = Entry(upload.stream, upload.id, at, said)
        return (entry, *(more(entry) if callable(more) else more)), self._rooms.keep(room)

    def _forget_oldest(self) -> None:
        """Where many are known, for each one that was posted another one goes that was: a bound on memory."""
        if len(self._uploads) > self._settings.max_offers_total:
            self.abandon(next(one for one in self._uploads.values() if one.file is not None))

    # -- what became of the messages

    def sweep(self) -> None:
        """Let go of the files whose messages were trimmed, and of uploads that were posted long ago."""
        now = self._clock()
        for upload in [one for one in self._uploads.values() if one.file is not None]:
            if upload.created + self._settings.offer_seconds < now:
                self.abandon(upload)
        old = now - self._settings.keep_days * 86_400 if self._settings.keep_days else 0.0
        for stream in self.kept.streams():
            files = self.kept.of(stream)
            self._drop([one for one in files if one.at < old])
            self._ledger.journal.read(partial(without_message, stream=stream, files=files), self._trimmed)

    def _trimmed(self, files: list[StoredFile] | JournalUnavailableError) -> None:
        if not isinstance(files, JournalUnavailableError):
            self._drop([one for one in files if self.kept.get(one.id) is one])

    def _drop(self, files: Sequence[StoredFile]) -> None:
        if files:
            self._ledger.note([Drop(file.key) for file in files])

    # -- counting, keeping

    def _begun(self, upload: Upload) -> None:
        self._uploads[upload.id] = upload
        if upload.file is None:
            self.kept.count(upload.owner, upload.size)

    def _ended(self, upload: Upload) -> None:
        known = self._uploads.pop(upload.id, None)
        if known is not None and known.file is None:
            self.kept.count(known.owner, -known.size)

    def _keep(
        self,
        entries: Sequence[Entry],
        changes: Sequence[Change],
        kept: Callable[[Sequence[Record]], None],
        failed: Callable[[Refusal], None],
    ) -> None:
        ticket = self._ledger.append(entries, changes, _Waiting(kept, failed))
        if isinstance(ticket, Refusal):
            failed(ticket)


class _Waiting:
    """Nobody's request, but somebody waits. Implements `ledger.Pending`."""

    session = None

    def __init__(self, kept: Callable[[Sequence[Record]], None], failed: Callable[[Refusal], None]) -> None:
        self.kept = kept
        self.failed = failed
