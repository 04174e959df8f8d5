"""What a statement is about: the noun or verb phrase after a frame, what it is preferred to, when it holds."""

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 240  # characters


@dataclass(frozen=True)
class Phrase:
    """What a statement is about, and where its words end in the text that was cut."""

    object: str
    over: str = ""
    scope: str = ""
    length: int = 0


END: Final = re.compile(  # where another clause begins
    r"[,;:]?\s+(?:because|cause|cuz|since (?=i|it|they|he|she|we|this|that|my)|due to|owing to|thanks to"
    r"|out of (?=fear|concern|habit|respect|principle)"
    r"|as (?=(?:i|i'm|i've|i'd|it|it's|they|they're|he|she|we|this|that|these|those|my|you|there)\b)|so (?=(?:i"
    r"|i'm|that|please|what|can|could|we|it|my|do|any|which|where|how)\b)"
    r"|but|although|though|unless|whereas|even (?:if|though)|which is why|which means|given (?=my|that"
    r"|the)|in order to|to avoid|to minimi[sz]e|to reduce|until (?=i|my|the)"
    r"|for (?:\w+ (?:and \w+ )?)?reasons|on account of|considering|except when|yet|hence|therefore|and (?=(?:i"
    r"|think|believe|hope|i'm|i've|i'd|we|it|they|he|she|you|my|please|can|could|would|will|what|where|how"
    r"|that's|so|then|this"
    r"|want|need|was|am|only|never|cannot|can't|always)\b)"
    r"|i (?=(?:am|have|would|want|need|was|think|find|feel|just|hate|love|like|prefer|don't|can't|always|never"
    r"|also)\b)|whenever possible|wherever possible|if possible|when possible|as much as possible"
    r"|at all costs|at any cost|(?:and|or) so on|please\b|thanks\b|thank you|no matter)"
    r"|,\s+(?:and |or |so |as |if |when |while )?(?=(?:i|i'm|i've|i'd|we|it|it's|they|they're|he|she|you|please"
    r"|can|could|would|will|do|does|did|is|are|what|where|how|which|who|so|as|if|when|while|then|any|thanks"
    r"|preferably|especially since|my|there|and that|this|that's)\b)"
    r"|\s+[\u2013\u2014-]+\s+|\)",
    re.IGNORECASE,
)
OVER: Final = re.compile(
    r",?\s+(?:over(?! (?:\d|(?:a|one|two|three|four|five|six|ten|twelve|half)\b))|rather than|instead of"
    r"|(?:much )?more than(?! (?:\d|one |two |three |half |an? (?:few|hour|dozen)))|better than|as opposed to"
    r"|compared to|compared with|in comparison to|versus"
    r"|vs\.?|(?<!er )(?<!\bno )(?<!less )(?<!fewer )than(?! (?:\d|one |two |three |half )))\s+",
    re.IGNORECASE,
)
TO: Final = re.compile(r"\s+to\s+", re.IGNORECASE)
NOT_OVER: Final = re.compile(  # words after which "to" does not compare
    r"(?:close|closer|next|near|similar|adjacent|due|access|accessible|related|limited|listening|going|trip"
    r"|trips|travel|travelling|traveling|way|ways|able|"
    r"want|wants|easy|easier|hard|places|place|something|things|option|options|exposure|visit|visits|committed"
    r"|dedicated|open|opposed|subject|tailored|walk|flights?|drives?|"
    r"respond|responds|relevant|according|connected|applied|ready|free|cheap|simple|relate|comes|belong|belongs"
    r"|time|attention|room|adhere|try)\Z",
    re.IGNORECASE,
)
MORE: Final = re.compile(r"\s+(?:much |a lot |far |even )?(?:more|better)\Z", re.IGNORECASE)
SCOPE_END: Final = re.compile(
    r",?\s+((?:when(?:ever)?|while|if|unless) (?:i|i'm|i am|we|we're|my|travell?ing|working|commuting|cooking"
    r"|eating|driving|flying|studying|exercising|on|at|in|it|it's|out|shopping|booking|choosing|watching|buying"
    r"|dining|hiking|running|reading|learning|visiting|coding)\b[^,;:]{0,60}"
    r"|(?:on|at|over|for|in|during|before|after) (?:the |my |a )?(?:weekends?|weekdays?|week nights|weeknights?"
    r"|mornings?|evenings?|nights?|night|afternoons?|summer|winter|spring|autumn|fall|work|home|holidays?"
    r"|vacations?|breakfast|lunch|dinner|brunch|dessert|bed|business trips?|long trips?|road trips?"
    r"|long flights?|bedtime))"
    r"\s*\Z",
    re.IGNORECASE,
)
SCOPE_START: Final = re.compile(
    r"\A\W*(?:(?:and|but|so|also|actually)\W+)?((?:when(?:ever)?|while|if) (?!so\b|not\b|possible\b)[^,;:]{2,60}"
    r"|(?:on|at|over|for|in|during|before|after|with) (?!general\b|particular\b|fact\b|addition\b|short\b"
    r"|my opinion\b|the other\b|now\b|example\b|instance\b|me\b|some\b|this\b|that\b|the (?:past"
    r"|end)\b)[^,;:]{2,40})\s*,?\s*\Z",
    re.IGNORECASE,
)
TIMES: Final = (
    r"(?:for now|right now|at the moment|today|tonight|tomorrow|this (?:week|weekend|month|year|time|morning"
    r"|evening|afternoon|summer|winter|spring|autumn|fall|season|trip)|these days|"
    r"for the (?:next|coming) [\w ]{2,20}|until [\w ]{2,30}|for (?:a|the) (?:while|few \w+|week|month"
    r"|time being)|any ?more|any longer|lately|currently|temporarily|just now|from now on)"
)
LEAD: Final = re.compile(
    r"\A(?:(?:any (?:form|kind|type|sort)s? of|any and all|to|that|any|all|the idea of|it when|an?|for|by|from"
    r"|of|with|is|are|the fact that|having to deal with|really|very|strongly|also|just|either|both"
    r"|anything (?:that is|to do with)|towards?)\s+)+(?=\S)",
    re.IGNORECASE,
)
LEAD_KEPT: Final = re.compile(r"\A(?:any(?:thing|one|body|where))\b", re.IGNORECASE)
TRAIL: Final = re.compile(
    rf"(?:[\s,]+(?:{TIMES}|at all|in general|generally|whenever possible|as much as possible|if possible|a lot"
    rf"|so much|very much|too|as well|well|either|though|the most|the best|the least|most of the time|more|most|best"
    rf"|better|"
    r"and|or|but|so|as|because|since|only|instead|in particular|to be honest|tbh|honestly|like|please|ok|okay"
    r"|right|you know|if you can|myself|and avoid|and i|again|always|anyway|entirely|completely|altogether"
    r"|at home and away|ever again|ever))+\Z",
    re.IGNORECASE,
)
TEMPORARY: Final = re.compile(
    r"\b(?:for now|right now|at the moment|today|tonight|tomorrow|this (?:week|weekend|month|time|morning"
    r"|evening|afternoon|season|trip)|for the (?:next|coming) \w+|for a (?:while|few \w+)|for the time being"
    r"|temporarily|until (?:next|the end|\w+day|(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december)|my)\b)",
    re.IGNORECASE,
)
EMPTY: Final = re.compile(  # what no lasting statement is about
    r"\A(?:(?:it|this|that|these|those|them|you|your|yours|him|her|one|ones|so|what|how|why|where|who"
    r"|there(?! (?:is|are)\b)"
    r"|the (?:same|others?|rest|above|following|first|second|third|last|former|latter)|to (?:know|think|say|ask"
    r"|see|understand|"
    r"believe|thank|point|add|mention|note|get|be|have|hear|start|begin|introduce|inform|make sure|learn more))\b"
    r"|(?:know|think|say|ask|understand|believe|thank|point out|add|mention|note|hear|start|begin|introduce"
    r"|inform|be|get|have|see|make sure|find|learn more|share|sound|seem|look|feel|need|help|give|let|tell"
    r"|bother|admit|interrupt|break it|trying|use this|do (?:this|that|it))\b|(?:option|answer|version|choice"
    r"|number|step|question|example|line) (?:[a-e]|\d+|one|two|three)\b|\W*\Z)",
    re.IGNORECASE,
)
SUGGESTED: Final = re.compile(r"\A\s+(?:the|your) idea of\b", re.IGNORECASE)  # said of what was just proposed
REACTION: Final = re.compile(
    r"\A(?:the|your|that|this|those|these)\b.*\b(?:idea|ideas|suggestion|suggestions|concept|option|options"
    r"|approach|plan|answer|response|way|sound|tip|tips|list|recommendation|recommendations|point|points"
    r"|question|feature|thought|fact|app|one|ones|joke|story|poem|version|example|design|look|code|part"
    r"|title)\b(?! of (?!that|this|it\b|the (?:first|second|last)))",
    re.IGNORECASE,
)
PRONOUN: Final = re.compile(
    r"\A(?:it|them|those|that|these|this)\b(?: (?:at all|anymore|any more|now|a lot|either|all|again|too"
    r"|so much|very much|when\b.*))?\W*\Z",
    re.IGNORECASE,
)


