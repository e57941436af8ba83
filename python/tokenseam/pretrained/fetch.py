"""One file over HTTP, with limits on everything."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from tokenseam.errors import DownloadError
from tokenseam.pretrained.cache import MAX_BYTES

__all__ = ["Fetched", "MissingFromHost", "fetch"]

#: Seconds without a byte, and seconds for the whole file.
TIMEOUT = 30.0
DEADLINE = 600.0
#: Waits before trying again what may pass: 5xx, 429, a broken connection.
PAUSES = (1.0, 3.0)

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MissingFromHost(DownloadError):
    """The host has no such file."""


@dataclass
class Fetched:
    """A file and what its headers said, of the first answer that said it:
    the hub names a file's hash before it redirects to its storage."""

    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


def fetch(url: str, *, token: str | None = None) -> Fetched:
    """Fetches a URL.

    Args:
        url: ``https``, or ``http``.
        token: a bearer token; it goes to this URL's host only, and never over
            plain HTTP except to this machine.

    Raises:
        MissingFromHost: the host has no such file.
        DownloadError: it cannot be had for another reason.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DownloadError(f"cannot fetch {url}: not an http or https URL")
    if token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise DownloadError(f"cannot fetch {url}: a token is not sent over plain HTTP; use https")
    for attempt in range(len(PAUSES) + 1):
        try:
            return _once(url, token)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, DownloadError):
                raise
            if attempt == len(PAUSES) or not _may_pass(error):
                raise DownloadError(f"cannot fetch {url}: {_reason(error)}") from error
            time.sleep(PAUSES[attempt])
    raise AssertionError("unreachable")


def _once(url: str, token: str | None) -> Fetched:
    headers = {"User-Agent": "tokenseam", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=headers)
    if token:
        # "Unredirected": it stays with this host.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    until = time.monotonic() + DEADLINE
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            data = _body(response, url, until)
            redirects.note(response.headers)
            return Fetched(data, redirects.seen)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise MissingFromHost(f"cannot fetch {url}: there is no such file (404)") from None
            if error.code in (401, 403):
                advice = "was refused" if token else "needs a token: set HF_TOKEN"
                raise DownloadError(
                    f"cannot fetch {url}: access {advice} ({error.code}); the model may be gated "
                    f"or private, or not exist"
                ) from None
        raise


def _body(response: http.client.HTTPResponse, url: str, until: float) -> bytes:
    too_large = f"cannot fetch {url}: it has more than {MAX_BYTES >> 20} MiB"
    declared = response.headers.get("Content-Length")
    expected = int(declared) if declared is not None and declared.isdecimal() else None
    if expected is not None and expected > MAX_BYTES:
        raise DownloadError(too_large)
    data = bytearray()
    while chunk := response.read1(1 << 20):
        data += chunk
        if len(data) > MAX_BYTES:
            raise DownloadError(too_large)
        if time.monotonic() > until:
            raise DownloadError(f"cannot fetch {url}: it took more than {DEADLINE:.0f} seconds")
    if expected is not None and len(data) != expected:
        raise http.client.IncompleteRead(b"", expected - len(data))
    return bytes(data)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, remembers their headers, and does not leave HTTPS."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def note(self, headers: Message) -> None:
        for name, value in headers.items():
            self.seen.setdefault(name.lower(), value)

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        self.note(headers)
        target = urlsplit(urljoin(req.full_url, newurl))
        if req.type == "https" and target.scheme != "https":
            raise DownloadError(
                f"cannot fetch {req.full_url}: it redirects from https to {target.scheme}"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code == 429 or error.code >= 500
    return not isinstance(error, http.client.InvalidURL)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} seconds"
    if isinstance(error, http.client.IncompleteRead):
        return f"the connection broke, {error.expected} bytes before the end"
    return str(error) or type(error).__name__
