"""All processes of one supervisor: started, heard, buried, stopped; without an opinion about any.

Here: the selector over their pipes, the lifeline, the way to an empty house. Not here: one process
(`spawned.py`) and what follows from what is heard (`supervisor.py`).

1. All end with this process, however it ends: it holds the only write end of their lifeline.
2. Everybody is asked to end, and then killed; each group's end is noted once.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from kernel.runtime.bundle import Bundle
from kernel.runtime.respawn import Respawn
from kernel.runtime.spawned import Post, Spawned

#: The longest wait for a word of a process before the rest is looked at.
LOOK_S = 0.05


class Stop(NamedTuple):
    """How a group ended when it was told to: forced if one of its processes had to be killed."""

    group: str
    how: Literal["graceful", "forced"]


class Snapshot(NamedTuple):
    """What is known of a process now; pid 0 while nobody holds the post."""

    id: str
    pid: int
    is_alive: bool
    is_ready: bool
    generation: int
    #: The partitions that it holds, where somebody looked.
    partitions: tuple[int, ...] = ()


class Member:
    """A post, and the process that holds it now."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.respawn = Respawn()
        self.generation = 0
        self.spawned: Spawned | None = None
        self.began_s = 0.0
        #: When nobody holds the post: not before this time is it given again.
        self.again_s = 0.0
        self.is_done = False
        #: When it was asked to make room for its next generation.
        self.asked_s: float | None = None
        self.is_forced = False

    @property
    def is_ready(self) -> bool:
        """Say whether its process has said that it is ready."""
        return self.spawned is not None and self.spawned.ready is not None

    @property
    def is_worker(self) -> bool:
        """Say whether the post is to be held as long as the supervisor runs."""
        return self.post.role == "worker"


class Members:
    """The posts in the order in which they were given."""

    def __init__(self, posts: Sequence[Post], say: Callable[[str, str], None]) -> None:
        """Take the posts, and who is told each line that a process writes."""
        self._members = [Member(post) for post in posts]
        self._say = say
        self._selector = selectors.DefaultSelector()
        self._lifeline_read, self._lifeline_write = os.pipe()

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def alive(self) -> list[Spawned]:
        """Return the processes whose end has not been seen."""
        return [member.spawned for member in self if member.spawned is not None]

    def workers(self) -> list[Member]:
        """Return the posts that are to be held for as long as the supervisor runs."""
        return [member for member in self if member.is_worker]

    def snapshot(self, held: Mapping[str, tuple[int, ...]]) -> list[Snapshot]:
        """Return what is known of each, with the partitions held by `<id>.<generation>`."""
        return [
            Snapshot(
                member.post.id,
                member.spawned.pid if member.spawned else 0,
                member.spawned is not None and member.spawned.ended() is None,
                member.is_ready,
                member.generation,
                held.get(f"{member.post.id}.{member.generation}", ()),
            )
            for member in self
        ]

    def stops(self) -> list[Stop]:
        """Return how each group has ended, once all were told to."""
        groups = dict.fromkeys((member.post.group for member in self), False)
        for member in self:
            groups[member.post.group] |= member.is_forced
        return [Stop(name, "forced" if forced else "graceful") for name, forced in groups.items()]

    def spawn(self, member: Member) -> None:
        """Start a process for a post; it waits for its bundle.

        Raises:
            OSError: it cannot be started.
        """
        member.generation += 1
        spawned = Spawned(member.post, member.generation, self._lifeline_read)
        member.spawned = spawned
        member.began_s = time.monotonic()
        for descriptor, hear in (
            (spawned.words_fd, self._hear_words),
            (spawned.ready_fd, self._hear_ready),
        ):
            self._selector.register(descriptor, selectors.EVENT_READ, (hear, spawned))

    def hear(self, within_s: float = LOOK_S) -> None:
        """Wait until somebody says something, and hear it."""
        for key, _ in self._selector.select(within_s):
            hear, spawned = key.data
            hear(spawned)

    def bury(self, member: Member, spawned: Spawned) -> None:
        """Hear the last words of a process that ended, and let go of it."""
        self._hear_words(spawned)
        for descriptor in (spawned.words_fd, spawned.ready_fd):
            self._forget(descriptor)
        spawned.close()
        member.spawned = None

    def stop(self, within_s: float) -> None:
        """Ask everybody to end, and return when all have, or when it was time to.

        Ctrl-C or SIGTERM meanwhile means that the time is over.
        """
        for spawned in self.alive():
            spawned.ask_to_stop()
        self._all_gone(within_s)

    def kill(self, within_s: float) -> bool:
        """End everybody without asking; return whether they are gone in time."""
        for member in self:
            if member.spawned is not None:
                member.is_forced = True
                self._say("supervisor", f"{member.post.id} ({member.spawned.pid}) is killed")
                member.spawned.kill()
        return self._all_gone(within_s)

    def mute(self) -> None:
        """Pass on no more words: whoever was told them cannot listen any more."""
        self._say = _unheard

    def close(self) -> None:
        """Let go of the lifeline, at which whoever is left ends."""
        os.close(self._lifeline_read)
        os.close(self._lifeline_write)
        self._selector.close()

    def _all_gone(self, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        try:
            while self.alive() and time.monotonic() < deadline:
                self.hear()
                self._bury_ended()
        except BaseException as impatience:
            if isinstance(impatience, Exception):
                raise
        return not self.alive()

    def _bury_ended(self) -> None:
        for member in self:
            spawned = member.spawned
            if spawned is not None and spawned.ended() is not None:
                self.bury(member, spawned)

    def _hear_words(self, spawned: Spawned) -> None:
        try:
            for line in spawned.read_words():
                self._say(spawned.post.id, line)
        except EOFError:
            self._forget(spawned.words_fd)

    def _hear_ready(self, spawned: Spawned) -> None:
        if not spawned.hear_ready():
            self._forget(spawned.ready_fd)

    def _forget(self, descriptor: int) -> None:
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)


def deliver(member: Member, bundle: Bundle) -> None:
    """Hand a process what all have in common, with its own id and generation."""
    if member.spawned is not None:
        member.spawned.deliver(bundle.of(member.post.id, member.generation, member.post.group))


def _unheard(who: str, text: str) -> None:
    """Say nothing."""
