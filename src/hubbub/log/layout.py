"""Every width, magic and version that stands on the disk, and nothing else.

`docs/storage-format.md` explains them.

All numbers are little-endian; a CRC is CRC-32 (ISO-HDLC, as in zlib).
"""

from __future__ import annotations

import struct

FORMAT = 1
"""The version of everything below. A directory with a higher one is refused."""

# --- names in the directory

MARKER = "HUBBUB-LOG"
MARKER_TEXT = (
    b"This directory is a Hubbub log, format %d. Its files belong together: see docs/storage-format.md.\n"
)
MANIFEST = "MANIFEST"
MARK = "MARK"
LOCK = "LOCK"
TEMPORARY = ".tmp"
SEGMENT_NAME = "%08x.seg"
INDEX_NAME = "%08x.idx"
CHECKPOINT_NAME = "%08x.chk"
COMPACTED_NAME = "compact-%08x.seg"
COMPACTED_INDEX_NAME = "compact-%08x.idx"
OUR_NAMES = (
    r"(HUBBUB-LOG|MANIFEST|[0-9a-f]{8}\.(idx|chk)|compact-[0-9a-f]{8}\.(seg|idx))(\.tmp)?|[0-9a-f]{8}\.seg"
)
"""What recovery may remove, where the manifest does not name it."""

# --- limits

PAYLOAD_LIMIT = 16 << 20
KEY_LIMIT = 4 << 10
STREAM_LIMIT = 256
TAG_LIMIT = 1 << 10
FRAME_LIMIT = 1 << 30
SEGMENT_LIMIT = 1 << 31
"""A place has 32 bits for a position, and one frame may begin just below the limit."""

# --- MANIFEST: one line with version and CRC of the rest, then JSON

MANIFEST_HEAD = b"hubbub-log %d %08x\n"

# --- MARK: two slots, each in a page of its own

MARK_SLOT = struct.Struct("<IIQQQII")  # magic, crc of the rest, counter, segment, durable position, closed, 0
MARK_MAGIC = 0x4B4D4248  # HBMK
MARK_STRIDE = 4096

# --- a segment: header, then frames

SEGMENT = struct.Struct("<IIIIQQQQ")  # magic, crc of the rest, format, flags, number, base, directory id, 0
SEGMENT_MAGIC = 0x47534248  # HBSG
SEGMENT_HEADER = 64
CLUSTERED = 1
"""Flag: written by compaction, the entries of a stream stand together."""

# --- a frame: header, payloads each with its CRC, table, tag lengths and tags

FRAME = struct.Struct("<IIIIQQQII")  # magic, crc, length, count, base, synced, time, tag bytes, 0
FRAME_REST = struct.Struct("<IIQQQII")  # what the CRC covers first: the header from `length` on
FRAME_MAGIC = 0x52464248  # HBFR
FRAME_MARK = FRAME_MAGIC.to_bytes(4, "little")
FRAME_HEADER = 48
ENTRY = 8
"""Bytes of one entry in the table: what it is (u32), length of its payload (u32)."""
CHECKSUM = 4
RESIDUE = 0x2144DF1C
"""CRC-32 of anything followed by its own CRC. Each payload's CRC starts from it, so the CRC of any run of
(payload, CRC) pairs is this number again: one call checks one payload or a hundred."""

# What a table entry is: a stream's number (an appended payload), or one of these.
STREAM = 0xFFFFFFFF  # introduces a stream in this segment: number u32, first offset u64, name
PUT = 0xFFFFFFFE  # key length u16, key, value
DELETE = 0xFFFFFFFD  # key
ERASE = 0xFFFFFFFC  # stream number u32, offset u64
TRIM = 0xFFFFFFFB  # stream number u32, first offset that stays u64
CONTROL = 0xFFFFFF00
"""Numbers from here on are not streams."""
HOLE = 0xFFFFFFFF
"""Length of an erased entry in a compacted segment: it has no bytes, not even a CRC."""

NAMED = struct.Struct("<IQ")  # before the name in STREAM, and the whole of ERASE and TRIM
KEY_LENGTH = struct.Struct("<H")

# --- a place in memory and in an index: position << 32 | length

GONE = 0xFFFFFFFF
"""Place of an erased entry (position 0, length HOLE), and of a deleted key."""
LENGTH = 0xFFFFFFFF

# --- an index (.idx), and the checkpoint of the active segment (.chk): header, directory, blocks of places

INDEX = struct.Struct("<IIIIIIIIQQQQQQQ")
# magic, crc of the rest and of the directory, directory length, streams, erased, trimmed, keys, landmarks,
# segment, end, base, entries, newest time, tags, holes
INDEX_MAGIC = 0x58494248  # HBIX
BLOCK = 4096
PLACES = 511
BLOCK_END = struct.Struct("<II")  # crc of the 511 places (seeded with segment and block), 0
LANDMARK = struct.Struct("<QQ")  # position of a frame, its time
