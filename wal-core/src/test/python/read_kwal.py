"""Prints the records of a log, read by the rules of docs/format.md alone: read_kwal.py DIRECTORY"""
import os, re, struct, sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF

class Segment:
    def __init__(self, directory, sequence):
        with open(os.path.join(directory, "%020d.wal" % sequence), "rb") as file:
            self.data = file.read()
        self.sequence, self.open = sequence, None
        if len(self.data) < 64 or not any(self.data):
            return
        magic, version, size, required, _, _, named, self.nonce, codec, self.salt = struct.unpack_from(
            "<8sIIII16sQQII", self.data)
        assert magic == b"KWAL\r\n\x1a\n" and crc32c(self.data[:60]) == self.salt, "header of %d" % sequence
        assert (version, size, required, codec, named) == (1, 64, 0, 0, sequence), "header of %d" % sequence
        frame = self.frame(64)
        if frame and frame[1] == 1:
            fields = "predecessor nonce end base first epoch through reason".split()
            self.open = dict(zip(fields, struct.unpack("<8Q", frame[5])))

    def frame(self, at):
        """(position behind it, kind, flags, LSN, durable LSN or -1, payload), or None if there is no whole frame"""
        if at + 24 > len(self.data):
            return None
        length, crc, lsn, lag, kind, flags, extension = struct.unpack_from("<IIQIBBH", self.data, at)
        end = at + (length + 7 & ~7)
        if length < 24 + extension or end > len(self.data) or kind > 5 or flags > 3:
            return None
        salt = (self.salt ^ at >> 3 ^ at >> 35) & 0xFFFFFFFF
        if crc32c(self.data[at:at + 4] + struct.pack("<I", salt) + self.data[at + 8:end]) != crc:
            return None
        return end, kind, flags, lsn, -1 if lag == 0xFFFFFFFF else lsn - lag, self.data[at + 24 + extension:at + length]

    def scan(self, end):
        """Reads the whole frames before a position: the records of whole batches, the first live LSN, where it stopped"""
        at, records, batch, first = 64, [], [], self.open["first"]
        while at < end and (frame := self.frame(at)):
            at, kind, flags, lsn, _, payload = frame
            assert lsn == self.open["base"] + len(records) + len(batch) - (kind != 0), "LSN %d" % lsn
            if kind == 0:
                batch.append((lsn, payload))
                if flags in (0, 3):
                    records, batch = records + batch, []
            elif kind == 2:
                first = max(first, struct.unpack("<Q", payload)[0])
        return records, first, at

def read(directory):
    names = sorted(name for name in os.listdir(directory) if re.fullmatch(r"\d{20}\.wal", name))
    segments = {int(name[:20]): Segment(directory, int(name[:20])) for name in names}
    for tail in reversed([segment for segment in segments.values() if segment.open]):
        records, first, stop = tail.scan(len(tail.data))
        last = tail.open["base"] + len(records) - 1
        for at in range(stop, len(tail.data), 8):
            frame = tail.frame(at)
            synced = struct.unpack("<Q", frame[5])[0] if frame and frame[1] in (3, 5) else 0
            assert not frame or frame[4] <= last and synced <= stop, "damage at %d of %d" % (stop, tail.sequence)
        if last >= tail.open["through"]:
            while tail.open["base"] > first:
                link, tail = tail.open, segments[tail.open["predecessor"]]
                assert tail.nonce == link["nonce"] and len(tail.data) >= link["end"], "segment %d" % tail.sequence
                records = tail.scan(link["end"])[0] + records
            return [record for record in records if record[0] >= first]
    return []

for lsn, record in read(sys.argv[1]):
    print(lsn, record.decode())
