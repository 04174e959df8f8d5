"""The decoding loop: answers of many requests side by side in one batch, joined and dropped between two tokens."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from idiolect.errors import IdiolectError, ModelError, Stopped
from idiolect.models.white_box.inner.answers import Job, Writing, decoded, rows_of, step_of
from idiolect.models.white_box.inner.cache import RowsCache
from idiolect.models.white_box.inner.network import Network
from idiolect.models.white_box.settings import WhiteBoxSettings
from idiolect.models.white_box.weights import Loaded


class Loop:
    """Runs on a thread of its own, which alone touches the network but for `alone`."""

    def __init__(self, loaded: Loaded, settings: WhiteBoxSettings) -> None:
        self.network = Network(loaded, settings)
        self.most_rows = settings.rows
        self._tokenizer = loaded.tokenizer
        self._ends = _end_tokens(loaded)
        self._waiting: deque[Writing] = deque()
        self._writing: list[Writing] = []
        self._rows = RowsCache()
        self._work = threading.Condition()
        self._is_closed = False
        self._turn, self._network_free = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="white box", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Answer a job through its queue. Raises ModelError once closed."""
        with self._work:
            if self._is_closed:
                raise ModelError("the model was closed; open it again")
            self._waiting.extend(Writing.begin(job, index) for index in range(job.n))
            self._work.notify()

    @contextmanager
    def alone(self) -> Iterator[Network]:
        """The network for oneself, between two tokens of others."""
        with self._turn, self._network_free:
            yield self.network

    def close(self) -> None:
        """Stop within a token, and wait for it; whoever still waits is told.

        A thread that still computes when the process ends would abort it.
        """
        with self._work:
            self._is_closed = True
            self._work.notify()
        if threading.current_thread() is not self._thread:  # the garbage collector may call from anywhere
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            with self._turn:  # whoever asked for the network alone goes first: a lock alone is not fair
                pass
            with self._network_free:
                try:
                    self._advance()
                except torch.OutOfMemoryError as full:
                    self._shrink(full)
                except Exception as failure:  # noqa: BLE001 - told to those who asked; the others are answered on
                    self._fail(failure)
        self._fail(ModelError("the model was closed before it had answered; open it again"))

    def _wait(self) -> bool:
        with self._work:
            self._work.wait_for(lambda: self._is_closed or self._waiting or self._writing)
            return not self._is_closed

    def _advance(self) -> None:
        """Let answers join as far as there is room, then one token of each."""
        self._drop_those_who_left()
        self._admit()
        if self._writing:
            self._step()

    def _admit(self) -> None:
        used = len(rows_of(self._writing))
        joined: list[Writing] = []
        while self._waiting and used + len(self._waiting[0].job.contexts) <= self.most_rows:
            writing = self._waiting.popleft()
            joined.append(writing)
            used += len(writing.job.contexts)
        if not joined:
            return
        self._writing += joined  # first, so that a failure reaches them too
        read = [
            self.network.read(writing.read(context), writing.job.request.inside.of(context))
            for writing, context in rows_of(joined)
        ]
        self._rows.join(read)

    def _step(self) -> None:
        rows = rows_of(self._writing)
        tokens = [writing.read(context)[-1] for writing, context in rows]
        insides = [writing.job.request.inside.of(context) for writing, context in rows]
        logits, hidden = self.network.step(self._rows, tokens, insides)
        for job in dict.fromkeys(writing.job for writing in self._writing):
            own = [writing for writing in self._writing if writing.job is job]
            step = step_of(job, self._writing, logits, hidden)
            drawn = job.draw.tokens(decoded(job, step), [writing.chance for writing in own]).tolist()
            for writing, row, token in zip(own, step.said[0], drawn, strict=True):
                self._take(writing, row, token)
        self._keep([writing for writing in self._writing if not writing.finished])

    def _take(self, writing: Writing, said: torch.Tensor, token: int) -> None:
        writing.note(said, token, self._tokenizer)
        piece = writing.add(token, self._tokenizer, self._ends)
        if piece:
            writing.job.told.put((writing.index, piece))
        if writing.finished:
            writing.job.told.put((writing.index, writing.completion(self._likelihood(writing))))

    def _likelihood(self, writing: Writing) -> float | None:
        job = writing.job
        if not job.wants_likelihood:
            return None
        if job.request.inside.is_plain:
            return sum(writing.logprobs) / len(writing.logprobs)
        return self.network.mean_logprob(job.contexts[0], writing.ids)

    def _drop_those_who_left(self) -> None:
        left = {writing.job for writing in (*self._waiting, *self._writing) if writing.job.is_over}
        if not left:
            return
        self._waiting = deque(writing for writing in self._waiting if writing.job not in left)
        self._keep([writing for writing in self._writing if writing.job not in left])
        for job in left:
            job.told.put(Stopped("the answers were stopped before they were written; ask again"))

    def _keep(self, staying: Sequence[Writing]) -> None:
        if len(staying) < len(self._writing):
            kept = {id(writing) for writing in staying}
            self._rows.keep([at for at, (writing, _) in enumerate(rows_of(self._writing)) if id(writing) in kept])
            self._writing = list(staying)

    def _shrink(self, full: torch.OutOfMemoryError) -> None:
        """Out of memory: fewer rows from now on; those under way are read again, and go on where they were."""
        if self.most_rows <= max(len(writing.job.contexts) for writing in self._writing):
            self._fail(
                ModelError(f"one answer alone does not fit into memory ({full}); use a smaller model or context")
            )
            return
        self.most_rows = max(1, self.most_rows // 2)
        self._waiting.extendleft(reversed(self._writing))
        self._writing, self._rows = [], RowsCache()
        self.network.prefixes.clear()
        for job in dict.fromkeys(writing.job for writing in self._waiting):
            job.notes.append(f"out of memory: {self.most_rows} answers decode at once now")

    def _fail(self, failure: Exception) -> None:
        """Tell those whose answers are being written, and begin with an empty batch."""
        error = failure if isinstance(failure, IdiolectError) else ModelError(f"the model failed: {failure}")
        jobs = {writing.job for writing in self._writing}
        if self._is_closed:
            jobs |= {writing.job for writing in self._waiting}
        with self._work:
            self._waiting = deque(writing for writing in self._waiting if writing.job not in jobs)
        self._writing, self._rows = [], RowsCache()
        for job in jobs:
            job.told.put(error)


def _end_tokens(loaded: Loaded) -> frozenset[int]:
    """The tokens after which an answer is over."""
    said = getattr(loaded.module.generation_config, "eos_token_id", None)
    ids = said if isinstance(said, list) else [said, loaded.tokenizer.eos_token_id]
    return frozenset(each for each in ids if isinstance(each, int))
