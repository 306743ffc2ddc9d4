"""Key files: the secrets from which a ledger's seals are derived, outside Redis.

    {"version": 1, "keys": [
        {"id": "5f0c1a2b", "created": "2026-01-31T08:00:00Z", "secret": "<64 hex digits>"}]}

Oldest first. All keys with a secret open seals, the last one makes them. A key that was retired
keeps its id, so that a ledger made with it still knows its file, and has `retired` (when) in place
of the secret. An id is derived from its secret.

1. A file that anybody but its owner may read or write is refused, and so is what is not exactly of
   this form. An error names the place in the file and never shows a value.
2. A file is replaced as a whole, by a rename. `FILE.new` is where the next one is written; while it
   is there nobody else changes the file.
3. A process notices a new file by itself: within `LOOK_S`, and at once on a message under an id
   that it does not know. When the new file cannot be used it says so and goes on with the keys it
   has, unless it needs another one.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec

from kernel.adapters.files.partial import explained, sync_directory, write_all
from kernel.engine.keyring import KEY_BYTES, Ring, key_id
from kernel.errors import KeyFileUnusable, Refused, UsageError

VERSION: Final = 1
MODE: Final = 0o600
#: Old keys are retired long before; more would only slow the reading down.
KEYS_MAX: Final = 64
FILE_BYTES_MAX: Final = 65_536
#: How often a process looks whether the file was replaced.
LOOK_S: Final = 1.0

Stamp = tuple[int, int, int]
_Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}\Z")]
_Time = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
_Secret = Annotated[str, msgspec.Meta(pattern=rf"\A[0-9a-f]{{{2 * KEY_BYTES}}}\Z")]


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key; without a secret once it is retired."""

    id: _Id
    created: _Time
    secret: _Secret | None = None
    retired: _Time | None = None

    def __repr__(self) -> str:
        """Show the id alone."""
        return f"Key({self.id})"

    @property
    def master(self) -> bytes:
        """The secret's bytes; none when it is retired."""
        return bytes.fromhex(self.secret or "")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: list[Key]


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read a key file.

    Raises:
        KeyFileUnusable: it is not there, others may read it, or it is not of the form.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[Stamp, tuple[Key, ...]]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            _check_owned(path, found.st_mode)
            text = os.read(descriptor, FILE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KeyFileUnusable(f"cannot read the key file '{path}': {error.strerror}") from error
    if len(text) > FILE_BYTES_MAX:
        raise KeyFileUnusable(f"'{path}' is too long to be a key file")
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeyFileUnusable(f"'{path}' is no key file: {error}") from None
    if file.version != VERSION:
        raise KeyFileUnusable(f"'{path}' is a key file of another version than {VERSION}")
    _check(path, file.keys)
    return _stamp(found), tuple(file.keys)


def _check_owned(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeyFileUnusable(f"'{path}' is no regular file, so it cannot be a key file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileUnusable(
            f"others than its owner may use the key file '{path}': chmod 600 it, and if somebody "
            "may have read it, `fundload keys rotate`"
        )


def _check(path: Path, keys: Sequence[Key]) -> None:
    for at, key in enumerate(keys):
        place = f"'{path}' is no key file: $.keys[{at}]"
        if (key.secret is None) != (key.retired is not None):
            raise KeyFileUnusable(f"{place} has neither a secret nor is it retired, or both")
        if key.secret is not None and key_id(key.master).hex() != key.id:
            raise KeyFileUnusable(f"{place}.id is not the id of its secret: one was changed")
    if len({key.id for key in keys}) < len(keys):
        raise KeyFileUnusable(f"'{path}' is no key file: two of its keys have one id")
    if not keys or keys[-1].secret is None:
        raise KeyFileUnusable(f"'{path}' is no key file: it has no key that signs, as its last one")


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_ino, found.st_size


class KeyFile:
    """The ring of a key file, read again when the file was replaced."""

    def __init__(self, path: Path, say: Callable[[str], None], *, look_s: float = LOOK_S) -> None:
        """Read the file.

        Args:
            path: The file.
            say: Told when a later one cannot be used.
            look_s: How often to look whether it was replaced.

        Raises:
            KeyFileUnusable: it cannot be used.
        """
        self.path = path.absolute()
        self.ids: tuple[str, ...] = ()
        self._say = say
        self._look_s = look_s
        self._ring: Ring = ()
        self._said = ""
        self._look_at = 0.0
        self._stamp: Stamp = (0, 0, 0)
        self.read_again()

    def ring(self) -> Ring:
        """Return the ring; a look at the file now and then, and no error."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + self._look_s
            try:
                if _stamp(self.path.stat()) != self._stamp:
                    self.read_again()
                self._said = ""
            except (OSError, KeyFileUnusable) as error:
                if str(error) != self._said:
                    self._said = str(error)
                    self._say(f"{error}; going on with the keys that were there before")
        return self._ring

    def read_again(self) -> Ring:
        """Read the file, whether or not it was replaced.

        Raises:
            KeyFileUnusable: it cannot be used.
        """
        self._stamp, keys = _read(self.path)
        ring = tuple(key.master for key in keys if key.secret is not None)
        self.ids = tuple(key.id for key in keys)
        self._ring = self._ring if ring == self._ring else ring
        return self._ring


def make(path: Path) -> Key:
    """Make a key file with one key.

    Raises:
        Refused: there is something of that name; a key that is overwritten is lost.
        OutputUnwritable: it cannot be written there.
    """
    key = _new_key()
    _replace(path, lambda: [key], is_new=True)
    return key


def rotate(path: Path) -> Key:
    """Add a key, which signs from now on; the others go on opening what they have sealed.

    Raises:
        KeyFileUnusable, Refused, OutputUnwritable: as they say; the file is as before.
    """
    key = _new_key()

    def grown() -> list[Key]:
        keys = read_keys(path)
        if len(keys) >= KEYS_MAX:
            raise Refused(f"'{path}' has {KEYS_MAX} keys, which is the most there may be")
        return [*keys, key]

    _replace(path, grown)
    return key


def retire(path: Path, name: str) -> None:
    """Forget the secret of a key: nothing that it has sealed is opened any more.

    Raises:
        UsageError: the file has no such key with a secret.
        Refused: it is the one that signs.
        KeyFileUnusable, OutputUnwritable: as they say; the file is as before.
    """

    def shrunk() -> list[Key]:
        keys = read_keys(path)
        if name not in {key.id for key in keys if key.secret is not None}:
            raise UsageError(
                f"'{path}' has no key {name} to retire; `fundload keys list` shows them"
            )
        if name == keys[-1].id:
            raise Refused(f"key {name} is the one that signs; `fundload keys rotate` first")
        return [Key(k.id, k.created, None, _now()) if k.id == name else k for k in keys]

    _replace(path, shrunk)


def _new_key() -> Key:
    secret = secrets.token_bytes(KEY_BYTES)
    return Key(key_id(secret).hex(), _now(), secret.hex())


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _replace(path: Path, change: Callable[[], Sequence[Key]], *, is_new: bool = False) -> None:
    """Write what `change` returns beside the file, then under its name.

    The file stays its owner's, also when root changes it for the user that the fleet runs as.
    """
    path = path.resolve()
    beside = path.with_name(f"{path.name}.new")
    with explained(path):
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        except FileExistsError:
            raise Refused(
                f"'{beside}' is there: somebody is just changing the keys, or was broken off while "
                "doing so; then remove it"
            ) from None
        try:
            blob = msgspec.json.format(
                msgspec.json.encode(_File(VERSION, list(change()))), indent=2
            )
            write_all(descriptor, blob + b"\n", 0)
            if not is_new:
                before = path.stat()
                os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            os.fsync(descriptor)
            if is_new:
                _put(beside, path)
            else:
                beside.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                beside.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_directory(path.parent)


def _put(beside: Path, path: Path) -> None:
    """Give a file its name, unless something has it."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise Refused(
            f"'{path}' exists: a key that is overwritten is lost, and so is every ledger made with "
            "it; give another name, or `fundload keys rotate`"
        ) from None
    beside.unlink()
