"""Everything that can go wrong outside our own code, as one tree.

    FundloadError                   1   a broken promise of ours, when nothing below fits
    ├── UsageError                  2   the command cannot be carried out as it was given
    │   ├── ConfigError                 the configuration file says something impossible
    │   ├── InputUnreadable             the input is missing, a directory, or may not be read
    │   ├── OutputUnwritable            the output cannot be created where it was asked for
    │   └── KeyFileUnusable             the key file is none, or others may read it
    ├── RedisUnavailable            4   no answer from Redis within the time allowed
    ├── RedisUnsuitable             4   Redis answers, but it would lose or refuse what we need
    │   └── RightMissing                    its access list refuses this user a command or a key
    ├── IntegrityError              5   something is not what it was when it was written
    │   ├── SealBroken                  a batch or reply does not carry the ledger's seal
    │   │   ├── SizeWrong                   it is too short or too long to be a sealed one
    │   │   ├── VersionUnknown              it is of a version that is not spoken here
    │   │   ├── KindWrong                   it is of another kind than belongs in its place
    │   │   ├── KeyUnknown                  it was sealed with a key that is not on the ring
    │   │   ├── MacWrong                    its seal does not fit its contents
    │   │   ├── Undecodable                 its seal holds, but what is inside cannot be read
    │   │   └── Misshapen                   its seal holds, but it has a shape that none can have
    │   ├── LedgerGone                  the ledger that was worked on is no longer there
    │   ├── WrongPosition               an entry does not hold the position it is filed under
    │   └── AnswerDiffers               a row already published would now read otherwise
    ├── Incomplete                  6   some lines have no answer yet
    └── Refused                     7   doing it would harm what is already there
        ├── OutputExists                the output file is there and was not to be replaced
        ├── LeaseHeld                   another process is at work there
        ├── KeysDiffer                  the ledger is sealed with other keys than were given
        └── RulesDiffer                 the ledger is under other rules than the configuration

Rules of this file:
1. A malformed line, a duplicate, a reached limit are outcomes, not exceptions: none is here.
2. `category` is for logs and counters, `exit_code` for the shell; both belong to the class, so that
   the same failure ends a process in the same way wherever it is met.
3. The text is one sentence for the person at the terminal: what is wrong and what to do about it.
   It never holds a payload, a key or a password.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_REDIS = 4
EXIT_INTEGRITY = 5
EXIT_INCOMPLETE = 6
EXIT_REFUSED = 7
EXIT_SIGINT = 130
EXIT_SIGTERM = 143

#: Every exit code of `fundload` with its sentence; 3 is left free on purpose.
EXIT_CODES: dict[int, str] = {
    EXIT_DONE: "Done: what was asked for is complete.",
    EXIT_BUG: "A bug of ours: the traceback says where.",
    EXIT_USAGE: "The command line, the configuration or a file name cannot be used as given.",
    EXIT_REDIS: "Redis cannot be reached, or is not fit to hold a ledger.",
    EXIT_INTEGRITY: "Stored state is not what was written; nothing more was published.",
    EXIT_INCOMPLETE: "Some lines have no answer yet; what is there was kept.",
    EXIT_REFUSED: "Refused, because it would harm what is already there.",
    EXIT_SIGINT: "Stopped from the keyboard (SIGINT); what was kept is said on stderr.",
    EXIT_SIGTERM: "Stopped by SIGTERM.",
}


class FundloadError(Exception):
    """A promise of ours was broken in a way that has no class of its own."""

    category: str = "bug"
    exit_code: int = EXIT_BUG

    def __init__(self, sentence: str = "") -> None:
        """Keep the sentence for the person at the terminal; without one, the class speaks."""
        super().__init__(sentence or (type(self).__doc__ or "").partition("\n")[0])


class UsageError(FundloadError):
    """The command cannot be carried out as it was given."""

    category = "usage"
    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """The configuration says something impossible."""

    category = "config"


class InputUnreadable(UsageError):
    """The input is missing, is a directory, or may not be read."""

    category = "input"


class OutputUnwritable(UsageError):
    """The output cannot be created where it was asked for."""

    category = "output"


class KeyFileUnusable(UsageError):
    """The key file is none, or others may read it."""

    category = "key_file"


class RedisUnavailable(FundloadError):
    """Redis gave no answer within the time allowed."""

    category = "redis_unavailable"
    exit_code = EXIT_REDIS


class RedisUnsuitable(FundloadError):
    """Redis answers, but would lose or refuse what a ledger needs."""

    category = "redis_unsuitable"
    exit_code = EXIT_REDIS


class RightMissing(RedisUnsuitable):
    """The access list of Redis refuses this user a command or a key."""

    category = "right_missing"


class IntegrityError(FundloadError):
    """Something is not what it was when it was written."""

    category = "integrity"
    exit_code = EXIT_INTEGRITY


class SealBroken(IntegrityError):
    """A batch or reply does not carry the seal of its ledger."""

    category = "seal_broken"


class SizeWrong(SealBroken):
    """A sealed message is too short or too long to be one."""

    category = "size_wrong"


class VersionUnknown(SealBroken):
    """A sealed message is of a version that is not spoken here."""

    category = "version_unknown"


class KindWrong(SealBroken):
    """A sealed message is of another kind than belongs in its place."""

    category = "kind_wrong"


class KeyUnknown(SealBroken):
    """A message was sealed with a key that is not on the ring."""

    category = "key_unknown"


class MacWrong(SealBroken):
    """The seal of a message does not fit its contents."""

    category = "mac_wrong"


class Undecodable(SealBroken):
    """The seal of a message holds, but what is inside cannot be read."""

    category = "undecodable"


class Misshapen(SealBroken):
    """The seal of a message holds, but it has a shape that none can have."""

    category = "misshapen"


class LedgerGone(IntegrityError):
    """The ledger that was worked on is no longer there."""

    category = "ledger_gone"


class WrongPosition(IntegrityError):
    """An entry does not hold the position it is filed under."""

    category = "wrong_position"


class AnswerDiffers(IntegrityError):
    """A row that was already published would now read otherwise."""

    category = "answer_differs"


class Incomplete(FundloadError):
    """Some lines have no answer yet."""

    category = "incomplete"
    exit_code = EXIT_INCOMPLETE


class Refused(FundloadError):
    """Doing this would harm what is already there."""

    category = "refused"
    exit_code = EXIT_REFUSED


class OutputExists(Refused):
    """The output file is already there."""

    category = "output_exists"


class LeaseHeld(Refused):
    """Another process is at work there."""

    category = "lease_held"


class KeysDiffer(Refused):
    """The ledger is sealed with other keys than were given."""

    category = "keys_differ"


class RulesDiffer(Refused):
    """The ledger is under other rules than the configuration asks for."""

    category = "rules_differ"
