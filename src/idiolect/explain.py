"""Why an answer was given, in words for a person, from its trace alone."""

from datetime import datetime

from idiolect.schema import Answer, Candidate, Share, Verdict

SHARES_TOLD = 3
WORTH_TELLING = 0.02  # of a logit
SURE = 1.64  # standard deviations; nine in ten lie within


def why(answer: Answer) -> str:
    """A few sentences whose numbers add up to the score."""
    if answer.chosen is None:
        return refusal_reason(answer)
    sentences = [
        _choice(answer, answer.candidates[answer.chosen]),
        *_caution(answer, answer.candidates[answer.chosen]),
        *_shares(answer.trace.shares),
        *_otherwise(answer),
        _evidence(answer),
        *(f"Recalled an earlier turn of {day(turn.at)}." for turn in answer.trace.turns),
        *answer.trace.notes,
        *_rounds(answer),
        *_cost(answer),
        f"Boundary: {_verdict(answer)}.",
        f"Method {answer.trace.method} on {answer.trace.model}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def refusal_reason(answer: Answer) -> str:
    """What the boundary said, when it answered in the model's place."""
    asked, given = answer.trace.request_verdict, answer.trace.answer_verdict
    if asked.action in ("refuse", "helpline"):
        return f"The boundary answered in the model's place: {_rule(asked)}."
    reason = f": {_rule(given)}" if given is not None else ""
    return f"The boundary admitted none of the candidates, so none was shown{reason}."


def day(at: datetime) -> str:
    """3 March 2026"""
    return f"{at.day} {at:%B %Y}"


def _choice(answer: Answer, shown: Candidate) -> str:
    n = len(answer.candidates)
    if n == 1:
        return "One answer was written, and shown."
    dropped = sum(candidate.verdict.action == "refuse" for candidate in answer.candidates)
    outside = f" ({dropped} outside the boundary)" if dropped else ""
    if not answer.trace.shares:
        return f"The first of {n} candidates{outside}: they don't differ in what is known of your taste."
    return (
        f"Chosen among {n} candidates{outside}: {shown.reward:+.2f} above their mean, give or take {shown.sd:.2f}."
        + _sure(shown)
    )


def _sure(shown: Candidate) -> str:
    """In words, whether zero lies in the 90 % interval of what the answer is above the others' mean."""
    low, high = shown.reward - SURE * shown.sd, shown.reward + SURE * shown.sd
    if low > 0 or not shown.sd:
        return ""
    return f" I don't know yet whether you prefer it: between {low:+.2f} and {high:+.2f}."


def _caution(answer: Answer, shown: Candidate) -> list[str]:
    """The answer that scores more and was left for how unsure that is (the setting `kappa`)."""
    admitted = [
        (each.reward, number, each)
        for number, each in enumerate(answer.candidates, start=1)
        if each.verdict.action != "refuse"
    ]
    most, number, best = max(admitted, key=lambda each: each[:2], default=(shown.reward, 0, shown))
    if most - shown.reward < WORTH_TELLING or best.sd <= shown.sd:
        return []
    than = f"{most:+.2f}, but that is less sure, give or take {best.sd:.2f}"
    return [f"Candidate {number} scores more, {than}: caution decided (the setting kappa)."]


def _otherwise(answer: Answer) -> list[str]:
    """The taste without which another candidate would have been chosen."""
    found = answer.trace.otherwise
    if found is None:
        return []
    return [f"Without your taste for {found.words}, candidate {found.candidate + 1} would have been chosen."]


def _shares(shares: tuple[Share, ...]) -> list[str]:
    told = [share for share in shares if abs(share.contribution) >= WORTH_TELLING][:SHARES_TOLD]
    if not told:
        return []
    speaks_for, against = (
        ", ".join(f"{share.words} ({share.contribution:+.2f})" for share in told if (share.contribution > 0) == is_for)
        for is_for in (True, False)
    )
    rest = sum(share.contribution for share in shares) - sum(share.contribution for share in told)
    parts = [speaks_for, f"against it {against}" if against else "", f"all else {rest:+.2f}"]
    return [f"What counted: {'; '.join(part for part in parts if part)}."]


def _rounds(answer: Answer) -> list[str]:
    """What an agent did beside writing."""
    rounds = answer.trace.rounds
    if not rounds:
        return []
    accepted = [each.gain for each in rounds if each.accepted and each.gain is not None]
    taken = f"took {len(accepted)} ({', '.join(f'{gain:+.2f}' for gain in accepted)})" if accepted else "took none"
    wanted = "; ".join(", ".join(dict.fromkeys(map(_wanted, each.criticised))) for each in rounds)
    return [f"An agent revised it in {len(rounds)} round{'s' * (len(rounds) > 1)}, for {wanted}, and {taken}."]


def _wanted(about: str) -> str:
    """What an answer was criticised for: an attribute by its name, a statement without its words."""
    return "something you said" if "-" in about else about


def _cost(answer: Answer) -> list[str]:
    """Of all calls, where there was more than the one that is seen."""
    cost = answer.trace.cost
    if cost is None or cost.calls < 2:
        return []
    took = f"{cost.prompt_tokens} tokens read, {cost.completion_tokens} written, {cost.seconds:.1f} s"
    return [f"It took {cost.calls} calls of the model: {took}."]


def _evidence(answer: Answer) -> str:
    seen, inferred = answer.trace.evidence, answer.trace.inferred
    given = seen - inferred
    learnt = f"Learnt from {given} piece{'s' if given > 1 else ''} of feedback" if given else "You gave no feedback yet"
    if inferred:
        return f"{learnt}; {inferred} weak {'signs' if inferred > 1 else 'sign'}, inferred as you allow, counted too."
    return f"{learnt}." if given else "You have judged no answer yet."


def _rule(verdict: Verdict) -> str:
    return f"{verdict.category} ({verdict.rule}), score {verdict.score:.2f}"


def _verdict(answer: Answer) -> str:
    verdict = answer.trace.request_verdict
    if verdict.action != "allow":
        return f"{verdict.category}, {verdict.action}"
    return f"nothing to object ({verdict.rule})" if verdict.rule else "nothing to object"
