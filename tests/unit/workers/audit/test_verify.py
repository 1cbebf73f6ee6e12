"""Verification finds every byte that is not as it was written, and says where."""

from __future__ import annotations

import subprocess
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zstandard import ZstdError

from eventconsumer_workers.audit import verify as verification
from eventconsumer_workers.audit.chain import SEAL_LENGTH, hash_of
from eventconsumer_workers.audit.files import Closed, Files, compress, contents
from eventconsumer_workers.audit.verify import Finding, verify
from tests.unit.workers.audit.builders import append, flip, incoming, opened, packed, some, written

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = count()


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_LONGEST_WRITE_SECONDS", 0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a log of two partitions in several groups."""
    path = tmp_path_factory.mktemp("whole") / "audit.log"
    written(path, some(range(2)), [incoming(0, partition=1)], some(range(2, 4)))
    return path.read_bytes()


def log_of(folder: Path, content: bytes) -> Files:
    path = folder / f"{next(NUMBERS)}" / "audit.log"
    path.parent.mkdir()
    path.write_bytes(content)
    return Files(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_anywhere_is_found(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    assert verify(log_of(tmp_path, whole[:at] + bytes([other]) + whole[at + 1 :])).fault is not None


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lines_that_are_missing_doubled_or_swapped_are_found(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    lines = whole.splitlines(keepends=True)
    first, second = data.draw(st.lists(st.integers(0, len(lines) - 2), min_size=2, max_size=2, unique=True))
    swapped = list(lines)
    swapped[first], swapped[second] = lines[second], lines[first]
    missing = lines[:first] + lines[first + 1 :]
    doubled = [*lines[:first], lines[first], *lines[first:]]
    for changed in (swapped, missing, doubled):
        assert verify(log_of(tmp_path, b"".join(changed))).fault is not None


def test_the_first_sequence_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    third = incoming(2)
    written(path, some(range(2)), some(range(5, 6), partition=1), [third], some(range(3, 5)))
    path.write_bytes(path.read_bytes().replace(f'{{"event_id":"{third.event_id}'.encode(), b"\xff"))
    assert verify(Files(path)).fault == (
        "segment 1, line 7 (next: task-events[0] sequence 3, task-events[1] sequence 2): "
        "the line's bytes do not have the hash that it carries"
    )


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        (1, b"pending", b"removed"),
        (3, b'"written_at":"2', b'"written_at":"1'),
        (4, b"pending", b"removed"),
    ],
    ids=["an entry inside a group", "a checkpoint", "the last entry of a group"],
)
def test_a_line_that_was_changed_and_given_its_right_hash_is_found_by_what_follows(
    tmp_path: Path, whole: bytes, place: int, old: bytes, new: bytes
) -> None:
    lines = whole.splitlines(keepends=True)
    changed = lines[place][:-SEAL_LENGTH].replace(old, new)
    assert changed != lines[place][:-SEAL_LENGTH]
    lines[place] = changed + hash_of(changed).encode() + lines[place][-3:]
    assert verify(log_of(tmp_path, b"".join(lines))).fault is not None


def test_a_whole_log_is_told_by_its_chains(tmp_path: Path, whole: bytes) -> None:
    found = verify(log_of(tmp_path, whole))
    assert found == Finding(5, {"task-events[0]": 4, "task-events[1]": 1}, {}, None)


def test_a_line_is_checked_with_what_every_system_has(tmp_path: Path, whole: bytes) -> None:
    line = whole.splitlines(keepends=True)[1]
    (tmp_path / "line").write_bytes(line)
    shell = "head -c -67 line | sha256sum | cut -d' ' -f1"
    told = subprocess.run(shell, shell=True, cwd=tmp_path, capture_output=True, check=True)  # noqa: S602
    assert told.stdout.strip() == line[-67:-3]


def test_a_segment_that_is_missing_in_the_middle_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, *[[one] for one in some(range(9))], segment_bytes=1500)
    segments = Files(path).closed()
    segments[1].path.unlink()
    assert "segment" in str(verify(Files(path)).fault)


def test_a_beginning_that_is_missing_without_a_word_in_the_log_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, *[[one] for one in some(range(9))], segment_bytes=1500)
    Files(path).closed()[0].path.unlink()
    found = verify(Files(path))
    assert found.fault == "segment 1: it is missing, and nothing in the log says that retention removed it"
    assert found.chains == {"task-events[0]": 9}


def test_an_active_segment_that_is_missing_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    written(path, *[[one] for one in some(range(9))], segment_bytes=1500)
    path.unlink()
    assert "being written is missing" in str(verify(Files(path)).fault)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_in_a_compressed_segment_is_found_or_changes_nothing(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    files = log_of(tmp_path, whole)
    log = opened(files.active, segment_bytes=1)
    append(log, some(range(4, 5)))
    log.close()
    (closed,) = files.closed()
    packed = bytearray(closed.path.read_bytes() if closed.compressed else b"".join(compress(closed.path)))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    files.plain(1).unlink(missing_ok=True)
    files.compressed(1).write_bytes(packed)
    assert verify(files).fault is not None or readable(files) == whole


def readable(files: Files) -> bytes | None:
    try:
        with contents(Closed(1, files.compressed(1), compressed=True)) as content:
            return content.read()
    except ZstdError:
        return None


def test_an_end_in_the_middle_of_a_group_is_found(tmp_path: Path, whole: bytes) -> None:
    lines = whole.splitlines(keepends=True)
    for end in (b"".join(lines[:-1]), whole[:-1]):
        assert "ends in the middle" in str(verify(log_of(tmp_path, end)).fault)


@pytest.mark.parametrize(("lost", "what"), [(1, "line"), (200, "line"), (None, "group")])
def test_a_compressed_segment_that_ends_too_early_is_found(
    tmp_path: Path, lost: int | None, what: str
) -> None:
    path = tmp_path / "audit.log"
    written(path, some(range(2)))
    written(path, some(range(2, 3)), segment_bytes=1)
    with contents(Files(path).closed()[0]) as segment:
        lines = segment.readlines()
    whole = b"".join(lines)
    packed(path, whole[:-lost] if lost else b"".join(lines[:-1]))
    fault = str(verify(Files(path)).fault)
    assert fault.startswith("segment 1, line ")
    assert fault.endswith(f"(next: task-events[0] sequence 3): it ends in the middle of a {what}")


def test_a_segment_that_can_not_be_decompressed_is_named_with_what_it_should_begin_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.log"
    written(path, some(range(2)))
    written(path, *[[one] for one in some(range(2, 4))], segment_bytes=1)
    flip(packed(path, number=2))
    assert str(verify(Files(path)).fault).startswith("segment 2 (next: task-events[0] sequence 3): zstd")
