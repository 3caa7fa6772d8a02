"""Small pictures: of real pictures, of bombs, and in which limits."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop
from PIL import Image, ImageOps, PngImagePlugin

from hubbub.adapters.python_child import python_child
from hubbub.adapters.thumbnail_process import Limits
from hubbub.adapters.thumbnails import MOST_WAITING, Thumbnails

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

ResultT = TypeVar("ResultT")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def children() -> list[int]:
    """The processes of ours that make pictures."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            ours = parent == os.getpid() and b"thumbnail_process" in (path / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if ours:
            found.append(int(path.name))
    return found


@pytest.fixture(params=["asyncio", "uvloop"], name="run")
def _run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, ResultT]], ResultT]:
    return asyncio.run if request.param == "asyncio" else uvloop.run


def made(source: Path, limits: Limits | None = None) -> Image.Image | None:
    """The small picture, as whoever fetches it gets it. Nothing else is left behind."""
    target = source.with_name("small")
    size = asyncio.run(Thumbnails(limits).make(source, target))
    assert children() == []
    if size is None:
        assert not target.exists()
        return None
    assert target.stat().st_size < 20_000
    picture = Image.open(BytesIO(target.read_bytes()), formats=["WEBP"])
    picture.load()
    assert picture.size == size
    return picture


def small(source: Path) -> Image.Image:
    picture = made(source)
    assert picture is not None
    return picture


def near(picture: Image.Image, at: tuple[int, int], colour: tuple[int, ...]) -> bool:
    pixel = picture.convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))


