"""Asks a DNS server for a name's IPv4 address and writes it: ask.py SERVER NAME (RFC 1035 section 4)"""
import socket
import sys

server, name = sys.argv[1], sys.argv[2]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(5)
peer.connect((server, 53))
peer.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question)
print(socket.inet_ntoa(peer.recv(512)[-4:]), flush=True)
