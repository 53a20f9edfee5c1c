"""What AsyncSSH does: commands, signals, files, forwarding, new keys while data flows. Argument: a word of this run."""

import asyncio
import os
import sys

import asyncssh

word = sys.argv[1]
PASSWORD = {"client_keys": None, "agent_path": None}
DATA = os.urandom(2_000_000)


async def commands(client):
    ran = await client.run("cat; echo err >&2; exit 5", input="hello")
    print(ran.stdout, ran.stderr, ran.exit_status)
    ran = await client.run("kill -9 $$")
    print(ran.exit_status, ran.exit_signal[0])
    print((await client.run("echo $LC_WORD", env={"LC_WORD": "there"})).stdout)
    ran = await asyncio.gather(*[client.run(f"sleep 0.1; exit {code}") for code in range(8)])
    print([each.exit_status for each in ran])
    process = await client.create_process("stty size; read a; stty size; exit 4", term_type="xterm", term_size=(100, 30))
    print((await process.stdout.readline()).strip())
    process.change_terminal_size(90, 20)
    process.stdin.write("x\n")
    print("20 90" in await process.stdout.read(), (await process.wait()).exit_status)
    process = await client.create_process('trap "echo got; exit 6" TERM; echo up; while :; do sleep 0.1; done')
    await process.stdout.readline()
    process.send_signal("TERM")
    print(await process.stdout.read(), (await process.wait()).exit_status)


async def files(client):
    path = f"/tmp/{word}-asyncssh"
    async with client.start_sftp_client() as sftp:
        async with sftp.open(path, "wb") as file:
            await file.write(DATA)
        async with sftp.open(path, "rb") as file:
            print(await file.read() == DATA)
        try:
            await sftp.stat(f"{path}-none")
        except asyncssh.SFTPError as error:
            print(type(error).__name__, error)
    await asyncssh.scp((client, path), f"{path}-here")
    await asyncssh.scp(f"{path}-here", (client, f"{path}-2"))
    with open(f"{path}-here", "rb") as file:
        print(file.read() == DATA)


async def forwarding(client):
    reader, writer = await client.open_connection("web1", 80)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    print((await reader.read())[-16:])
    listener = await client.forward_remote_port("127.0.0.1", 0, "web1", 80)
    print((await client.run(f"curl -sS http://127.0.0.1:{listener.get_port()}/")).stdout)
    listener.close()
    await listener.wait_closed()


async def main():
    async with asyncssh.connect("db1", username="alice") as client:
        await commands(client)
        await files(client)
        await forwarding(client)
    # Often, and without an end: three answers that a busy machine gives late would be one.
    alive = {"keepalive_interval": 0.2, "keepalive_count_max": 1000}
    options = {"compression_algs": ["zlib@openssh.com"], "rekey_bytes": 1_000_000, **alive}
    async with asyncssh.connect("db1", username="alice", password="alice", **PASSWORD, **options) as client:
        print((await client.run("sleep 1; cat", input=DATA.hex())).stdout == DATA.hex())
    try:
        await asyncssh.connect("db1", username="alice", password="no", **PASSWORD)
    except asyncssh.PermissionDenied as error:
        print(type(error).__name__, error)


asyncio.run(main())
