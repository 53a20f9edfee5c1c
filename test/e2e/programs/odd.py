"""Makes a socket that the connect and sendmsg hooks do not see, and sends by it: odd.py KIND ADDRESS MARK

`forged` sends the first segment of a TCP connection as a frame made by hand: odd.py forged ADDRESS MARK SOURCE PORT.
Writes `refused ERRNO` where the socket is not made, `made` where it is.
"""
import errno
import socket
import struct
import sys

kind, address = sys.argv[1], sys.argv[2]
v6 = ":" in address
family = socket.AF_INET6 if v6 else socket.AF_INET
UDPLITE, SCTP, DCCP = 136, 132, 33
FRAME = b"\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5" + b"hopline" * 8


def forged(source, destination, port):
    segment = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 0x02, 1024, 0, 0)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    if v6:
        return FRAME[:12] + struct.pack("!HIHBB", 0x86DD, 6 << 28, len(segment), 6, 64) + ends + segment
    header = struct.pack("!HBBHHHBBH", 0x0800, 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0)
    return FRAME[:12] + header + ends + segment


KINDS = {
    "udplite": (family, socket.SOCK_DGRAM, UDPLITE),
    "ping": (family, socket.SOCK_DGRAM, 58 if v6 else 1),
    "sctp": (family, socket.SOCK_STREAM, SCTP),
    "dccp": (family, 6, DCCP),
    "raw": (family, socket.SOCK_RAW, 253),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "forged": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "vsock": (getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM, 0),
}
try:
    made = socket.socket(*KINDS[kind])
except OSError as error:
    print("refused", errno.errorcode.get(error.errno, error), flush=True)
    sys.exit(0)
print("made", flush=True)
try:
    if kind in ("packet", "forged"):
        made.bind(("eth0", 0))
        made.send(FRAME if kind == "packet" else forged(sys.argv[4], address, int(sys.argv[5])))
    elif kind == "vsock":
        made.settimeout(2)
        made.connect((2, 9999))
    elif kind in ("sctp", "dccp"):
        made.connect((address, 9999))
    else:
        echo = b"\x80" if v6 else b"\x08"
        made.sendto(echo + b"\0hopline" if kind == "ping" else b"hopline", (address, 0 if kind == "raw" else 9999))
    print("sent", flush=True)
except OSError as error:
    print("errno", errno.errorcode.get(error.errno, error), flush=True)
