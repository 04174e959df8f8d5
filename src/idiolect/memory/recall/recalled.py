"""What recall finds: preferences and past turns, each with its score, what the score is made of, and why."""

from datetime import datetime

from pydantic import Field

from idiolect.schema import EarlierTurn, Noun, Preference


class Parts(Noun):
    """What a score is made of."""

    bears: float  # probability that it bears on the prompt; 1 for style that holds everywhere
    cosine: float | None = None  # None: not embedded
    overlap: float = 0.0  # of words: BM25 over the most it could be
    scope: float | None = None  # probability that the prompt is within its scope; None: it holds everywhere
    confidence: float = 1.0
    recency: float = 1.0


class RecalledPreference(Noun):
    """A preference to be injected."""

    preference: Preference
    score: float
    parts: Parts
    why: str


class Episode(Noun):
    """A past turn, as it was said."""

    id: str
    text: str
    speaker: str  # "user", "assistant", or a name
    at: datetime
    talk: str = ""  # id of the conversation: neighbours are turns of the same


class RecalledEpisode(Noun):
    """A past turn that may help to answer, between its neighbours."""

    episode: Episode
    before: tuple[Episode, ...] = ()
    after: tuple[Episode, ...] = ()
    score: float
    parts: dict[str, float] = Field(default_factory=dict)
    why: str = ""


class Recalled(Noun):
    """All that is recalled for one prompt, best first."""

    preferences: tuple[RecalledPreference, ...] = ()
    episodes: tuple[RecalledEpisode, ...] = ()
    notes: tuple[str, ...] = ()  # plain sentences: what was left out, what could not be judged

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the preferences."""
        return tuple(each.preference.id for each in self.preferences)

    @property
    def turns(self) -> tuple[EarlierTurn, ...]:
        """Where the past turns stand: the answers' ids, and when they were given."""
        return tuple(EarlierTurn(answer=each.episode.talk, at=each.episode.at) for each in self.episodes)
