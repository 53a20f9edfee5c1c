"""Prints each TCP SYN without ACK that an interface carries, a line of JSON each: ports and the options' bytes."""
import json, socket, sys

with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sniffer:
    sniffer.bind((sys.argv[1], 0))
    print('"ready"', flush=True)
    while True:
        packet, address = sniffer.recvfrom(65536)
        if address[1] == 0x0800 and packet[9] == socket.IPPROTO_TCP:
            tcp = packet[(packet[0] & 15) * 4:]
        elif address[1] == 0x86DD and packet[6] == socket.IPPROTO_TCP:
            tcp = packet[40:]
        else:
            continue
        if tcp[13] & 0x12 != 0x02:
            continue
        line = {
            'from': int.from_bytes(tcp[0:2], 'big'),
            'to': int.from_bytes(tcp[2:4], 'big'),
            'options': tcp[20:(tcp[12] >> 4) * 4].hex(),
        }
        print(json.dumps(line), flush=True)
