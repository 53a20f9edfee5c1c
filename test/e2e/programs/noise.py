"""Many connections at once to a port, which say nothing. `noise.py silent|tls ADDRESS PORT COUNT`
Prints how many there were, how many of them were left when no more was closed for two seconds, and after how long the last was closed."""
import json, select, socket, ssl, sys, time

kind, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
began = time.monotonic()
sockets = [socket.create_connection((address, port), 20) for _ in range(count)]
if kind == 'tls':
    secured = []
    for one in sockets:
        try:
            secured.append(context.wrap_socket(one))
        except OSError:
            one.close()
    sockets = secured
for one in sockets:
    one.setblocking(False)
left, told, changed = set(sockets), False, time.monotonic()
while left and time.monotonic() - began < 60:
    if not told and time.monotonic() - changed > 2:
        told = True
        print(json.dumps({'count': count, 'left': len(left)}), flush=True)
    for one in select.select(list(left), [], [], 0.2)[0]:
        try:
            ended = one.recv(4096) == b''
        except (ssl.SSLWantReadError, BlockingIOError):
            continue
        except OSError:
            ended = True
        if ended:
            left.remove(one)
            changed = time.monotonic()
            one.close()
print(json.dumps({'count': count, 'left': len(left), 'seconds': round(time.monotonic() - began, 1)}), flush=True)
