"""Leaves its login by a double fork, executes nothing, and connects when the login is over.

detached.py ADDRESS PORT GATE MARK: waits until the file GATE is there, three minutes at most
"""
import os
import socket
import sys
import time

if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
null = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2):
    os.dup2(null, fd)
for _ in range(1800):
    if os.path.exists(sys.argv[3]):
        break
    time.sleep(0.1)
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as peer:
    peer.sendall(b"GET /detached HTTP/1.0\r\n\r\n")
    while peer.recv(65536):
        pass
