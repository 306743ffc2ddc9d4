"""A ledger's record: what every process of it works by, written once."""

from __future__ import annotations

from typing import Literal, NamedTuple


class LedgerRecord(NamedTuple):
    """A ledger's incarnation, its rules and settings as text, and where its key is.

    A ledger made with a key file names the key it was made with; another named one holds its key.
    """

    incarnation: str
    partitions: int
    digest: str
    rules: str
    settings: str
    master_key: str
    key_id: str = ""

    @property
    def is_throwaway(self) -> bool:
        """Say whether the key is with the run that made the ledger, and nowhere else."""
        return not self.master_key and not self.key_id


class CreateAnswer(NamedTuple):
    """CREATED or EXISTS, with the record that stands in the store."""

    status: Literal["CREATED", "EXISTS"]
    record: LedgerRecord