def quarters(width: int, height: int) -> Image.Image:
    """Four colours, so that one sees which side is up."""
    picture = Image.new("RGB", (width, height))
    for number, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        picture.paste(colour, (left, top, left + width // 2, top + height // 2))
    return picture


# -- pictures


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_a_small_picture_fits_into_its_box_and_shows_the_same(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "no-extension-is-needed"
    quarters(1000, 400).save(source, kind)
    picture = small(source)
    assert picture.size == (320, 128)
    assert near(picture, (40, 20), RED)
    assert near(picture, (280, 20), GREEN)
    assert near(picture, (40, 110), BLUE)
    assert near(picture, (280, 110), WHITE)


@pytest.mark.parametrize(
    ("size", "becomes"),
    [((400, 1000), (128, 320)), ((50, 20), (50, 20)), ((320, 320), (320, 320)), ((5000, 1), (320, 1))],
)
def test_its_sides_keep_their_ratio_and_never_grow(
    size: tuple[int, int], becomes: tuple[int, int], tmp_path: Path
) -> None:
    quarters(*size).save(tmp_path / "a", "PNG")
    assert small(tmp_path / "a").size == becomes


@pytest.mark.parametrize(
    ("kind", "orientation"), [*(("JPEG", one) for one in range(1, 9)), ("PNG", 6), ("WEBP", 6), ("AVIF", 6)]
)
def test_it_is_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    lying = quarters(800, 400)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying.save(tmp_path / "a", kind, exif=exif)
    picture = small(tmp_path / "a")
    upright = ImageOps.exif_transpose(Image.open(tmp_path / "a")).resize(picture.size)
    assert picture.size == ((320, 160) if orientation < 5 else (160, 320))
    width, height = picture.size
    for at in ((20, 20), (width - 20, 20), (20, height - 20), (width - 20, height - 20)):
        pixel = upright.convert("RGB").getpixel(at)
        assert isinstance(pixel, tuple)
        assert near(picture, at, pixel)


def test_broken_exif_does_no_harm(tmp_path: Path) -> None:
    quarters(400, 400).save(tmp_path / "a", "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert small(tmp_path / "a").size == (320, 320)


def test_no_metadata_comes_along(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    exif.get_ifd(0x8825)[29] = "SECRET place"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET text")
    kept: dict[str, Any] = {"exif": exif, "icc_profile": b"SECRET profile", "xmp": b"<SECRET/>"}
    for kind, more in (("JPEG", {"comment": "SECRET"}), ("PNG", {"pnginfo": text}), ("WEBP", {})):
        quarters(400, 400).save(tmp_path / "a", kind, **kept, **more)
        assert b"SECRET" in (tmp_path / "a").read_bytes()
        picture = small(tmp_path / "a")
        assert not {"exif", "icc_profile", "xmp"} & set(picture.info)
        assert b"SECRET" not in (tmp_path / "small").read_bytes()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_it_is_the_first_frame(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (400, 400), colour) for colour in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a", kind, save_all=True, append_images=frames[1:], duration=100)
    picture = small(tmp_path / "a")
    assert near(picture, (160, 160), RED)
    assert getattr(picture, "n_frames", 1) == 1


def test_what_is_transparent_stays_so(tmp_path: Path) -> None:
    clear = quarters(400, 400).convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 200, 200))
    clear.save(tmp_path / "rgba", "PNG")
    clear.quantize(16).save(tmp_path / "palette", "PNG")
    clear.save(tmp_path / "gif", "GIF")
    clear.convert("LA").save(tmp_path / "grey", "PNG")
    for name in ("rgba", "palette", "gif", "grey"):
        picture = small(tmp_path / name)
        assert picture.mode == "RGBA"
        assert [picture.getpixel(at)[3] > 128 for at in ((20, 20), (300, 20))] == [False, True]  # type: ignore[index]


def test_whatever_its_pixels_are_they_show_as_they_are(tmp_path: Path) -> None:
    Image.new("I;16", (400, 400), 0x8000).save(tmp_path / "deep", "PNG")
    Image.new("1", (400, 400), 1).save(tmp_path / "bits", "PNG")
    Image.new("L", (400, 400), 128).save(tmp_path / "grey", "JPEG")
    quarters(800, 800).convert("CMYK").save(tmp_path / "print", "JPEG")
    assert near(small(tmp_path / "deep"), (9, 9), (128, 128, 128))
    assert near(small(tmp_path / "bits"), (9, 9), WHITE)
    assert near(small(tmp_path / "grey"), (9, 9), (128, 128, 128))
    assert near(small(tmp_path / "print"), (300, 20), GREEN)


@pytest.mark.parametrize("name", ["-a", "--help", "a b.png", "a;touch x", "$(id)", 'a"b', "a\nb", "Å.png"])
def test_a_path_is_an_argument_whatever_it_holds(name: str, tmp_path: Path) -> None:
    quarters(400, 400).save(tmp_path / name, "PNG")
    assert small(tmp_path / name).size == (320, 320)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([name, "small"])


# -- what is no picture, and bombs


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, *more: bytes) -> bytes:
    """A PNG by hand (ISO/IEC 15948 §5). `data` is compressed already."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(1)
    block = bytes(1_000_000)
    packed = [packer.compress(block[: min(len(block), count - at)]) for at in range(0, count, len(block))]
    return b"".join(packed) + packer.flush()


def in_format(kind: str) -> bytes:
    written = BytesIO()
    picture = Image.effect_noise((400, 400), 90).convert("RGB")
    picture.save(written, kind)
    return written.getvalue()


def half(kind: str) -> Callable[[], bytes]:
    def build() -> bytes:
        data = in_format(kind)
        return data[: len(data) // 2]

    return build


def tiff() -> bytes:
    return in_format("TIFF")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF by hand (GIF89a §18): a screen, and so many frames of one pixel."""
    frame = b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    colours = b"\xff\x00\x00\x00\x00\xff"
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\x00\x00"
    return screen + colours + frame * frames + b"\x3b"


def webp_of_the_largest_size() -> bytes:
    """VP8L says 16384 × 16384 in its first five bytes (RFC 9649 §3.4)."""
    head = b"\x2f" + struct.pack("<I", 16_383 | 16_383 << 14)
    body = head + bytes(64)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def text(kind: bytes) -> bytes:
    """200 MB of text, told in less than a megabyte."""
    packed = zeros(200_000_000)
    known = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}
    pixels = zlib.compress(bytes(2))
    return png(1, 1, 8, 0, pixels, chunk(kind, known[kind] + packed))


BOMBS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "noise": lambda: bytes(range(256)) * 64,
    "SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "HTML": lambda: b"<!doctype html><script>alert(1)</script>",
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) run\n",
    "TIFF": tiff,
    "a signature alone": lambda: b"\x89PNG\r\n\x1a\n",
    "PNG, half of it": half("PNG"),
    "JPEG, half of it": half("JPEG"),
    "GIF, half of it": half("GIF"),
    "WebP, half of it": half("WEBP"),
    "AVIF, half of it": half("AVIF"),
    "PNG with less data than its header says": lambda: png(7_000, 7_000, 8, 6, zeros(1_000)),
    "PNG of 10^10 pixels in its header": lambda: png(100_000, 100_000, 8, 6, zeros(1_000)),
    "PNG of 2^62 pixels in its header": lambda: png(2**31 - 1, 2**31 - 1, 1, 0, zeros(1_000)),
    "PNG without width": lambda: png(0, 100, 8, 0, zeros(100)),
    "PNG of 900 million pixels": lambda: png(30_000, 30_000, 1, 0, zeros(30_000 * 3_751)),
    "PNG one row over the limit": lambda: png(10_000, 5_001, 1, 0, zeros(5_001 * 1_251)),
    "PNG with a zTXt of 200 MB": lambda: text(b"zTXt"),
    "PNG with an iTXt of 200 MB": lambda: text(b"iTXt"),
    "PNG with a profile of 200 MB": lambda: text(b"iCCP"),
    "GIF of the largest screen": lambda: gif(65_535, 65_535, 1),
    "WebP of the largest size": webp_of_the_largest_size,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_of_a_bomb_there_is_none_and_the_next_picture_has_one(bomb: str, tmp_path: Path) -> None:
    source, good, target = tmp_path / "bomb.png", tmp_path / "good.png", tmp_path / "small"
    source.write_bytes(BOMBS[bomb]())
    quarters(400, 400).save(good)

    async def scenario() -> None:
        thumbnails = Thumbnails()
        assert await thumbnails.make(source, target) is None
        assert not target.exists()
        assert await thumbnails.make(good, target) == (320, 320)

    asyncio.run(scenario())
    assert children() == []


