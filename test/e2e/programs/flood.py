"""Sends datagrams to where they may not go, as fast as it can.

flood.py ADDRESS PORT SECONDS MARK
Writes `flooding`, and when the time is over `refused COUNT`.
"""
import socket
import sys
import time

to, seconds = (sys.argv[1], int(sys.argv[2])), float(sys.argv[3])
print("flooding", flush=True)
refused = 0
end = time.monotonic() + seconds
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    while time.monotonic() < end:
        for _ in range(100):
            try:
                peer.sendto(b"x", to)
            except PermissionError:
                refused += 1
print("refused", refused, flush=True)
