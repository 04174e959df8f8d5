"""What is fitted once for all people: sampling, token values, the preference space. Progress goes to stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from rich.progress import track

from idiolect.alignment.decoding.fit_values import fit as fit_values
from idiolect.alignment.decoding.fit_values import own_samples
from idiolect.cli.options import opened_model
from idiolect.cli.show import console, note, stderr, table, working
from idiolect.errors import BadInput, DataError
from idiolect.features.embedder import open_embedder
from idiolect.features.space import PreferenceSpace, fit_space, read_answers
from idiolect.generation.encoding.fit_soft_prompt import Training
from idiolect.generation.encoding.fit_soft_prompt import fit as train_soft_prompt
from idiolect.generation.encoding.fit_steering import TOKENS, Wanted
from idiolect.generation.encoding.fit_steering import fit as fit_steering
from idiolect.generation.encoding.trials import Design, Tell, own_answers
from idiolect.generation.fit_token_values import fit
from idiolect.generation.token_samples import append_samples, draw_samples, read_samples
from idiolect.models import WhiteBox
from idiolect.models.llamacpp import LlamaCpp
from idiolect.settings import Settings

SHOWN = 12  # attributes
ASKED, ANSWERS = 48, 8  # prompts, and answers to each, where none are given


def sampled(settings: Settings, prompts: Path | None, answers: int, seed: int, output: Path) -> None:
    """Draw answers to every prompt that the file has none of."""
    wanted = _prompts(prompts)
    known = {sample.prompt for sample in read_samples(output)} if output.exists() else set()
    missing = [prompt for prompt in wanted if prompt not in known]
    with opened_model(settings, answers + 1) as model:
        drawn = draw_samples(model, missing, answers, settings.sampling.model_copy(update={"seed": seed}))
        for samples in track(drawn, "sampling", total=len(missing), console=stderr()):
            append_samples(samples, output)
    note(f"{output} holds answers to {len(wanted)} prompts")


def fitted_token_values(settings: Settings, samples: Path, output: Path) -> None:
    """Fit and write; show how well each attribute is predicted on prompts left out of the fit."""
    drawn = read_samples(samples)
    embedder = open_embedder(settings.embedder)
    with opened_model(settings) as model, working("fitting token values"):
        if not isinstance(model, LlamaCpp):
            raise BadInput(f"{model.name} does not spell its tokens: fit token values to a model in a GGUF file")
        made = fit(drawn, PreferenceSpace.shipped(), embedder, model.fingerprint, model.spell)
    made.save(output)
    best = sorted(made.about.correlation.items(), key=lambda pair: -pair[1])[:SHOWN]
    rows = [(name, f"{correlation:+.2f}") for name, correlation in best]
    console().print(
        table(f"{len(made.tokens)} tokens in {output}", ("attribute", "correlation, left-out prompts"), rows)
    )


def fitted_steering(settings: Settings, samples: Path | None, wanted: Wanted, output: Path) -> None:
    """Fit and write; show what each vector does, on prompts left out of the fit."""
    with _inside(settings) as (model, tell):
        answers = _read_or_asked(model, samples, tell)
        made = fit_steering(model, answers, PreferenceSpace.shipped(), tell=tell, wanted=wanted)
    made.save(output)
    rows = [
        (name, str(each.layer), f"{each.correlation:+.2f}", _said(each.moved), _said(each.rise))
        for name, each in sorted(made.about.attributes.items(), key=lambda pair: -pair[1].correlation)
    ]
    titles = ("attribute", "layer", "correlation", "moved, sd", "rise of the nats a token")
    console().print(table(f"{len(rows)} vectors in {output}", titles, rows))


def fitted_soft_prompt(settings: Settings, samples: Path | None, steps: int, output: Path) -> None:
    """Train and write; tell what was won on prompts left out."""
    with _inside(settings) as (model, tell):
        answers = _read_or_asked(model, samples, tell)
        made = train_soft_prompt(model, answers, PreferenceSpace.shipped(), Training(steps=steps), tell)
    made.save(output)
    note(f"{output}: liked answers to prompts left out gained {made.about.gain:+.4f} nats a token on the others")


def fitted_values(settings: Settings, samples: Path | None, output: Path) -> None:
    """Fit and write; show how well each attribute is predicted on prompts left out of the fit."""
    with _inside(settings) as (model, tell):
        drawn = read_samples(samples) if samples else own_samples(model, _prompts(None)[:ASKED], ANSWERS, tell)
        made = fit_values(model, drawn, PreferenceSpace.shipped(), tell)
    made.save(output)
    about = made.about
    rows = [
        (name, f"{about.correlation[name]:+.2f}", f"{about.of_tokens[name]:+.2f}")
        for name in sorted(about.names, key=lambda each: -about.correlation[each])[:SHOWN]
    ]
    titles = ("attribute", "correlation, left-out prompts", "by tokens alone")
    console().print(table(f"from {about.answers} answers, in {output}", titles, rows))


@contextmanager
def _inside(settings: Settings) -> Iterator[tuple[WhiteBox, Tell]]:
    """The settings' model, open, and what shows how far a fit is."""
    with opened_model(settings) as model, stderr().status("") as status:
        if not isinstance(model, WhiteBox):
            raise BadInput(f"{model.name} is not open; this is fitted to a model named transformers:NAME")
        yield model, lambda what, share: status.update(f"{what}: {share:.0%}")


def _read_or_asked(model: WhiteBox, samples: Path | None, tell: Tell) -> dict[str, list[str]]:
    design = Design(_prompts(None)[:ASKED], ANSWERS, TOKENS)
    return read_answers(samples) if samples else own_answers(model, design, tell)


def fitted_space(settings: Settings, samples: Path, output: Path) -> None:
    """Fit and write the statistics."""
    answers = read_answers(samples)
    with working("fitting the preference space"):
        made = fit_space(answers, open_embedder(settings.embedder))
    made.save(output)
    note(f"{output}: version {made.version}, from {made.answers} answers to {made.prompts} prompts")


def _said(figure: float | None) -> str:
    return "" if figure is None else f"{figure:+.2f}"


def _prompts(file: Path | None) -> list[str]:
    try:
        text = (file or files("idiolect").joinpath("resources", "prompts.txt")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as prompts, one on each line: {error}") from error
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
