"""docs/storage-format.md against what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

from hubbub.log import Batch, Log, Options, layout

PAGE = (Path(__file__).parents[2] / "docs" / "storage-format.md").read_text()


def test_the_example_is_what_the_code_writes(tmp_path: Path) -> None:
    draws = iter(("0123456789abcdef", "fedcba9876543210"))
    with Log.open(
        tmp_path / "log",
        Options(preallocate=0),
        clock=lambda: 1_700_000_000.0,
        new_epoch=lambda: next(draws),
    ) as log:
        batch = Batch()
        batch.append(b"room", b"hello", b"t")
        log.commit(batch)
    lines = re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ){15}[0-9a-f]{2})", PAGE, re.MULTILINE)
    assert bytes.fromhex(" ".join(lines)) == (tmp_path / "log" / "00000000.seg").read_bytes()
    assert layout.MARKER_TEXT.decode().strip() % layout.FORMAT in PAGE


def test_the_page_has_the_numbers_of_the_layout() -> None:
    for name in ("STREAM", "PUT", "DELETE", "ERASE", "TRIM"):
        assert f"0x{getattr(layout, name):08X} {name}" in PAGE
    assert f"0x{layout.RESIDUE:08X}" in PAGE
    assert f"version {layout.FORMAT}" in PAGE
    for magic in (layout.SEGMENT_MAGIC, layout.FRAME_MAGIC, layout.INDEX_MAGIC, layout.MARK_MAGIC):
        assert f"`{magic.to_bytes(4, 'little').decode()}`" in PAGE


def test_every_struct_is_as_long_as_its_place() -> None:
    assert layout.SEGMENT.size <= layout.SEGMENT_HEADER
    assert layout.FRAME.size == layout.FRAME_HEADER
    assert 8 * layout.PLACES + layout.BLOCK_END.size == layout.BLOCK
    assert layout.INDEX.size == 88
