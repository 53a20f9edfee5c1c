"""A forwarder of one's own on loopback: proxy.py LISTEN PORT ADDRESS PORT MARK"""
import socket
import sys
import threading

listen, port, address, to = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def copy(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def serve(client):
    with client, socket.create_connection((address, to)) as upstream:
        thread = threading.Thread(target=copy, args=(client, upstream), daemon=True)
        thread.start()
        copy(upstream, client)
        thread.join()


with socket.create_server((listen, port), family=socket.AF_INET6 if ":" in listen else socket.AF_INET) as listener:
    print("listening", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