def test_of_thousands_of_frames_only_the_first_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gif(400, 400, 20_000))
    limits = Limits(cpu_seconds=2)  # to decode them all takes longer
    picture = made(tmp_path / "a", limits)
    assert picture is not None
    assert picture.size == (320, 320)


# -- limits


def largest(path: Path) -> Path:
    """49 million pixels with 4 bytes each, in less than a megabyte."""
    path.write_bytes(png(7_000, 7_000, 8, 6, zeros(7_000 * 28_001)))
    return path


def test_the_largest_picture_has_a_small_one(tmp_path: Path) -> None:
    assert small(largest(tmp_path / "a")).size == (320, 320)


def test_it_has_none_where_memory_is_short(tmp_path: Path) -> None:
    assert made(largest(tmp_path / "a"), Limits(memory=300 * 1024**2)) is None
    quarters(400, 400).save(tmp_path / "b", "PNG")
    assert made(tmp_path / "b", Limits(memory=300 * 1024**2)) is not None  # so it was not the start


def confined(program: str, limits: Limits | None = None) -> subprocess.CompletedProcess[str]:
    """A program that has limited itself as the process that draws does."""
    begin = (
        "import os, socket, signal, sys\n"
        "from hubbub.adapters.thumbnail_process import Limits, confine, seal\n"
        f"confine({limits or Limits()!r})\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + program], capture_output=True, text=True, check=False
    )


def test_memory_ends_at_its_limit() -> None:
    assert confined("bytearray(700 << 20)").returncode == 0
    assert "MemoryError" in confined("bytearray(1 << 30)").stderr


def test_computing_ends_at_its_limit() -> None:
    assert confined("while True: pass", Limits(cpu_seconds=1)).returncode == -signal.SIGKILL


def test_it_ends_by_itself_too_where_nobody_waits_any_more() -> None:
    assert confined("signal.pause()", Limits(wall_seconds=1)).returncode == -signal.SIGALRM


def test_it_writes_no_more_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    done = confined(f"open({str(path)!r}, 'wb', 0).write(bytes(2 << 20))")
    assert path.stat().st_size == Limits().written, done.stderr


def test_it_lets_everybody_else_go_first() -> None:
    assert confined("print(os.getpriority(os.PRIO_PROCESS, 0))").stdout == "19\n"


def test_once_sealed_it_opens_neither_file_nor_socket() -> None:
    for what in ("open(os.devnull)", "socket.socket()", "os.pipe()"):
        assert confined(what).returncode == 0
        assert "Too many open files" in confined(f"seal()\n{what}").stderr


def test_once_sealed_it_starts_no_process() -> None:
    as_nobody = "os.setuid(65534)\n" if os.geteuid() == 0 else ""  # root may start some over any limit
    assert "BlockingIOError" in confined(f"{as_nobody}seal()\nos.fork()").stderr


