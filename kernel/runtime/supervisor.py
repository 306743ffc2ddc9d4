"""The supervisor: a start that is all or nothing, workers kept running, one reason for the end.

Here: what follows from what its processes do. Not here: how they are started, heard and ended
(`members.py`), when a dead one is started again (`respawn.py`), what they are for (`fleet.py`).

1. Workers get their bundle first. Whoever moves lines gets it when all workers are ready, so that
   nothing ran when the start fails.
2. A worker that dies is started again; a crash loop ends the run. Its exit codes 5 and 7 end the
   run at once: the ledger is not the one it was, or refuses it, and asking again changes nothing.
3. The run ends when the collector is done, or with the exit code of whoever failed. Who moves lines
   and was killed is started again and goes on, unless it shares a stream that cannot be read twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from kernel.engine.lifecycle import Event, Lifecycle, State
from kernel.errors import EXIT_DONE, EXIT_INCOMPLETE, EXIT_INTEGRITY, EXIT_REDIS, EXIT_REFUSED
from kernel.runtime.bundle import Bundle
from kernel.runtime.deadlines import Deadlines
from kernel.runtime.failed import CrashLoop, Failed, NotReady, how_it_ended, quoted
from kernel.runtime.members import Member, Members, Snapshot, Stop, deliver
from kernel.runtime.respawn import LONG_S, LOOP_DEATHS
from kernel.runtime.spawned import Post, Spawned, was_signalled

#: How long the others may take to end by themselves once the collector is done.
LAST_S = 2.0
#: Exit codes of a worker that say that another start would end alike.
FINAL = (EXIT_INTEGRITY, EXIT_REFUSED)


class Supervisor:
    """The processes of one run, from their start until the last of them is gone."""

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        say: Callable[[str, str], None],
        tick: Callable[[], None] = lambda: None,
        held: Callable[[], Mapping[str, tuple[int, ...]]] = dict,
        deadlines: Deadlines | None = None,
    ) -> None:
        """Take what is to be started.

        Args:
            posts: Workers, and whoever moves lines.
            say: Told each line that a process writes, with the id of its post.
            tick: Called at least twenty times a second while something is waited for; what it
                raises ends the run.
            held: Says which partitions are held, by `<id>.<generation>` of a worker.
            deadlines: How long to wait for whom.
        """
        self.life = Lifecycle()
        self.stops: list[Stop] = []
        self._deadlines = deadlines or Deadlines()
        self._held = held
        self._to_restart: list[Member] | None = None
        self._members = Members(posts, say)
        self._say = say
        self._tick = tick
        self._bundle: Bundle | None = None

    def snapshot(self) -> list[Snapshot]:
        """Return what is known of each process."""
        return self._members.snapshot(self._held())

    def start(self) -> None:
        """Start everybody; they do their imports and wait for their bundles.

        Raises:
            NotReady: a process cannot be started. Everybody is still to be stopped.
        """
        self.life.on(Event.START)
        for member in self._members:
            try:
                self._members.spawn(member)
            except OSError as error:
                self._refuse_start(f"{member.post.id} cannot be started: {error.strerror}")

    def open_work(self, bundle: Bundle) -> None:
        """Hand the workers their bundles and wait until all are ready; then the others get theirs.

        Raises:
            NotReady: a process ended first, or a worker was late; nothing ran. Everybody is still
                to be stopped.
            Failed: a worker is under other rules.
            CrashLoop: a worker is killed again and again.
        """
        self._bundle = bundle
        workers = self._members.workers()
        for member in workers:
            deliver(member, bundle)
        within_s = self._deadlines.ready_ms / 1000
        deadline = time.monotonic() + within_s
        while late := [member for member in workers if not member.is_ready]:
            if time.monotonic() >= deadline:
                self._refuse_late(late[0], f"{len(late)} of {len(workers)} workers", within_s)
            self._look()
        self.life.on(Event.ALL_READY)
        for member in self._members:
            if not member.is_worker:
                deliver(member, bundle)
        self.life.on(Event.RUN)

    def run(self) -> None:
        """Keep everybody at work until the collector is done and the others had time to end.

        Without anybody who moves lines, that is for ever.

        Raises:
            Failed: with the exit code of whoever failed.
            CrashLoop: a process dies again and again.
        """
        movers = [member for member in self._members if not member.is_worker]
        deadline: float | None = None
        while not movers or not all(member.is_done for member in movers):
            if deadline is None and any(m.is_done and m.post.role == "collector" for m in movers):
                deadline = time.monotonic() + LAST_S
            if deadline is not None and time.monotonic() >= deadline:
                return
            self._look()

    def is_done(self, role: str) -> bool:
        """Say whether somebody in this role has done all that there was to do."""
        return any(member.is_done and member.post.role == role for member in self._members)

    def undo(self, role: str, why: str) -> None:
        """Start those again who were done in this role, because what they did is lost.

        Raises:
            Failed: one of them cannot go on: it has read a stream that cannot be read twice.
        """
        for member in self._members:
            if member.is_done and member.post.role == role:
                if not member.post.can_resume:
                    self._lose_stream(member, why)
                self._say("supervisor", f"{why}; starting {member.post.id} again")
                member.is_done = False

    def restart(self) -> None:
        """Restart the workers one at a time, each ready before the next one goes.

        Happens while `run` looks after them. Asked for once more meanwhile, it begins anew.
        """
        self._to_restart = self._members.workers()
        self._say("supervisor", f"restarting {len(self._to_restart)} workers, one at a time")

    def stop(self) -> None:
        """Ask everybody to end, kill who does not, and return when nobody is left.

        May be called in any state, also twice. What fails while they are asked is raised at the
        end, when nobody is left.
        """
        if self.life.state in (State.INIT, State.STOPPED, State.STOP_FAILED):
            return
        self.life.on(Event.DRAIN)
        try:
            if self._deadlines.drain_inflight:
                self._members.stop(self._deadlines.stop_ms / 1000)
        except Exception:
            self._members.mute()
            raise
        finally:
            self._end()

    def _end(self) -> None:
        gone = not self._members.alive()
        if not gone:
            if self._deadlines.drain_inflight:
                self.life.on(Event.GRACE_OVER)
            gone = self._members.kill(self._deadlines.kill_ms / 1000)
        self.life.on(Event.ALL_STOPPED if gone else Event.STOP_ERROR)
        if not gone:
            left = ", ".join(f"{s.post.id} ({s.pid})" for s in self._members.alive())
            self._say("supervisor", f"cannot be ended, not even by SIGKILL: {left}")
        self.stops = self._members.stops()
        self._members.close()

    def _look(self) -> None:
        """Hear what there is to hear, see who died, start who is due."""
        self._members.hear()
        for member in self._members:
            spawned = member.spawned
            if spawned is not None:
                self._look_at(member, spawned)
            elif not member.is_done and time.monotonic() >= member.again_s:
                self._start_again(member)
        if self._to_restart is not None and self.life.state is State.RUNNING:
            self._restart_on(self._to_restart)
        self._tick()

    def _restart_on(self, left: list[Member]) -> None:
        """Let the next one go when all are ready; kill who was asked to and does not."""
        now_s = time.monotonic()
        for member in self._members.workers():
            if member.asked_s is not None and member.spawned is not None:
                if now_s - member.asked_s >= self._deadlines.stop_ms / 1000:
                    self._say("supervisor", f"{member.post.id} does not end, so it is killed")
                    member.asked_s = now_s
                    member.spawned.kill()
                return
        if not all(member.is_ready for member in self._members.workers()):
            return
        if not left:
            self._to_restart = None
            self._say("supervisor", "all workers are restarted")
            return
        member = left.pop(0)
        assert member.spawned is not None
        member.asked_s = now_s
        member.spawned.ask_to_stop()

    def _look_at(self, member: Member, spawned: Spawned) -> None:
        if spawned.misheard:
            self._lose(f"{member.post.id} {spawned.misheard}", EXIT_INCOMPLETE)
        assert self._bundle is not None
        if spawned.ready is not None and spawned.ready.digest != self._bundle.digest:
            self._lose(f"{member.post.id} is under other rules than this run", EXIT_INTEGRITY)
        code = spawned.ended()
        if code is not None:
            self._members.bury(member, spawned)
            self._after_death(member, spawned, code)

    def _start_again(self, member: Member) -> None:
        assert self._bundle is not None
        try:
            self._members.spawn(member)
        except OSError as error:
            self._lose(f"{member.post.id} cannot be started: {error.strerror}", EXIT_INCOMPLETE)
        deliver(member, self._bundle)

    def _after_death(self, member: Member, spawned: Spawned, code: int) -> None:
        """Decide what a death means: the end of the run, of a post, or another start."""
        name = member.post.id
        if self.life.state is State.STARTING and not was_signalled(code):
            kept = code in (EXIT_REDIS, *FINAL) or not member.is_worker
            sentence = quoted(f"{name} {how_it_ended(code)} before it was ready", spawned)
            self._refuse_start(sentence, code if code and kept else EXIT_INCOMPLETE)
        if not member.is_worker and not was_signalled(code):
            if code != EXIT_DONE:
                self._lose(quoted(f"{name} {how_it_ended(code)}", spawned), code)
            member.is_done = True
            return
        if member.is_worker and code in FINAL:
            self._lose(quoted(f"{name} {how_it_ended(code)}", spawned), code)
        if member.asked_s is not None:
            member.asked_s, member.again_s = None, 0.0
            return
        if not member.post.can_resume:
            self._lose_stream(member, f"{name} {how_it_ended(code)}")
        self._wait_to_start(member, spawned, code)

    def _wait_to_start(self, member: Member, spawned: Spawned, code: int) -> None:
        now_s = time.monotonic()
        pause_s = member.respawn.after_death(
            lived_s=now_s - member.began_s, counts=code != EXIT_REDIS
        )
        how = f"{member.post.id} {how_it_ended(code)}"
        if pause_s is None:
            self.life.on(Event.WORKER_LOST)
            ends = f"{LOOP_DEATHS} ends in a row, each within {LONG_S:.0f} s of its start"
            sentence = f"{how}: {ends}, so it is not tried again"
            raise CrashLoop(quoted(sentence, spawned))
        member.again_s = now_s + pause_s
        self._say("supervisor", f"{how}; starting it again in {pause_s:.1f} s")

    def _refuse_late(self, member: Member, who: str, within_s: float) -> None:
        self.life.on(Event.READY_LATE)
        sentence = f"{who} were not ready within {within_s:g} s, {member.post.id} among them"
        if member.spawned is not None:
            sentence = quoted(sentence, member.spawned)
        raise NotReady(sentence, code=EXIT_INCOMPLETE)

    def _refuse_start(self, sentence: str, code: int = EXIT_INCOMPLETE) -> None:
        self.life.on(Event.START_ERROR)
        raise NotReady(sentence, code=code)

    def _lose_stream(self, member: Member, why: str) -> NoReturn:
        stream = member.post.shares or member.post.pipe
        sentence = f"{stream} cannot be gone on with; feed it again from its start"
        self._lose(f"{why}, and {sentence}", EXIT_INCOMPLETE)

    def _lose(self, sentence: str, code: int) -> NoReturn:
        self.life.on(Event.WORKER_LOST)
        raise Failed(sentence, code=code)
