"""Cutting a connection under a thread that is blocked in it, when whoever asked has left.

httpx closes a response only once there is one; an endpoint that does not stream sends nothing before its answer is
whole. So each socket notes which thread uses it, and can be shut down from outside.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread, get_ident

import httpcore
import httpx

LOOK_S = 0.1  # between two looks at who has left


def shut(stream: httpcore.NetworkStream | None) -> None:
    """End a connection; a thread that reads or writes it fails at once."""
    raw = stream.get_extra_info("socket") if stream else None
    if isinstance(raw, socket.socket):
        with suppress(OSError):  # the other side was faster
            raw.shutdown(socket.SHUT_RDWR)


class _Noted(httpcore.NetworkStream):
    """A connection that notes the thread which uses it."""

    def __init__(self, stream: httpcore.NetworkStream, users: dict[int, httpcore.NetworkStream]) -> None:
        self._stream = stream
        self._users = users

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._users[get_ident()] = self._stream
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._users[get_ident()] = self._stream
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Noted(self._stream.start_tls(ssl_context, server_hostname, timeout), self._users)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class Cutter(httpcore.NetworkBackend):
    """Opens connections, and cuts the one that a thread is using."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self._users: dict[int, httpcore.NetworkStream] = {}

    def connect_tcp(  # noqa: D102 - the protocol's
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Noted(stream, self._users)

    def sleep(self, seconds: float) -> None:  # noqa: D102 - the protocol's
        self._backend.sleep(seconds)

    def cut(self, thread: int) -> None:
        """Shut what this thread is using."""
        shut(self._users.get(thread))

    def leave(self) -> None:
        """The calling thread is done: what it used may be used by another."""
        self._users.pop(get_ident(), None)

    def serve(self, client: httpx.Client) -> None:
        """Open the connections of a client from now on."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self


class Watch:
    """One thread that looks ten times a second at who has left, and ends what is done for them."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[Event, Callable[[], None]]] = {}
        self._lock = threading.Condition()
        self._thread: Thread | None = None

    @contextmanager
    def over(self, stops: Iterable[Event | None], end: Callable[[], None]) -> Iterator[None]:
        """Call `end` when one of the events is set inside, again and again until the block has ended."""
        numbers = [self._add(stop, end) for stop in stops if stop is not None]
        try:
            yield
        finally:
            with self._lock:
                for number in numbers:
                    del self._watched[number]

    def _add(self, stop: Event, end: Callable[[], None]) -> int:
        with self._lock:
            number = next(at for at in range(len(self._watched) + 1) if at not in self._watched)
            self._watched[number] = (stop, end)
            if self._thread is None:
                self._thread = Thread(target=self._look, name="idiolect-watch", daemon=True)
                self._thread.start()
            self._lock.notify()
        return number

    def _look(self) -> None:
        while True:
            with self._lock:
                while not self._watched:
                    self._lock.wait()
                for stop, end in list(self._watched.values()):
                    if stop.is_set():  # under the lock: nobody ends what another has begun on the same connection
                        end()
            threading.Event().wait(LOOK_S)
