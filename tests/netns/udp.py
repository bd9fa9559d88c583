#!/usr/bin/env python3
"""Small UDP peers for the demo and the namespace tests; each ends by itself."""
import os
import socket
import sys
import time


def server(port, seconds):
    """Answer every datagram with the address and port it came from, then its text."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.settimeout(seconds)
    try:
        while True:
            data, peer = s.recvfrom(65535)
            s.sendto(b"%s %d %s" % (peer[0].encode(), peer[1], data), peer)
    except socket.timeout:
        pass


def ask(local_port, host, port, text):
    """Send a text until it is answered; print the answer."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", local_port))
    s.settimeout(0.5)
    for _ in range(10):
        s.sendto(text.encode(), (host, port))
        try:
            print(s.recvfrom(65535)[0].decode())
            return 0
        except socket.timeout:
            pass
    return 1


def meet(local_port, host, port, folder, me, other):
    """Learn the own public endpoint from the server, swap it with the other side through a file, exchange a text."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", local_port))
    s.settimeout(0.2)
    s.sendto(b"?", (host, port))
    public = s.recvfrom(65535)[0].split()
    with open(os.path.join(folder, me + ".new"), "w") as f:
        f.write("%s %s" % (public[0].decode(), public[1].decode()))
    os.rename(os.path.join(folder, me + ".new"), os.path.join(folder, me))
    deadline = time.monotonic() + 10
    while not os.path.exists(os.path.join(folder, other)):
        if time.monotonic() > deadline:
            return 1
        time.sleep(0.05)
    with open(os.path.join(folder, other)) as f:
        address, remote_port = f.read().split()
    heard, until = None, deadline
    while time.monotonic() < until:
        s.sendto(("hello from " + me).encode(), (address, int(remote_port)))
        try:
            data, peer = s.recvfrom(65535)
        except socket.timeout:
            continue
        if heard is None and data.startswith(b"hello"):
            heard = "%s:%d says '%s'" % (peer[0], peer[1], data.decode())
            until = min(deadline, time.monotonic() + 0.7)
        time.sleep(0.05)
    print(heard)
    return 0 if heard else 1


def main(argv):
    if argv[1] == "server":
        return server(int(argv[2]), float(argv[3]))
    if argv[1] == "ask":
        return ask(int(argv[2]), argv[3], int(argv[4]), argv[5])
    if argv[1] == "meet":
        return meet(int(argv[2]), argv[3], int(argv[4]), argv[5], argv[6], argv[7])
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
