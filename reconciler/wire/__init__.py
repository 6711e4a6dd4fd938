"""The one HTTP door: every byte from the network comes through a `Wire`, bounded in size and time.

HTTP/1.1 (RFC 9110, RFC 9112) by httpx and httpcore. Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...), `SSL_CERT_FILE` and `~/.netrc` are taken
from the environment, as pip and curl do. What the libraries leave open is decided here:

- `door.py`         retries, redirects, conditional requests: `Wire`
- `answers.py`      what an answer means, and its bounds in size: gzip is unpacked in steps, downloads ask for no coding
- `addresses.py`    which addresses may be followed from where; how they are shown
- `credentials.py`  which secret goes to which host: by the host's name in the environment, never by what feeds.yaml says
- `cache.py`        pages of earlier passes, asked for again only if they have changed
- `transport.py`    connections and proxies; every wait ends at the deadline of the request, headers that drip included

What is posted is sent once: nobody knows whether a try that failed was carried out. Only 404 and 410 mean "there is none". Messages show addresses without user name, password and query.
"""

from reconciler.wire.addresses import is_internal, redacted, redirect_target, with_credentials, without_credentials
from reconciler.wire.answers import MAX_INDEX_BYTES, MAX_RETRY_AFTER, Downloaded, Reply, copy
from reconciler.wire.credentials import token_variable
from reconciler.wire.door import MAX_REDIRECTS, TRIES, Timeouts, Wire

__all__ = [
    "MAX_INDEX_BYTES",
    "MAX_REDIRECTS",
    "MAX_RETRY_AFTER",
    "TRIES",
    "Downloaded",
    "Reply",
    "Timeouts",
    "Wire",
    "copy",
    "is_internal",
    "redacted",
    "redirect_target",
    "token_variable",
    "with_credentials",
    "without_credentials",
]
