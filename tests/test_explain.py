"""The sentences that say why an answer was given."""

from idiolect.schema import Answer, Candidate, Share, Trace, Verdict

FINE = Verdict(score=1.0)


def answer(*contributions: float) -> Answer:
    """One of two candidates was chosen; each contribution is of another attribute."""
    shares = tuple(
        Share(attribute=f"a{i}", words=f"word {i}", weight=1.0, value=each, contribution=each)
        for i, each in enumerate(contributions)
    )
    trace = Trace(method="plain", model="scripted", request_verdict=FINE, shares=shares, evidence=3)
    candidates = tuple(Candidate(id=f"c-{i}", text="Soup.", reward=sum(contributions), verdict=FINE) for i in range(2))
    return Answer(id="a", user="ana", text="Soup.", candidates=candidates, chosen=0, trace=trace)


def test_what_spoke_against_the_chosen_answer_is_told_apart_and_the_numbers_add_up() -> None:
    told = "What counted: word 0 (+0.50); against it word 1 (-0.30); all else +0.00."
    assert told in answer(0.5, -0.3).why()


def test_an_answer_that_only_less_was_held_against_says_so() -> None:
    assert "What counted: against it word 0 (-0.25); all else +0.01." in answer(-0.25, 0.01).why()
