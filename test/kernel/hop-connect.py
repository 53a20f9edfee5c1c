"""
For each line of JSON opens a TCP connection and answers with a line: the local end, and how each connect ended.
{"to": [[address, port], ...], "family": 4|6, "proto": 0, "fastopen": false, "seconds": 2, "port": 0, "reset": false}:
several are tried on one socket, one after another. {"listen": [address, port]}: listens there and takes nothing.
"""
import errno, json, socket, struct, sys

kept = []


def listen(order):
    address, port = order['listen']
    sock = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    sock.bind((address, port))
    sock.listen(512)
    kept.append(sock)
    return {}


def dial(order):
    family = socket.AF_INET6 if order['family'] == 6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM, order.get('proto', 0))
    except OSError as error:
        return {'ended': [errno.errorcode[error.errno]]}
    if order.get('reset'):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    else:
        kept.append(sock)
    # Without: a connect that does not wait hands its failure to the next one, and what is sent early is not sent.
    sock.settimeout(order.get('seconds'))
    if 'port' in order:
        sock.bind(('', order['port']))
    ended = []
    for address, port in order['to']:
        try:
            if order.get('fastopen'):
                sock.sendto(b'hello', socket.MSG_FASTOPEN, (address, port))
            else:
                sock.connect((address, port))
            ended.append('connected')
        except TimeoutError:
            ended.append('timeout')
        except OSError as error:
            ended.append(errno.errorcode[error.errno])
    address, port = sock.getsockname()[:2]
    return {'ended': ended, 'source': {'address': address.removeprefix('::ffff:'), 'port': port}}


print('"ready"', flush=True)
for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps(listen(order) if 'listen' in order else dial(order)), flush=True)
