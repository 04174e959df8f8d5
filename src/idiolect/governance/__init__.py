"""What an operator must be able to say of a deployment: what is kept of whom, why, for how long, and who was shown it.

It stands above the loop and is used by faces alone: it looks at the memory, the boundary and the settings together,
which no room below may.
"""

from idiolect.governance.drawing import as_html, as_markdown
from idiolect.governance.report import Report, report

__all__ = ["Report", "as_html", "as_markdown", "report"]
