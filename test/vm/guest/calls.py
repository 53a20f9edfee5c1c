"""What a person's script does in a guest, one connection after the other: calls.py ADDRESS4 ADDRESS6 DENIED4 URING

Prints a JSON object: for each call what came of it, a page's text or the name of the error.
"""
import errno
import json
import socket
import subprocess
import sys

v4, v6, denied, uring = sys.argv[1:5]
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
UDPLITE, MPTCP = 136, 262


def curl(url):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", url], capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip()


def ring(mode, address):
    done = subprocess.run([uring, mode, address, "80", "uring"], capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def tcp(address, port, protocol=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, protocol) as peer:
        peer.settimeout(60)
        peer.connect((address, port))
        if peer.getpeername()[:2] != (address, port):
            return f"another peer: {peer.getpeername()}"
        peer.sendall(REQUEST)
        answer = b""
        while chunk := peer.recv(4096):
            answer += chunk
        return answer.decode().rpartition("\r\n\r\n")[2].strip()


def udp(address, port, protocol=0):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM, protocol) as peer:
        peer.sendto(b"hopline", (address, port))
    return "sent"


CALLS = {
    "curl4": lambda: curl(f"http://{v4}/"),
    "curl6": lambda: curl(f"http://[{v6}]/"),
    "name": lambda: curl("http://web.guest/"),
    "direct4": lambda: tcp(v4, 81),
    "direct6": lambda: tcp(v6, 81),
    "denied": lambda: tcp(denied, 8200),
    "mptcp4": lambda: tcp(v4, 80, MPTCP),
    "mptcp6": lambda: tcp(v6, 80, MPTCP),
    "uring": lambda: ring("plain", v4),
    "sqpoll": lambda: ring("sqpoll", v6),
    "udp4": lambda: udp(v4, 9999),
    "udp6": lambda: udp(v6, 9999),
    "quic": lambda: udp(v4, 443),
    "udplite": lambda: udp(v4, 9999, UDPLITE),
}


def outcome(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


print(json.dumps({name: outcome(call) for name, call in CALLS.items()}), flush=True)
