"""A model's words as HTML that can do nothing: no raw HTML, no images, links to the web and to mail only."""

from collections.abc import MutableMapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

SCHEMES = ("http://", "https://", "mailto:")


def to_html(text: str) -> Markup:
    """Markdown without raw HTML and images; single line breaks are kept, as people write them."""
    return Markup(_PARSER.render(text))  # noqa: S704 - the parser escapes everything that it did not write itself


def _is_harmless(url: str) -> bool:
    return url.strip().lower().startswith(SCHEMES)


def _link(
    self: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, _env: MutableMapping[str, object]
) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return str(self.renderToken(tokens, index, options, _env))  # type: ignore[attr-defined] # the protocol leaves it out


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.disable("image")
    parser.validateLink = _is_harmless  # type: ignore[method-assign] # the way that the library documents
    parser.add_render_rule("link_open", _link)
    return parser


_PARSER = _parser()
