"""The nouns that every room speaks of. No logic beyond what makes a noun well formed.

Symbols are the same everywhere: user u, prompt x, answer y, features phi (d,), weights w, personal reward r_u,
universal reward r_0, threshold tau.
"""

from idiolect.schema.answers import Action, Answer, Candidate, EarlierTurn, Share, Trace, Verdict
from idiolect.schema.base import USER_ID, Array, Noun, UserId, new_id, now
from idiolect.schema.beliefs import Category, Origin, Preference, Profile, ProposalOrigin, Slots, Status, Taste
from idiolect.schema.events import (
    EVENT,
    FEEDBACK_KINDS,
    WORD_KINDS,
    AnyEvent,
    Choice,
    Correction,
    Decision,
    Edit,
    Event,
    Feedback,
    Interaction,
    Proposal,
    Rating,
    Revision,
    Statement,
)
from idiolect.schema.talk import Completion, Message, Sampling, as_messages

__all__ = [
    "EVENT",
    "FEEDBACK_KINDS",
    "USER_ID",
    "WORD_KINDS",
    "Action",
    "Answer",
    "AnyEvent",
    "Array",
    "Candidate",
    "Category",
    "Choice",
    "Completion",
    "Correction",
    "Decision",
    "EarlierTurn",
    "Edit",
    "Event",
    "Feedback",
    "Interaction",
    "Message",
    "Noun",
    "Origin",
    "Preference",
    "Profile",
    "Proposal",
    "ProposalOrigin",
    "Rating",
    "Revision",
    "Sampling",
    "Share",
    "Slots",
    "Statement",
    "Status",
    "Taste",
    "Trace",
    "UserId",
    "Verdict",
    "as_messages",
    "new_id",
    "now",
]
