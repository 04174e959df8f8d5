"""A conversation in a terminal or a pipe: lines are prompts, lines that begin with / are about the answers."""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from idiolect.cli.memory.seeing import shortened
from idiolect.cli.show import learnt, note, safe, show_profile, show_why, stderr, write
from idiolect.errors import BadInput, IdiolectError
from idiolect.reward.elicitation import CONFIRM
from idiolect.schema import Answer, Feedback, Message, Profile

if TYPE_CHECKING:
    from idiolect.assistant import Assistant


class Conversation:
    """One person's conversation. Answers, profiles and reasons go to stdout, remarks to stderr."""

    def __init__(self, assistant: "Assistant", user: str, temporary: bool = False) -> None:
        self.assistant = assistant
        self.user = user
        self.temporary = temporary
        self.messages: list[Message] = []
        self.answer: Answer | None = None
        self.failures = 0
        self.is_over = False

    def run(self, source: TextIO) -> None:
        """Take lines until /quit or the end. What fails is said, and the conversation goes on."""
        for line in self._lines(source):
            try:
                self.take(line)
            except IdiolectError as error:
                self.failures += 1
                note(f"idiolect: {error}")
            except KeyboardInterrupt:
                note("\nstopped; /quit ends")
            if self.is_over:
                return

    def take(self, line: str) -> None:
        """One line: a command when it begins with /, else a prompt."""
        said = line.strip()
        if said.startswith("/"):
            name, _, rest = said[1:].partition(" ")
            if name not in COMMANDS:
                raise BadInput(f"there is no /{name}; there are: {', '.join('/' + known for known in COMMANDS)}")
            COMMANDS[name](self, rest.strip())
        elif said:
            self.say_to_model(said)

    def say_to_model(self, prompt: str) -> None:
        """Stream the answer; afterwards the conversation holds both turns."""
        asked = [*self.messages, Message(role="user", content=prompt)]
        with stderr().status("writing") as waiting:
            for piece in self.assistant.stream(self.user, asked, temporary=self.temporary):
                if isinstance(piece, Answer):
                    self.answer = piece
                elif piece:
                    waiting.stop()
                    write(piece)
        write("\n")
        if self.answer is not None:
            self.messages = [*asked, Message(role="assistant", content=self.answer.text)]
            if self.answer.is_cut:
                note(f"[cut at {self.answer.completion_tokens} tokens: --max-tokens sets how long an answer may be]")
            if self.answer.care:
                note(self.answer.care)
            self._ask_which(self.answer)

    def newest(self) -> Answer:
        """The answer that /commands speak of."""
        if self.answer is None:
            raise BadInput("there is no answer yet: ask something first")
        return self.answer

    def done(self, profile: Profile) -> None:
        """Say what feedback has taught."""
        note(learnt(profile))

    def _ask_which(self, answer: Answer) -> None:
        if answer.ask is None or answer.chosen is None:
            return
        rival = next(index for index in answer.ask if index != answer.chosen)
        question = CONFIRM if CONFIRM in answer.trace.notes else "which do you like better?"
        note(f"\n{question} this was {answer.chosen + 1}; here is {rival + 1}:\n")
        note(answer.candidates[rival].text)
        note(f"\n(/prefer {answer.chosen + 1} or /prefer {rival + 1})")

    def _lines(self, source: TextIO) -> Iterator[str]:
        if not source.isatty():
            yield from source
            return
        import readline  # noqa: F401 - imported for its effect: the arrow keys work in input()

        note(
            f"talking to {self.assistant.model.name}, an AI, which can be wrong. /help lists the commands, /quit ends."
        )
        while True:
            try:
                yield input(f"{self.user}> ")
            except (EOFError, KeyboardInterrupt):
                sys.stdout.write("\n")
                return


def prefer(conversation: Conversation, said: str) -> None:
    """/prefer N: of the candidates, number N is better than the one that was shown (or asked about)."""
    answer = conversation.newest()
    if not said.isdigit() or not 1 <= int(said) <= len(answer.candidates):
        raise BadInput(f"say /prefer and a number from 1 to {len(answer.candidates)}; /others shows them")
    liked = int(said) - 1
    if liked != answer.chosen and answer.chosen is not None:
        over = [answer.chosen]
    elif answer.ask is not None:
        over = [index for index in answer.ask if index != liked]
    else:
        over = [index for index in range(len(answer.candidates)) if index != liked]
    if not over:
        raise BadInput("there was only this candidate: /up or /down rates it")
    ids = tuple(answer.candidates[index].id for index in over)
    choice = Feedback(kind="choice", answer=answer.candidates[liked].id, over=ids)
    conversation.done(conversation.assistant.feedback(conversation.user, choice))


def others(conversation: Conversation, _: str) -> None:
    """/others: all candidates, numbered."""
    answer = conversation.newest()
    for index, candidate in enumerate(answer.candidates):
        shown = " (shown)" if index == answer.chosen else ""
        write(f"[{index + 1}]{shown} {safe(candidate.text)}\n\n")


def up(conversation: Conversation, _: str) -> None:
    """/up: a good answer."""
    conversation.done(conversation.assistant.rate(conversation.user, conversation.newest(), "up"))


def down(conversation: Conversation, _: str) -> None:
    """/down: a bad answer."""
    conversation.done(conversation.assistant.rate(conversation.user, conversation.newest(), "down"))


def say(conversation: Conversation, text: str) -> None:
    """/say TEXT: something about yourself, or how you like your answers ("/say keep it short")."""
    conversation.done(conversation.assistant.say(conversation.user, text))


def profile(conversation: Conversation, _: str) -> None:
    """/profile: what is believed of you."""
    assistant, user = conversation.assistant, conversation.user
    show_profile(assistant.profile(user), shortened(assistant.store.user(user)))


def why(conversation: Conversation, _: str) -> None:
    """/why: why you got this answer."""
    show_why(conversation.newest())


def help_(conversation: Conversation, _: str) -> None:
    """/help: this list."""
    note("\n".join((command.__doc__ or "").strip() for command in COMMANDS.values()))


def leave(conversation: Conversation, _: str) -> None:
    """/quit: end the conversation."""
    conversation.is_over = True


COMMANDS: dict[str, Callable[[Conversation, str], None]] = {
    "prefer": prefer,
    "others": others,
    "up": up,
    "down": down,
    "say": say,
    "profile": profile,
    "why": why,
    "help": help_,
    "quit": leave,
}
