"""One request, one attempt: the test request of C10, and `send`."""

import ssl
from datetime import datetime

from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.exchange import Exchange
from sender_sim.transports import HttpsTransport

__all__ = ["post_once"]


async def post_once(request: Request, tls: ssl.SSLContext, now: datetime) -> Exchange:
    """Send a request once."""
    async with HttpsTransport.open(tls) as transport:
        return Exchange(request, await transport.send(Attempt("once", 1, now, request)))
