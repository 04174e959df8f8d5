"""An answer screened while it is written: the newest characters are held back until more has been seen."""

from collections.abc import Callable

from idiolect.schema import Verdict

HELD_BACK = 80  # characters that are shown only when at least so many have followed, or the answer has ended
EVERY = 24  # new characters between two judgements by what is quick, more in a long answer:
SHARE = 50  # a fiftieth of what is read
HEADS_EVERY = 400  # new characters between two judgements by all screens of this machine
GUARDS_EVERY = 2000  # new characters between two questions to guard models, which are elsewhere
SEEN = 6000  # newest characters of a long answer that rules and guards read as it goes
SEEN_BY_HEADS = 2400  # and that heads read
OPENING = 400  # its first characters stand before them: there an answer declines
GROWTH = 1.5  # how much longer it is each time that all of a long answer is judged

Judge = Callable[[str], Verdict]


class StreamScreen:
    """Feed it pieces, show what it returns. Once `cut` it returns nothing more, and `verdict` says why.

    A harm is first only suspected, and everything held back, until HELD_BACK characters more have been seen: the next
    words may show that it was none ("make a bomb" - "calorimeter"). `draft` judges by what is quick; `judge`, by rules
    and heads, looks now and then, and at what is suspected; `guarded` asks guard models, seldom; `whole` asks all, at
    the end. A long answer is judged by its newest characters, and whole each time that it has grown by half: the cost
    is linear.
    """

    def __init__(
        self,
        draft: Judge,
        judge: Judge,
        whole: Judge,
        admits: Callable[[Verdict], bool],
        ending: Callable[[Verdict], str],
        guarded: Judge | None = None,
    ) -> None:
        self._draft, self._judge, self._whole, self._guarded = draft, judge, whole, guarded
        self._admits, self._ending = admits, ending
        self._text = ""
        self._shown = 0
        self._judged = 0
        self._by_heads = 0  # length at which the heads last judged
        self._by_guards = 0
        self._all = SEEN  # length at which all of it is judged next
        self._suspected: int | None = None  # length at which harm was first seen
        self.verdict: Verdict | None = None  # of the newest judgement
        self.cut = False

    def feed(self, piece: str) -> str:
        """What may be shown now; the honest ending once the answer is cut."""
        if self.cut:
            return ""
        self._text += piece
        if len(self._text) - self._judged < max(EVERY, min(len(self._text), SEEN) // SHARE):
            return ""
        if self._is_admitted():
            return self._released(len(self._text) - HELD_BACK)
        if self._suspected is not None and len(self._text) - self._suspected >= HELD_BACK:
            return self._cut()
        return ""

    def finish(self) -> str:
        """The rest, when the model has ended; the honest ending when the whole is beyond the boundary."""
        if self.cut:
            return ""
        return self._released(len(self._text)) if self._is_admitted(ended=True) else self._cut()

    def _is_admitted(self, *, ended: bool = False) -> bool:
        self._judged = len(self._text)
        self.verdict = self._whole(self._text) if ended else self._verdict()
        if self._admits(self.verdict):
            self._suspected = None
            return True
        self._suspected = len(self._text) if self._suspected is None else self._suspected
        return False

    def _verdict(self) -> Verdict:
        length = len(self._text)
        is_due = length >= self._all
        if is_due:
            self._all = int(length * GROWTH)
        verdict = self._draft(self._text if is_due else _newest(self._text, SEEN))
        if is_due or self._suspected is not None or length - self._by_heads >= HEADS_EVERY:
            self._by_heads = length
            verdict = self._judge(self._text if is_due else _newest(self._text, SEEN_BY_HEADS))
        if self._guarded is not None and self._admits(verdict) and length - self._by_guards >= GUARDS_EVERY:
            self._by_guards = length
            verdict = min(verdict, self._guarded(_newest(self._text, SEEN)), key=lambda each: each.score)
            if not self._admits(verdict):
                self._suspected = length - HELD_BACK  # a guard has seen enough: nothing is waited for
        return verdict

    def _released(self, until: int) -> str:
        start, self._shown = self._shown, max(self._shown, until)
        return self._text[start : self._shown]

    def _cut(self) -> str:
        self.cut = True
        self._text = self._text[: self._shown]
        assert self.verdict is not None  # it was judged: that is why it is cut
        return self._ending(self.verdict)


def _newest(text: str, seen: int) -> str:
    """The opening of a long text, and its newest characters."""
    return text if len(text) <= OPENING + seen else f"{text[:OPENING]}\n{text[-seen:]}"
