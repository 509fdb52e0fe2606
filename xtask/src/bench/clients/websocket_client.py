import asyncio
import resource
import sys
from urllib.parse import urlsplit

url, count = urlsplit(sys.argv[1]), int(sys.argv[2])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
PING = b"\x89\x80\x00\x00\x00\x00"


async def connect(gate):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
        writer.write(
            f"GET /socket HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: {url.scheme}://{url.netloc}\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        return (reader, writer) if head.startswith(b"HTTP/1.1 101") else None


async def alive(socket):
    reader, writer = socket
    writer.write(PING)
    try:
        return bool(await asyncio.wait_for(reader.read(2), 30))
    except (ConnectionError, asyncio.TimeoutError):
        return False


async def main():
    gate = asyncio.Semaphore(64)
    sockets = [socket for socket in await asyncio.gather(*(connect(gate) for _ in range(count))) if socket]
    print(len(sockets), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(sum(await asyncio.gather(*map(alive, sockets))), flush=True)


asyncio.run(main())
