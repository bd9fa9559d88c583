#!/usr/bin/env python3
"""A softwire by hand: IPv4 packets in a raw IPv6 socket, one question and its answer a line.

b4raw.py B4 AFTR QUESTION...: QUESTION is SRC:SPORT>DST:DPORT[,ttl=N][,size=N], or SRC:ID>DST for a ping.
Prints for each "udp TTL SIZE DATA", "icmp TYPE CODE TTL SOURCE", or "none".
"""
import re, socket, struct, sys


def cksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ipv4(proto, src, dst, ttl, body):
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, 0, ttl, proto, 0,
                    socket.inet_aton(src), socket.inet_aton(dst))
    return h[:10] + struct.pack("!H", cksum(h)) + h[12:] + body


def question(text):
    m = re.fullmatch(r"([\d.]+):(\d+)>([\d.]+)(?::(\d+))?((?:,\w+=\d+)*)", text)
    src, port, dst, dport, more = m.groups()
    opt = dict(x.split("=") for x in more.split(",")[1:])
    ttl, data = int(opt.get("ttl", 64)), b"x" * int(opt.get("size", 10))
    if dport is None:
        e = struct.pack("!BBHHH", 8, 0, 0, int(port), 1) + data
        return ipv4(1, src, dst, ttl, e[:2] + struct.pack("!H", cksum(e)) + e[4:])
    return ipv4(17, src, dst, ttl, struct.pack("!HHHH", int(port), int(dport), 8 + len(data), 0) + data)


def answer(p):
    body = p[(p[0] & 15) * 4:]
    if p[9] == 17:
        return "udp %d %d %s" % (p[8], len(body) - 8, body[8:40].decode(errors="replace"))
    return "icmp %d %d %d %s" % (body[0], body[1], p[8], socket.inet_ntoa(p[12:16]))


s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 4)
s.bind((sys.argv[1], 0))
s.settimeout(1)
for q in sys.argv[3:]:
    s.sendto(question(q), (sys.argv[2], 0))
    try:
        print(answer(s.recv(65535)))
    except socket.timeout:
        print("none")
