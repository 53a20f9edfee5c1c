"""Sends a datagram five times a second from a connected socket, and tells what became of each.

beat.py ADDRESS PORT MARK
"""
import errno
import socket
import sys
import time

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.connect((sys.argv[1], int(sys.argv[2])))
    for _ in range(300):
        try:
            peer.send(b"x")
            print("sent", flush=True)
        except OSError as error:
            print(errno.errorcode.get(error.errno, error), flush=True)
        time.sleep(0.2)
