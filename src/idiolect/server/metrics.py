"""Numbers for Prometheus, at /metrics: counts and times, never a text and never a person's id."""

import time
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idiolect.schema import Answer, Verdict

STEPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)  # seconds
NAMESPACE = "idiolect"
NOWHERE = "none"  # the route of a path that there is not

router = APIRouter(tags=["Operations"])


class Metrics:
    """Of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests that were answered.", "method", "route", "status")
        self._seconds = self._times("request_seconds", "From a request to the end of its answer.", "route")
        self._steps = self._times("step_seconds", "Of a turn, by its steps.", "step")
        self._turns = self._counter(
            "turns", "By whether something was recalled, and tastes known.", "recalled", "tastes"
        )
        self._tokens = self._counter("tokens", "Of the model, of answers that were not shown too.", "kind")
        self._calls = self._counter("model_calls", "Of the model.")
        self._dollars = self._counter("dollars", "What endpoints with a price took.")
        self._bounds = self._counter(
            "boundary_events", "Requests and answers not simply allowed.", "of", "category", "action"
        )

    def answered(self, answer: Answer) -> None:
        """Count a turn."""
        trace = answer.trace
        self._turns.labels(_said(bool(trace.recalled)), _said(trace.evidence > 0)).inc()
        for step, milliseconds in trace.milliseconds.items():
            self._steps.labels(step).observe(milliseconds / 1000)
        if trace.cost is not None:
            self._calls.inc(trace.cost.calls)
            self._tokens.labels("prompt").inc(trace.cost.prompt_tokens)
            self._tokens.labels("completion").inc(trace.cost.completion_tokens)
            self._dollars.inc(trace.cost.dollars or 0.0)
        self._bound("request", trace.request_verdict)
        dropped = [each.verdict for each in answer.candidates if each.verdict.action == "refuse"]
        for verdict in (trace.answer_verdict, *dropped):
            if verdict is not None:
                self._bound("answer", verdict)

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, namespace=NAMESPACE, registry=self.registry)

    def _times(self, name: str, told: str, *labels: str) -> Histogram:
        return Histogram(name, told, labels, namespace=NAMESPACE, registry=self.registry, buckets=STEPS)

    def _bound(self, of: str, verdict: Verdict) -> None:
        if verdict.action != "allow":
            self._bounds.labels(of, verdict.category or "other", verdict.action).inc()


@dataclass(frozen=True)
class Measured:
    """Counts each request with the route that answered it and the time it took, streams to their end."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count once it is done."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", NOWHERE)
            self.metrics.requested(scope["method"], route, status, time.perf_counter() - start)


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Requests, turns, steps, tokens and what the boundary did, in the text form of Prometheus."""
    held = request.app.state.metrics
    assert isinstance(held, Metrics)
    return Response(generate_latest(held.registry), media_type=CONTENT_TYPE_LATEST)


def _said(is_so: bool) -> str:
    return "yes" if is_so else "no"
