"""What paramiko does: commands, a shell on a terminal, files, forwarding, new keys. Argument: a word of this run."""

import hashlib
import io
import os
import sys
import threading

import paramiko

word = sys.argv[1]
client = paramiko.SSHClient()
client.load_system_host_keys()
client.connect("db1", username="alice", timeout=20)


def run(command, given=b""):
    stdin, stdout, stderr = client.exec_command(command)
    stdin.write(given)
    stdin.channel.shutdown_write()
    return stdout.read(), stderr.read(), stdout.channel.recv_exit_status()


def whole(channel):
    got = b""
    while more := channel.recv(65536):
        got += more
    return got


print(run("cat; echo err >&2; exit 5", b"hello"))
print(run("kill -9 $$"))

shell = client.invoke_shell("xterm", 100, 30)
shell.send(b"stty -echo; PS1=; echo READ''Y-$TERM; stty size\n")
shown = b""
while b"30 100" not in shown:
    shown += shell.recv(1000)
shell.resize_pty(90, 20)
shell.send(b"stty size; exit 3\n")
print(b"READY-xterm" in shown, b"20 90" in whole(shell), shell.recv_exit_status())

data = os.urandom(2_000_000)
path = f"/tmp/{word}-paramiko"
sftp = client.open_sftp()
sftp.putfo(io.BytesIO(data), path)
got = io.BytesIO()
sftp.getfo(path, got)
print(got.getvalue() == data, sftp.stat(path).st_size)
with sftp.open(path) as file:
    print([part == data[at : at + len(part)] for at, part in zip((0, 50), file.readv([(0, 10), (50, 70_000)]))])
sftp.posix_rename(path, f"{path}-2")
sftp.truncate(f"{path}-2", 10)
print(sftp.stat(f"{path}-2").st_size)
sftp.remove(f"{path}-2")
try:
    sftp.open(path)
except OSError as error:
    print(error)
sftp.close()

transport = client.get_transport()
channel = transport.open_channel("direct-tcpip", ("web1", 80), ("127.0.0.1", 1))
channel.sendall(b"GET / HTTP/1.0\r\n\r\n")
print(whole(channel).split(b"\r\n\r\n")[1])
port = transport.request_port_forward("127.0.0.1", 0)


def answer():
    back = transport.accept(20)
    back.sendall(b"back\n")
    back.close()


threading.Thread(target=answer).start()
print(run(f"bash -c 'cat </dev/tcp/127.0.0.1/{port}'"))
transport.cancel_port_forward("127.0.0.1", port)
try:
    transport.open_channel("direct-tcpip", ("web1", 81), ("127.0.0.1", 1))
except paramiko.ChannelException as error:
    print(error)
transport.renegotiate_keys()
print(hashlib.md5(run("head -c 5000000 /dev/zero")[0]).hexdigest())
client.close()

try:
    client.connect("db1", username="alice", password="wrong", look_for_keys=False, allow_agent=False)
except paramiko.AuthenticationException as error:
    print(error)
client.connect("db1", username="alice", password="alice", look_for_keys=False, allow_agent=False)
print(run("echo by password"))
client.close()
