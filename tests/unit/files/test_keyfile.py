"""Key files: whose they may be, what is in them, and how they change while they are in use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.files import keyfile
from kernel.adapters.files.keyfile import KeyFile, make, read_keys, retire, rotate
from kernel.engine.keyring import FixedKeys, key_id
from kernel.engine.sealing import Seals
from kernel.errors import KeyFileUnusable, KeyUnknown, OutputUnwritable, Refused, UsageError

SECRET = bytes(range(32))
GOOD: dict[str, Any] = {
    "id": key_id(SECRET).hex(),
    "created": "2026-01-31T08:00:00Z",
    "secret": SECRET.hex(),
}
RETIRED = {"id": "0a1b2c3d", "created": "2026-01-30T08:00:00Z", "retired": "2026-01-31T08:00:00Z"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a key file."""
    path = tmp_path / "prod.keys"
    make(path)
    return path


def written(folder: Path, content: object, mode: int = 0o600) -> Path:
    """Write a key file by hand."""
    path = folder / "by-hand.keys"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    path.chmod(mode)
    return path


def seals(keys: KeyFile | FixedKeys) -> Seals:
    """Make the seals of a ledger."""
    return Seals(keys, ledger="ours", incarnation="first")


def silent(sentence: str) -> None:
    """Stand for a terminal on which nothing is to be said."""
    raise AssertionError(sentence)


def test_a_new_file_is_its_owners_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    """One key, 0600, nothing beside it; what is there already is never overwritten."""
    path = tmp_path / "prod.keys"
    before = os.umask(0)
    try:
        key = make(path)
    finally:
        os.umask(before)
    first = path.read_bytes()

    with pytest.raises(Refused, match="a key that is overwritten is lost"):
        make(path)

    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, first)
    assert [entry.name for entry in tmp_path.iterdir()] == ["prod.keys"]
    assert read_keys(path) == (key,)


def test_a_rotated_file_has_one_key_more_and_a_retired_one_a_secret_less(path: Path) -> None:
    """Oldest first; the last one signs and cannot be retired; what is retired keeps its id."""
    (first,) = read_keys(path)
    second = rotate(path)

    assert read_keys(path) == (first, second)
    with pytest.raises(Refused, match=f"{second.id} is the one that signs"):
        retire(path, second.id)
    retire(path, first.id)

    gone, kept = read_keys(path)
    assert (gone.id, gone.secret, bool(gone.retired), kept) == (first.id, None, True, second)
    assert str(first.secret) not in path.read_text("ascii")
    with pytest.raises(UsageError, match=f"no key {first.id} to retire"):
        retire(path, first.id)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_changed_stays_its_owners(path: Path) -> None:
    """The fleet's user can read it on, also when root has changed it, and no more than before."""
    os.chown(path, 10_001 if os.geteuid() == 0 else os.getuid(), -1)  # only root may give away
    path.chmod(0o400)
    before = path.stat()
    first = read_keys(path)[0].id

    rotate(path)
    retire(path, first)

    after = path.stat()
    assert len(read_keys(path)) == 2
    of_before = (before.st_uid, before.st_gid, before.st_mode)
    assert (after.st_uid, after.st_gid, after.st_mode) == of_before


def test_a_change_that_is_under_way_or_was_broken_off_is_not_run_over(path: Path) -> None:
    """What lies beside the file may hold a key that is nowhere else."""
    before = path.read_bytes()
    beside = path.with_name("prod.keys.new")
    beside.write_bytes(b"half")

    with pytest.raises(Refused, match=r"prod.keys.new' is there"):
        rotate(path)

    assert (path.read_bytes(), beside.read_bytes()) == (before, b"half")