def phrase(rest: str, *, compares: bool) -> Phrase:
    """What stands after a frame, up to the next clause. `compares`: "over" and "to" name what is preferred less."""
    shown = rest.replace("\u2019", "'")[:LONGEST]
    found = END.search(shown)
    length = found.start() if found else len(shown)
    body = shown[:length].rstrip(" \t\"'*_,.)\u201d")
    over = scope = ""
    scoped = SCOPE_END.search(body)
    if scoped and scoped.start() > 0:
        scope, body = scoped[1].strip(), body[: scoped.start()]
    if compares:
        body, over = _compared(body)
    scoped = SCOPE_END.search(body) if not scope else None
    if scoped and scoped.start() > 0:
        scope, body = scoped[1].strip(), body[: scoped.start()]
    return Phrase(trimmed(body), trimmed(over), scope, length)


def trimmed(body: str) -> str:
    """Without the words around the phrase that say nothing: "any", "at all"."""
    body = body.strip(" \t\"'*_,.:()\u201c\u201d")
    while (shorter := TRAIL.sub("", body)) != body:
        body = shorter.strip(" ,")
    if not LEAD_KEPT.match(body):
        body = LEAD.sub("", body)
    return " ".join(body.split()).strip(" \"'*_,.:()\u201c\u201d")


def gerund(verb: str) -> str:
    """As in "drive" as "driving": what somebody does who "never drives"."""
    first, space, rest = verb.partition(" ")
    if first.endswith("e") and not first.endswith("ee"):
        stem = first[:-1]
    elif re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", first):
        stem = first + first[-1]
    else:
        stem = first
    return f"{stem}ing{space}{rest}"


def _compared(body: str) -> tuple[str, str]:
    found = OVER.search(body)
    if found:
        return MORE.sub("", body[: found.start()]), body[found.end() :]
    for to in TO.finditer(body):
        left, right = body[: to.start()], body[to.end() :]
        is_short = len(left.split()) <= 6 and len(right.split()) <= 6
        is_doing = left.split()[:1] and left.split()[0].lower().endswith("ing")
        if (
            left
            and right
            and is_short
            and not NOT_OVER.search(left)
            and bool(is_doing) == right.split()[0].lower().endswith("ing")
        ):
            return left, right
    return body, ""
