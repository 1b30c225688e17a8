"""An HTTPS endpoint that costs little, in a process of its own: it reads a request and answers with one status.

    python -m tests.benchmarks.endpoint CERTIFICATE KEY STATUS

Prints its port. It ends with its standard input, and so with whoever started it.
"""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sender_sim.certs import DevelopmentKeys

__all__ = ["endpoint"]


@contextmanager
def endpoint(keys: DevelopmentKeys, status: int = 200) -> Iterator[str]:
    """One that runs until the end of the block; its URL."""
    arguments = [str(keys.tls_certificate), str(keys.tls_key), str(status)]
    command = [sys.executable, "-m", __name__, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"https://localhost:{int(process.stdout.readline())}/webhook"
        finally:
            process.stdin.close()


async def _serve(certificate: str, key: str, status: str) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    answer = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0])
            await reader.readexactly(length)
            writer.write(answer)
            await reader.read()  # until the client has gone
        except (asyncio.IncompleteReadError, OSError):
            return  # it has
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(answered, "127.0.0.1", 0, ssl=tls)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
