"""Where a person speaks for themselves: a frame counts where it opens a clause.

"Do I like cats?", "the film that I love" and "she says I hate dogs" hold the words of a frame in other places.
"""

import re
from typing import Final

_HEDGES: Final = (
    "think|guess|suppose|say|admit|confess|add|mention|note|know|find|feel like|realised|realized|believe|noticed|"
    "learned|learnt|discovered|found out|tend to think"
)
_WORDS: Final = (
    "and|but|because|since|as|so|though|although|while|whereas|plus|also|however|personally|honestly|actually|"
    "generally|usually|normally|typically|unfortunately|sadly|frankly|luckily|basically|mostly|nor|or|yet|well|ok|okay|"
    "oh|yes|no|yeah|hi|hello|hey|btw|fyi|ps|remember|note|reminder|sorry|now|then|lately|recently|nowadays|sometimes|"
    "often|today|tonight|currently|cause|cuz|bc|cos|again|first|second|finally|secondly|additionally|besides|"
    "furthermore|moreover|otherwise|therefore|thus|hence|overall|correction|update|thanks|for|to be honest|by the way|"
    "as you know|you know|for the record|in general|these days|this week|right now|at the moment|for now|as i said|"
    "like i said|as someone|one thing"
)
OPENER: Final = re.compile(
    rf"(?:\A|[,;:()\u2013\u2014-]|\b(?:{_WORDS})"
    rf"|\b(?:i|we)(?:'d|'ll)?(?: (?:must|have to|would|should|will|can))?(?: also| just"
    rf"| really)? (?:{_HEDGES})(?: that)?"
    r"|\blet me (?:tell|add|mention|say)(?: you)?(?: that)?"
    r"|\b(?:please )?(?:note|keep in mind|bear in mind|remember|know|consider|be aware|don't forget)(?: that)?"
    r"|\b(?:the (?:thing|fact|truth|problem|reason|issue) is|it's because|it's just)(?: that)?"
    r"|\b(?:given|considering|provided|seeing|except|only|now|knowing|due to the fact) that)\s*\Z",
    re.IGNORECASE,
)
SCOPE: Final = re.compile(
    r"\A\W*(?:(?:and|but|so|also)\W+)?(?:when(?:ever)?|while|if|for|on|in|at|during|after|before|as|with|since|because|"
    r"although|though|given|due to|from|by|to|unlike|despite|being|having)\b[^,;:]{2,60}\Z",
    re.IGNORECASE,
)
ASKED: Final = re.compile(
    r"\A\W*(?:do|does|did|is|are|was|were|can|could|should|would|will|have|has|how|what|why|where|who|which|whether)\b"
    r"[^,;]*\Z",
    re.IGNORECASE,
)
INVERTED: Final = re.compile(  # "by what means might I ...?"
    r"\b(?:do|did|can|could|should|would|will|shall|may|might|must|am|was|have|had)\s*\Z", re.IGNORECASE
)
OTHERS: Final = re.compile(
    r"\b(?:he|she|they|people|everyone|somebody|someone|others|wife|husband|sister|brother|mother|father|mom|mum|dad|"
    r"friend|boss|colleague|son|daughter|doctor|teacher|partner|girlfriend|boyfriend|who|you|told|said)\s+"
    r"(?:always |often |once )?(?:say|says|said|think|thinks|thought|claims?|claimed|told|tells|believes?"
    r"|believed|knows?|"
    r"knew|asked|asks|wrote|writes|insists?|heard|me|him|her)(?: me| him| her| us)?(?: that)?\s*[,:]?\s*\Z"
    r"|\b(?:imagine|suppose|pretend|assume|whether|if|unless|lest|in case|wish|saying|says|said|titled|called|quoting|"
    r"named|quote|like)\s*[,:]?\s*(?:that\s*)?\Z",
    re.IGNORECASE,
)
KNOWN: Final = re.compile(r"\b(?:just )?(?:so|as) you know\b|\byou know\b", re.IGNORECASE)


def opens_clause(before: str, is_question: bool) -> bool:
    """Whether a frame after these words of its sentence is the person's own statement."""
    if not before.strip(" \t\"'*_>#-\u2022\u201c("):
        return True
    last = KNOWN.sub("", before[-100:])
    if OTHERS.search(last) or (is_question and (ASKED.match(before) or INVERTED.search(before))):
        return False
    return OPENER.search(last) is not None or SCOPE.match(before) is not None
