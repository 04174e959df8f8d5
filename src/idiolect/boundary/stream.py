"""An answer screened while it is written: the newest characters are held back until more has been seen."""

from collections.abc import Callable

from idiolect.schema import Verdict

HELD_BACK = 80  # characters that are never shown before the screen has seen them with what follows
EVERY = 24  # new characters between two judgements


class StreamScreen:
    """Feed it pieces, show what it returns. Once cut it returns nothing more, and `verdict` says why."""

    def __init__(self, judge: Callable[[str], Verdict], admits: Callable[[Verdict], bool], ending: Callable[[Verdict], str]) -> None:
        self._judge, self._admits, self._ending = judge, admits, ending
        self._text = ""
        self._shown = 0
        self._judged = 0
        self.verdict: Verdict | None = None  # of the last judgement
        self.cut = False

    def feed(self, piece: str) -> str:
        """What may be shown now; the honest ending once the answer is cut."""
        if self.cut:
            return ""
        self._text += piece
        if len(self._text) - self._judged < EVERY:
            return ""
        return self._released(len(self._text) - HELD_BACK)

    def finish(self) -> str:
        """The rest, when the model has ended."""
        return "" if self.cut else self._released(len(self._text))

    def _released(self, until: int) -> str:
        self.verdict = self._judge(self._text)
        self._judged = len(self._text)
        if not self._admits(self.verdict):
            self.cut = True
            return self._ending(self.verdict)
        start, self._shown = self._shown, max(self._shown, until)
        return self._text[start : self._shown]
