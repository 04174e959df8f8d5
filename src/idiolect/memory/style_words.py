"""The closed list of words by which people say how they like their answers. Data only; extraction.py reads it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Synonyms:
    """Words for one named attribute. Words are separated by commas.

    `more`, `less`: how an answer is ("longer", "brief").  `things`: what an answer has ("emoji"), more of it being more
    of the attribute; `absent`: what it has where the attribute is low ("preamble" where it is not direct).
    """

    attribute: str
    more: str = ""
    less: str = ""
    things: str = ""
    absent: str = ""


STYLE: tuple[Synonyms, ...] = (
    Synonyms(
        "length",
        more="long, longer, lengthy, lengthier, detailed, in detail, in depth, thorough, comprehensive, elaborate, complete, "
        "verbose, wordy, wordier, exhaustive, fuller, expand, say more, long winded, rambling, ramble",
        less="short, shorter, brief, briefer, briefly, concise, succinct, terse, terser, to the length of a tweet, "
        "compact, condensed, in short, snappy, crisp, crisper, in brief, in a nutshell, within few words, summarised, "
        "summarized, tldr, tl;dr",
        things="detail, depth, elaboration, text, words, background, context, explanation",
        absent="brevity, concision",
    ),
    Synonyms(
        "sentence_length",
        more="long sentences, longer sentences",
        less="short sentences, shorter sentences, simple sentences, simpler sentences",
        absent="run on sentences",
    ),
    Synonyms("word_length", more="longer words", less="short words, shorter words"),
    Synonyms("long_words", things="long words"),
    Synonyms(
        "grade",
        more="sophisticated, demanding, advanced, scholarly, at university level, at expert level",
        less="simple, simpler, simply, easy to read, easier to read, easy to understand, easier to understand, easy, easier, "
        "readable, basic, explain like i'm five, explain like i'm 5, like i'm five, like i'm 5, like i am five, "
        "like i'm a child, like i am a child, like i'm a beginner, like i am a beginner, eli5, dumb it down, for a child, "
        "for children, for beginners, for a beginner",
    ),
    Synonyms("paragraphs", things="paragraph, line breaks, white space", more="short paragraphs, shorter paragraphs"),
    Synonyms(
        "list_items",
        more="in bullets, as a list, as lists, bulleted, as bullet points, in bullet points",
        less="in prose, as prose, in running text, as running text, in flowing text, in full sentences, as paragraphs",
        things="bullet point, bullet, list, bullet list, bulleted list, numbered list, enumeration",
        absent="prose, running text",
    ),
    Synonyms("headings", things="heading, header, headline, section title, section, subheading"),
    Synonyms("code", things="code, code snippet, code block, code example, snippet"),
    Synonyms(
        "emphasis",
        things="bold, bold text, bold words, italics, emphasis, capitals, all caps, caps, highlighting, markdown",
        more="highlighted",
        less="in plain text, as plain text",
    ),
    Synonyms("emoji", things="emoji, emoticon, smiley, smilies"),
    Synonyms("exclamations", things="exclamation mark, exclamation point, exclamation"),
    Synonyms("questions", things="question, rhetorical question", more="ask me questions"),
    Synonyms("asides", things="aside, parentheses, brackets, digression, dashes, em dash, em dashes, tangent"),
    Synonyms("quotes", things="quote, quotation, citation"),
    Synonyms("contractions", things="contraction"),
    Synonyms(
        "formality",
        more="formal, formally, professional, professionally, academic, businesslike, official",
        less="casual, casually, informal, informally, colloquial, relaxed, laid back, conversational, chatty, chattier, "
        "down to earth, like a friend, like a mate",
        things="formality",
        absent="slang, colloquialism",
    ),
    Synonyms(
        "hedging",
        more="hedge, cautious, tentative, careful",
        less="blunt, blunter, straightforward, unequivocal",
        things="hedging, hedge words, waffling, maybes, qualifier",
    ),
    Synonyms(
        "certainty",
        more="certain, confident, confidently, decisive, assertive, definite, sure",
        less="humble, humbler, modest, open minded",
        things="certainty, confidence",
        absent="uncertainty, doubt",
    ),
    Synonyms("caveats", things="caveat, disclaimer, warning, safety warning"),
    Synonyms(
        "politeness",
        more="polite, politer, politely, courteous, respectful",
        less="rude, ruder, impolite",
        things="politeness, courtesy, courtesies, pleasantries, apologies, please and thank you",
    ),
    Synonyms(
        "warmth",
        more="warm, warmer, warmly, friendly, friendlier, kind, kinder, caring, gentle, gentler, affectionate, encouraging",
        less="cold, colder, cool, cooler, matter of fact, neutral, dry, drier, clinical, impersonal, distant, detached",
        things="warmth, kindness, friendliness, encouragement",
    ),
    Synonyms(
        "empathy",
        more="empathetic, empathic, understanding, compassionate, sympathetic, supportive",
        things="empathy, compassion, sympathy",
    ),
    Synonyms(
        "positivity",
        more="positive, upbeat, cheerful, optimistic, happier, cheerier, cheery, sunny, sugarcoat, sugar coat",
        less="negative, critical, pessimistic, sombre",
        things="positivity, optimism, sugarcoating, criticism free",
        absent="criticism, negativity",
    ),
    Synonyms(
        "enthusiasm",
        more="enthusiastic, excited, energetic, livelier, lively, passionate, gushing, over the top",
        less="sober, calm, calmer, understated, measured, restrained",
        things="enthusiasm, excitement, energy, hype, superlatives, flattery",
    ),
    Synonyms(
        "humour",
        more="funny, funnier, humorous, playful, witty, wittier, joking, light hearted, lighthearted, silly, sillier, joke",
        less="serious, seriously, earnest",
        things="humour, humor, joke, jokes, pun, wit, fun, playfulness, sarcasm",
        absent="seriousness",
    ),
    Synonyms(
        "directness",
        more="direct, directly, to the point, straight to the point, get to the point, get straight to the point, "
        "come to the point, cut to the chase, straight, no nonsense, start with the answer, answer first",
        less="roundabout, indirect",
        absent="preamble, introduction, intro, greeting, small talk, fluff, filler, filler words, opening phrase",
    ),
    Synonyms(
        "closing_offer",
        more="end with a question, end with questions, offer more help",
        things="follow up question, closing question, offer of help, offers of help, question at the end, questions at the end",
    ),
    Synonyms(
        "rare_words",
        more="erudite, literary",
        less="in simple words, in plain words",
        things="rare words, big words, fancy words, difficult words, complicated words, rich vocabulary, vocabulary",
        absent="simple words, simpler words, common words, plain words, easy words, easier words, everyday words, simple "
        "vocabulary, simpler vocabulary, simple language, simpler language",
    ),
    Synonyms(
        "jargon",
        more="technical, nerdy, nerdier, like an expert, for an expert, for experts",
        less="in plain english, in plain language, in layman's terms, in lay terms, plain, plainer, non technical, nontechnical",
        things="jargon, technical terms, technical detail, terminology, acronym, buzzwords",
        absent="plain english, plain language, layman's terms, everyday terms, everyday language",
    ),
    Synonyms(
        "numbers",
        more="quantitative, data driven",
        things="number, figure, statistic, statistics, stats, data, percentages",
    ),
    Synonyms("examples", things="example, illustration, concrete example, sample, concrete case"),
    Synonyms("contrast", more="balanced, nuanced", things="comparison, pros and cons, nuance, both sides, counterargument"),
    Synonyms("reasons", things="reason, reasoning, justification, rationale, reasons why", more="explain why, say why"),
    Synonyms("steps", more="step by step, stepwise", things="step, step by step instructions, instructions"),
    Synonyms("imperatives", more="actionable, practical", things="advice, action items, to dos, commands"),
    Synonyms("analogies", things="analogy, analogies, metaphor, simile, imagery"),
    Synonyms(
        "vividness",
        more="vivid, colourful, colorful, flowery, poetic, descriptive, evocative, ornate",
        less="unadorned",
        things="colour, flourish, flourishes, adjectives",
    ),
    Synonyms("storytelling", things="story, stories, anecdote, storytelling, narrative", more="narrative, as a story"),
    Synonyms("diversity", more="varied", things="variety, varied words"),
    Synonyms("repetition", more="repetitive, repeat yourself, repeat, redundant", things="repetition, redundancy, repeating"),
)

# These things have a life outside of answers: "I love stories" says nothing of how to write, "use stories" does.
AMBIGUOUS: frozenset[str] = frozenset({"code", "numbers", "questions", "storytelling", "quotes", "steps", "imperatives", "headings"})

LESS: frozenset[str] = frozenset(
    """no, not, don't, dont, do not, doesn't, didn't, never, no longer, without, avoid, avoiding, stop, skip, drop, omit, cut,
    cut the, cut down on, cut out, cut back on, reduce, remove, less, fewer, few, little, minimal, minimise, minimize, zero,
    leave out, leave off, ditch, lose, shouldn't, should not, needn't, won't, can't stand, cannot stand, not a fan of, tired of,
    sick of, fed up with, no need for, no need to, don't need, instead of, rather than, over, hate, dislike, refrain from, ease
    up on, go easy on, tone down, tone it down, lay off, limit, nor""".replace("\n", " ").split(",")
)
MORE: frozenset[str] = frozenset(
    """more, much more, many, lots of, a lot of, plenty of, a few, some, with, use, using, add, adding, give, giving, give me,
    include, including, be, being more, keep, make, write, speak, talk, answer, respond, reply, explain, put, format, phrase,
    structure, show, need, provide, extra, prefer, try, stay, sound, increase, want, phrase things, set out, lay out""".replace(
        "\n", " "
    ).split(",")
)
TASTE: frozenset[str] = frozenset({"like", "love", "enjoy", "hate", "dislike", "prefer", "want"})  # of things in general, too
ANSWERS: frozenset[str] = frozenset(
    """answer, answers, reply, replies, response, responses, tone, style, language, writing, message, messages, explanations,
    wording, format, voice, output, outputs, sentences, it, everything, things, write, speak, talk, respond, explain, be, keep,
    make, use, phrase, sound""".replace("\n", " ").split(",")
)
TOO: frozenset[str] = frozenset({"too", "too many", "too much", "overly", "so many", "so much", "way too", "way too many", "way too much"})
ENOUGH: frozenset[str] = frozenset({"enough"})
STATES: frozenset[str] = frozenset({"are", "is", "was", "were", "you're"})  # a remark unless too, enough or should be follows
FILLERS: frozenset[str] = frozenset(
    """please, thanks, thank you, i, i'd, i would, me, my, you, your, yours, the, a, an, any, all, one, ones, to, of, in, as, at,
    on, it, it's, its, that, that are, that is, which are, which is, this, these, them, they, can, could, would, should, should
    be, will, must, have, having, has, get, getting, do, when you answer, when you reply, just, really, very, quite, rather,
    pretty, a bit, a little, a little bit, slightly, somewhat, much, even, still, also, always, generally, usually, in general,
    from now on, next time, in future, in the future, possible, if possible, if you can, like, love, enjoy, prefer, want, find,
    think, wish, hope, to me, for me, with me, with you, from you, by default, let's, let, go, go for, ask, asking, address,
    ending, end, sentence, thing, things, everything, answer, answers, reply, replies, response, responses, tone, style,
    language, writing, message, messages, explanations, wording, voice, output, outputs, sentences, to read, to see, to hear, to
    get, to have, better, best, most, only, ok, okay, hi, hello, so, what i like is, what i want is, kind of, sort of, bit,
    there, here, i'm fond of, i am fond of, i'm a fan of, i am a fan of, i appreciate, appreciate, favour, favor, a more, on
    point, up, being, been, use of, using, used, such, other, both, how, way, manner, way of""".replace("\n", " ").split(",")
)
