"""Tries to make one decision speak for another: evade.py WAY ADDRESS PORT MARK [OTHER]

Writes what each call said, `ok` or `errno NAME`, and for TCP what was read.
"""
import ctypes
import errno
import os
import socket
import sys
import time

way, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
v6 = ":" in address
family = socket.AF_INET6 if v6 else socket.AF_INET
LOOPBACK = "::1" if v6 else "127.0.0.1"
libc = ctypes.CDLL(None, use_errno=True)


def told(what, call, *args):
    try:
        call(*args)
        print(what, "ok", flush=True)
    except OSError as error:
        print(what, "errno", errno.errorcode.get(error.errno, error), flush=True)


def dissolve(peer):
    """connect(AF_UNSPEC), which Python does not offer: it ends the association, and no hook sees it."""
    if libc.connect(peer.fileno(), b"\0" * 16, 16):
        raise OSError(ctypes.get_errno(), "dissolve")


def datagram():
    return socket.socket(family, socket.SOCK_DGRAM)


def by_another_name():
    """The last destination that a hook let pass is another than the connected one."""
    with datagram() as peer:
        told("connect", peer.connect, (address, port))
        told("sendto", peer.sendto, b"x", (LOOPBACK, 9))
        for _ in range(3):
            told("send", peer.send, b"evaded")


def by_a_failed_connect():
    """The last connect that a hook let pass failed, and the socket keeps the peer that it had."""
    with datagram() as peer:
        told("connect", peer.connect, (address, port))
        told("broadcast", peer.connect, ("127.255.255.255", 9))
        for _ in range(3):
            told("send", peer.send, b"evaded")


def by_the_proxy():
    """A socket that was redirected once goes to the proxy by itself, for the destination it had."""
    peer = socket.socket(family, socket.SOCK_STREAM)
    told("connect", peer.connect, (address, port))
    told("dissolve", dissolve, peer)
    time.sleep(0.3)
    told("again", peer.connect, (LOOPBACK, int(sys.argv[5])))


{"name": by_another_name, "failed": by_a_failed_connect, "proxy": by_the_proxy}[way]()
os._exit(0)
