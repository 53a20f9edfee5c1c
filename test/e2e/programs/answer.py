"""Answers on a Unix socket, or asks there. Arguments: the path, with `ask` before it to ask."""

import socket
import sys

*how, path = sys.argv[1:]
local = socket.socket(socket.AF_UNIX)
if how:
    local.connect(path)
    local.sendall(b"asked")
    print(local.recv(100).decode())
else:
    local.bind(path)
    local.listen()
    while True:
        with local.accept()[0] as one:
            one.recv(100)
            one.sendall(b"answered")