def test_a_file_that_cannot_be_changed_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path.chmod(0o640)
    before = path.read_bytes()

    with pytest.raises(KeyFileUnusable):
        rotate(path)
    with pytest.raises(OutputUnwritable):
        make(tmp_path / "none" / "prod.keys")

    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["prod.keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Reading, writing, and what else there is; it says how to mend it."""
    path = written(tmp_path, {"version": 1, "keys": [GOOD]}, mode)

    with pytest.raises(KeyFileUnusable, match="chmod 600"):
        read_keys(path)

    path.chmod(0o400)
    assert [key.id for key in read_keys(path)] == [GOOD["id"]]


def one(**changes: object) -> dict[str, object]:
    """Return a file with one key that is a good one but for these fields; None takes one out."""
    key = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return {"version": 1, "keys": [key]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no key file"),
        (b"\xff\xfe", "is no key file"),
        (SECRET.hex().encode(), "is no key file"),
        ([], "Expected `object`"),
        ({"keys": [GOOD]}, "`version`"),
        ({"version": 2, "keys": [GOOD]}, "of another version"),
        ({"version": "1", "keys": [GOOD]}, r"\$.version"),
        ({"version": True, "keys": [GOOD]}, r"\$.version"),
        ({"version": 1, "keys": [GOOD], "colour": 1}, "colour"),
        ({"version": 1, "keys": []}, "no key that signs"),
        ({"version": 1, "keys": [GOOD, RETIRED]}, "no key that signs"),
        ({"version": 1, "keys": [GOOD, GOOD]}, "one id"),
        (one(secret=""), r"\$.keys\[0\].secret"),
        (one(secret=SECRET.hex()[:-2]), r"\$.keys\[0\].secret"),
        (one(secret=SECRET.hex() + "00"), r"\$.keys\[0\].secret"),
        (one(secret=SECRET.hex().upper()), r"\$.keys\[0\].secret"),
        (one(secret=int(SECRET.hex(), 16)), r"\$.keys\[0\].secret"),
        (one(secret=[SECRET.hex()]), r"\$.keys\[0\].secret"),
        (one(secret=None), r"\$.keys\[0\] has neither"),
        (one(retired=GOOD["created"]), r"\$.keys\[0\] has neither"),
        (one(secret=SECRET[::-1].hex()), r"\$.keys\[0\].id is not the id of its secret"),
        (one(id="0a1b2c3d"), r"\$.keys\[0\].id is not the id of its secret"),
        (one(id=None), "`id`"),
        (one(created="yesterday"), r"\$.keys\[0\].created"),
        (one(colour="blue"), "colour"),
        (b" " * (keyfile.FILE_BYTES_MAX + 1), "too long"),
    ],
)
def test_what_is_not_of_the_form_is_refused_and_not_shown(
    tmp_path: Path, content: object, says: str
) -> None:
    """The place in the file is named; not a part of a secret is."""
    path = written(tmp_path, content)

    with pytest.raises(KeyFileUnusable, match=says) as refused:
        KeyFile(path, silent)

    said = str(refused.value).lower()
    assert not {SECRET.hex()[:12], SECRET[::-1].hex()[:12], str(int(SECRET.hex(), 16))[:12]} & {
        said[at : at + 12] for at in range(len(said))
    }


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Not there, a directory, a pipe on which nobody ever writes."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, says in (("none", "No such file"), (".", "regular file"), ("pipe", "regular file")):
        with pytest.raises(KeyFileUnusable, match=says):
            read_keys(tmp_path / name)


def test_neither_a_key_nor_a_ring_shows_a_secret(path: Path) -> None:
    """Whatever prints one prints the id at most."""
    (key,) = read_keys(path)

    shown = f"{key} {key!r} {KeyFile(path, silent)!r} {seals(KeyFile(path, silent))!r}"

    assert key.id in shown
    assert str(key.secret) not in shown
    assert repr(key.master) not in shown


def test_whoever_opens_finds_the_new_key_at_once(path: Path) -> None:
    """A message under an unknown id makes the file be read again; the old ones still open."""
    opens = seals(KeyFile(path, silent))
    old = seals(KeyFile(path, silent)).seal("batch", b"old")
    rotate(path)
    new = seals(KeyFile(path, silent)).seal("batch", b"new")

    assert new[4:8] != old[4:8]
    assert (opens.open("batch", new), opens.open("batch", old)) == (b"new", b"old")


def test_whoever_seals_notices_at_the_next_look(path: Path) -> None:
    """And says nothing; until then he goes on with what he has. Retired is gone for openers too."""
    late, signs = (seals(KeyFile(path, silent, look_s=look_s)) for look_s in (3600, 0))
    old = signs.seal("reply", b"")[4:8]
    assert late.seal("reply", b"")[4:8] == old

    new = bytes.fromhex(rotate(path).id)

    assert signs.seal("reply", b"")[4:8] == new
    assert late.seal("reply", b"")[4:8] == old
    retire(path, old.hex())
    with pytest.raises(KeyUnknown, match=old.hex()):
        signs.open("reply", b"FL1R" + old + bytes(40))


def test_a_file_that_went_bad_is_said_once_and_the_known_keys_go_on(path: Path) -> None:
    """Only who meets a key that he does not know cannot do without it."""
    said: list[str] = []
    ours = seals(KeyFile(path, said.append, look_s=0))
    sealed = ours.seal("batch", b"ours")
    text = path.read_bytes()
    path.write_bytes(text[:-9])

    assert [ours.open("batch", sealed) for _ in range(3)] == [b"ours"] * 3
    assert len(said) == 1
    assert "going on with the keys that were there before" in said[0]
    with pytest.raises(KeyFileUnusable):
        ours.open("batch", seals(FixedKeys(SECRET)).seal("batch", b"theirs"))
    path.write_bytes(text)
    with pytest.raises(KeyUnknown):
        ours.open("batch", seals(FixedKeys(SECRET)).seal("batch", b"theirs"))
