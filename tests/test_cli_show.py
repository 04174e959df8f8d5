from idiolect.cli.show import BAR, bar, deciding, learnt, safe, shortened
from idiolect.schema import Profile, Share, Taste


def test_a_bar_has_its_mean_in_its_range_and_zero_in_the_middle() -> None:
    assert bar(0.0, 0.0, 1.0) == " " * 12 + "●" + " " * 12
    assert bar(1.0, 0.0, 1.0) == " " * 12 + "│" + " " * 11 + "●"
    assert bar(-0.5, 0.0, 1.0) == " " * 6 + "●" + " " * 5 + "│" + " " * 12
    assert bar(0.5, 0.1, 1.0) == " " * 12 + "│" + " " * 3 + "──●──" + " " * 4


def test_a_bar_never_leaves_its_cells() -> None:
    assert {len(bar(mean, sd, 1.0)) for mean in (-9.0, 0.0, 9.0) for sd in (0.0, 9.0)} == {BAR}


def test_a_models_words_cannot_steer_the_terminal() -> None:
    assert safe("\x1b[31mred\x07\x9b2J\r\nnew line\tand tab, ünïcode 😊") == "[31mred2J\nnew line\tand tab, ünïcode 😊"


def test_a_shortened_text_is_one_line() -> None:
    assert shortened("a\n  b\tc") == "a b c"
    assert shortened("x" * 73) == "x" * 71 + "…"


def test_what_was_learnt_names_the_surest_taste() -> None:
    unsure = Taste(attribute="warmth", mean=1.0, sd=1.0, description="", confident=False)
    surer = Taste(attribute="length", mean=-0.5, sd=0.25, description="", confident=True)
    profile = Profile(user="ana", evidence=2, tastes=(unsure, surer), preferences=(), space="1")
    assert learnt(profile) == "noted: 2 pieces of feedback; surest taste so far: length -0.50 ± 0.25"
    assert learnt(profile.model_copy(update={"evidence": 0})) == "noted"


def test_what_decided_and_was_said_in_the_conversation_is_told_without_an_id() -> None:
    said = Share(attribute="here-1", words="a limit that you set", weight=3.0, value=0.9, contribution=2.7)
    kept = said.model_copy(update={"attribute": "evt-3f0c2a91"})
    assert deciding(said, {}) == "a limit that you set, in this conversation"
    assert deciding(kept, {"evt-3f0c2a91": "3f0c2a"}) == "a limit that you set (3f0c2a)"
    assert deciding(said.model_copy(update={"attribute": "length"}), {}) == "length"