# -- when


@asynccontextmanager
async def at_work(thumbnails: Thumbnails, directory: Path) -> AsyncIterator[asyncio.Task[object]]:
    """A picture that is never done: its source is a pipe that nobody writes to."""
    os.mkfifo(directory / "pipe")
    task = asyncio.create_task(thumbnails.make(directory / "pipe", directory / "never"))
    try:
        await until(lambda: len(children()) == 1)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (what it waits for is in another process)
            await asyncio.sleep(0.01)


def test_one_is_made_at_a_time_and_so_many_wait(run: Callable[..., None], tmp_path: Path) -> None:
    quarters(400, 400).save(tmp_path / "a", "PNG")

    async def scenario() -> None:
        thumbnails = Thumbnails()
        async with at_work(thumbnails, tmp_path) as first:
            waiting = [
                asyncio.create_task(thumbnails.make(tmp_path / "a", tmp_path / f"small{number}"))
                for number in range(MOST_WAITING)
            ]
            await asyncio.sleep(0)
            assert await thumbnails.make(tmp_path / "a", tmp_path / "late") is None
            assert len(children()) == 1
            assert not any(task.done() for task in waiting)
            for task in waiting[2:]:
                task.cancel()
            await asyncio.gather(*waiting[2:], return_exceptions=True)
            first.cancel()
            assert await asyncio.gather(*waiting[:2]) == [(320, 320), (320, 320)]
        assert await thumbnails.make(tmp_path / "a", tmp_path / "late") == (320, 320)

    run(scenario())
    assert children() == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "late", "pipe", "small0", "small1"]


def test_whoever_is_cancelled_leaves_nothing_behind(run: Callable[..., None], tmp_path: Path) -> None:
    quarters(2000, 2000).save(tmp_path / "a", "PNG")

    async def scenario() -> None:
        async with at_work(Thumbnails(), tmp_path) as task:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert children() == []
        thumbnails = Thumbnails()
        for turns in range(25):  # at every moment of its start
            task = asyncio.create_task(thumbnails.make(tmp_path / "a", tmp_path / "small"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert children() == []
            assert not (tmp_path / "small").exists()
        assert await thumbnails.make(tmp_path / "a", tmp_path / "small") == (320, 320)

    run(scenario())


def test_whoever_is_cancelled_twice_leaves_nothing_behind_either(run: Callable[..., None]) -> None:
    """As where the server stops while a picture takes too long."""

    async def scenario() -> None:
        for between in range(15):
            task = asyncio.create_task(started())
            await asyncio.sleep(0)
            for _ in range(2):
                task.cancel()
                for _ in range(between):
                    await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert children() == []

    async def started() -> None:
        async with python_child("-c", "import signal; signal.pause() # thumbnail_process"):
            await asyncio.Event().wait()

    run(scenario())


def test_who_is_cancelled_while_it_cannot_start_is_cancelled(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise OSError(errno.EAGAIN, "no process")

    async def started() -> None:
        async with python_child("-c", ""):
            pass

    async def scenario() -> None:
        with pytest.raises(OSError, match="no process"):
            await started()
        task = asyncio.create_task(started())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    run(scenario())


def test_one_that_hangs_is_killed(run: Callable[..., None], tmp_path: Path) -> None:
    async def scenario() -> None:
        thumbnails = Thumbnails(Limits(wall_seconds=2))
        async with at_work(thumbnails, tmp_path) as task:
            os.kill(children()[0], signal.SIGSTOP)  # its own alarm does not end it now
            assert await task is None
            assert children() == []

    run(scenario())
    assert not (tmp_path / "never").exists()


def test_faults_of_ours_are_told(tmp_path: Path) -> None:
    quarters(400, 400).save(tmp_path / "a", "PNG")

    async def scenario() -> None:
        thumbnails = Thumbnails()
        with pytest.raises(OSError, match=r"exit status 1: .*No such file.*/missing"):
            await thumbnails.make(tmp_path / "missing", tmp_path / "small")
        with pytest.raises(OSError, match=r"exit status 1: .*No such file.*/small"):
            await thumbnails.make(tmp_path / "a", tmp_path / "no-directory" / "small")

    asyncio.run(scenario())
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
