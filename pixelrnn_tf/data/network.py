"""Test if hosts can be reached, with a short timeout."""

import queue
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterable

SECONDS = 3.0
PORTS = {"http": 80, "https": 443, "ftp": 21}


def can_reach(addresses: Iterable[str], seconds: float = SECONDS) -> bool:
    """Return True if one of the hosts of some URLs accepts a connection.

    With a proxy, or without any host in the URLs, nothing is tried and the result is True.
    """
    parts = [urllib.parse.urlsplit(address) for address in addresses]
    known = [part for part in parts if part.hostname and part.scheme in PORTS]
    hosts = {(str(part.hostname), part.port or PORTS[part.scheme]) for part in known}
    if not hosts or urllib.request.getproxies():
        return True
    answers: queue.Queue[bool] = queue.Queue()

    def connect(host: tuple[str, int]) -> None:
        try:
            socket.create_connection(host, seconds).close()
            answers.put(True)
        except OSError:
            answers.put(False)

    for host in hosts:
        # A name lookup may take minutes and cannot be interrupted.
        threading.Thread(target=connect, args=[host], daemon=True).start()
    try:
        return any(answers.get(timeout=seconds) for _ in hosts)
    except queue.Empty:
        return False
