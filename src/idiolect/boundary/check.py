"""Does a policy do what its own examples say? What `idiolect policy check` and the tests ask."""

from idiolect.boundary import Boundary
from idiolect.schema import as_messages


def failures(boundary: Boundary) -> list[str]:
    """A sentence for each example that is not noticed and each harmless text that is."""
    found: list[str] = []
    for category in boundary.policy.category:
        for text in category.examples:
            verdict = boundary.judge_request(as_messages(text))
            if category.action != "allow" and verdict.action == "allow":
                found.append(f"category {category.name!r} misses its example {text!r} (r_0 {verdict.score:.2f})")
        for text in category.harmless:
            verdict = boundary.judge_request(as_messages(text))
            if verdict.action in ("refuse", "helpline"):
                found.append(f"rule {verdict.rule!r} stops {text!r}, which category {category.name!r} calls harmless")
    return found
