#!/usr/bin/env python3
"""Write the captures of the replay cases from tests/vectors/dataplane.h.

What goes in and what must come out is made here from the examples of data-plane.md, never from a
run of lw4o6-aftr. The counters files list what section 5 of the spec says for each case.
"""
import os, re, struct

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = open(os.path.join(HERE, "../vectors/dataplane.h")).read()
V = {m.group(1): bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', m.group(2))))
     for m in re.finditer(r'\{ "(V\w+)", \d+,\n(.*?) \}', TEXT, re.S)}


def cksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def routed(p, ttl=None):
    """The IPv4 packet one hop later."""
    hlen = (p[0] & 15) * 4
    h = bytearray(p[:hlen])
    h[8] = p[8] - 1 if ttl is None else ttl
    h[10:12] = b"\0\0"
    h[10:12] = struct.pack("!H", cksum(bytes(h)))
    return bytes(h) + p[hlen:]


def tunnelled(p, to="V1e"):
    """The IPv4 packet one hop later, in the outer header of another example."""
    outer = bytearray(V[to][:40])
    struct.pack_into("!I", outer, 0, 6 << 28 | p[1] << 20)
    struct.pack_into("!H", outer, 4, len(p))
    return bytes(outer) + routed(p)


def ethernet(p, vlan=None, pad=True):
    kind = b"\x86\xdd" if p[0] >> 4 == 6 else b"\x08\x00"
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    frame = b"\2\0\0\0\0\1\2\0\0\0\0\2" + tag + kind + p
    return frame + (b"\xee" * (60 - len(frame)) if pad else b"")


def capture(path, packets, link=101):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link))
        for when, p in packets:
            f.write(struct.pack("<IIII", int(when), round(when % 1 * 1e6), len(p), len(p)) + p)


def capture_ng(path, packets, link):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        n = len(body) + 12
        return struct.pack("<II", kind, n) + body + struct.pack("<I", n)
    with open(path, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        f.write(block(1, struct.pack("<HHI", link, 0, 262144)))
        for when, p in packets:
            t = round(when * 1e6)
            f.write(block(6, struct.pack("<IIIII", 0, t >> 32, t & 0xffffffff, len(p), len(p)) + p))


def case(name, in4=(), in6=(), out4=(), out6=()):
    d = os.path.join(HERE, name)
    os.makedirs(d, exist_ok=True)
    for file, packets in (("in4", in4), ("in6", in6), ("out4", out4), ("out6", out6)):
        packets = [(t, V[p] if isinstance(p, str) else p) for t, p in packets]
        if packets or file.startswith("out"):
            capture(os.path.join(d, file + ".pcap"), packets)


case("v1-out-and-back", in6=[(1, "V1b")], in4=[(2, "V1d")], out4=[(1, "V1c")], out6=[(2, "V1e")])
case("v2-inbound-icmp", in4=[(1, "V2a"), (2, "V2d"), (3, "V2e"), (4, "V8c")],
     out6=[(1, "V2b"), (2, tunnelled(V["V2d"])), (3, tunnelled(V["V2e"])), (4, tunnelled(V["V8c"]))])
case("v3-too-big", in4=[(1, "V3a")], out4=[(1, "V3b")])
case("v4-fragments-virtual", in4=[(1, "V4b"), (1.25, "V4a")], out6=[(1.25, "V4c1"), (1.25, "V4c2"), (1.25, "V4d")])
case("v4-fragments-full", in4=[(1, "V4b"), (1.25, "V4a")], out6=[(1.25, "V4e1"), (1.25, "V4e2")])
case("v5-hairpin", in6=[(1, "V5a")], out6=[(1, "V5b")])
case("v6-foreign-port", in6=[(1, "V6a")], out6=[(1, "V6b")])
case("v7-packet-too-big", in6=[(1, "V7a")], out4=[(1, "V7b")])
case("v8-echo", in6=[(1, "V8b")], out4=[(1, routed(V["V8b"][40:]))])
case("v9-customers-error", in6=[(1, "V9a")], out4=[(1, routed(V["V9a"][40:]))])
case("v10-mss", in4=[(1, "V10a")], out6=[(1, tunnelled(V["V10b"]))])
case("v11-ecn", in6=[(1, "V11a")], out4=[(1, "V11b")])

# Both captures at one time: the IPv4 side first. The hairpin policy drops.
case("hairpin-drop", in6=[(1, "V5a"), (2, "V1b")], in4=[(1, "V1d")], out4=[(2, "V1c")], out6=[(1, "V1e")])
case("hairpin-forward", in6=[(1, "V5a")], out4=[(1, routed(V["V5a"][40:]))])

# Fragments that wait too long: 60 s later the other one finds nothing.
case("fragment-timeout", in4=[(1, "V4b"), (61, "V4a")], out6=[(61, "V4c1"), (61, "V4c2")])

# Link padding, an 802.1Q tag, pcapng: the tunnel packet is that of V1 (D-039, D-085).
case("ethernet", out4=[(1, "V1c"), (2, "V1c")], out6=[(3, "V1e"), (4, "V1e")])
capture(os.path.join(HERE, "ethernet/in6.pcap"),
        [(1, ethernet(V["V1b"])), (1.5, b"\xff" * 12 + b"\x08\x06" + b"\0" * 46), (2, ethernet(V["V1b"], vlan=7))], 1)
capture_ng(os.path.join(HERE, "ethernet/in4.pcap"),
           [(3, ethernet(V["V1d"])), (4, ethernet(V["V1d"], vlan=7))], 1)
