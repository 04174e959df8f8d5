"""An answer screened while it is written: the newest characters are held back until more has been seen."""

from collections.abc import Callable

from idiolect.schema import Verdict

HELD_BACK = 80  # characters that are shown only when at least so many have followed, or the answer has ended
EVERY = 24  # new characters between two judgements, more in a long answer:
SHARE = 50  # a fiftieth of what is there, so that the cost stays linear
WHOLE_EVERY = 400  # new characters between two judgements by all screens, also the slow ones


class StreamScreen:
    """Feed it pieces, show what it returns. Once `cut` it returns nothing more, and `verdict` says why.

    A harm is first only suspected, and everything held back, until HELD_BACK characters more have been seen: the next
    words may show that it was none ("make a bomb" - "calorimeter"). `draft` judges by what is quick; `judge`, by all
    screens, looks now and then, at what is suspected, and at the end.
    """

    def __init__(
        self,
        draft: Callable[[str], Verdict],
        judge: Callable[[str], Verdict],
        admits: Callable[[Verdict], bool],
        ending: Callable[[Verdict], str],
    ) -> None:
        self._draft, self._judge, self._admits, self._ending = draft, judge, admits, ending
        self._text = ""
        self._shown = 0
        self._judged = 0
        self._whole = 0  # length at which all screens last judged
        self._suspected: int | None = None  # length at which harm was first seen
        self.verdict: Verdict | None = None  # of the newest judgement
        self.cut = False

    def feed(self, piece: str) -> str:
        """What may be shown now; the honest ending once the answer is cut."""
        if self.cut:
            return ""
        self._text += piece
        if len(self._text) - self._judged < max(EVERY, len(self._text) // SHARE):
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
        self.verdict = self._verdict(ended)
        if self._admits(self.verdict):
            self._suspected = None
            return True
        self._suspected = len(self._text) if self._suspected is None else self._suspected
        return False

    def _verdict(self, ended: bool) -> Verdict:
        quick = self._draft(self._text)
        if not (ended or self._suspected is not None or len(self._text) - self._whole >= WHOLE_EVERY):
            return quick
        self._whole = len(self._text)
        return self._judge(self._text)

    def _released(self, until: int) -> str:
        start, self._shown = self._shown, max(self._shown, until)
        return self._text[start : self._shown]

    def _cut(self) -> str:
        self.cut = True
        self._text = self._text[: self._shown]
        assert self.verdict is not None  # it was judged: that is why it is cut
        return self._ending(self.verdict)
