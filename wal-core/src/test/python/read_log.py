"""Reads a log by the rules of docs/format.md alone: read_log.py DIRECTORY...

Prints a line for each record (LSN, length, bytes or digest), and how the log ends. Exits with 1 if a log is damaged or
refused. Each function says which section of the document it follows.
"""
import hashlib, os, re, struct, sys

RECORD, OPEN, HEAD, MARK, SEAL, CLOSE = range(6)
SINGLE, FIRST, MIDDLE, LAST = range(4)
TAG, TIMESTAMP = 1, 2
MAX = 2**63 - 1
UNKNOWN = 0xFFFFFFFF
PAYLOAD_BYTES = {OPEN: 64, HEAD: 8, MARK: 8, CLOSE: 8}

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    """Checksum"""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Bad(Exception):
    """The log is damaged, or not one that this reader may read."""

    def __init__(self, how, sequence, position, what):
        super().__init__("%s segment %d byte %d: %s" % (how, sequence, position, what))


class Payload(bytes):
    """A payload, and what the words of its frame's extension say"""
    words = ()

    def word(self, kind, numbers):
        """Extension: the first number of a kind, if it is one of those that there are"""
        number = next((word >> 8 for word in self.words if word & 0xFF == kind), None)
        return number if number is not None and number in numbers else None


class Frame:
    """A whole frame."""

    def __init__(self, position, end, kind, flags, lsn, lag, payload):
        self.position, self.end, self.kind, self.flags, self.lsn = position, end, kind, flags, lsn
        self.durable = -1 if lag == UNKNOWN else lsn - lag
        self.payload = payload

    def number(self):
        return struct.unpack("<Q", self.payload)[0]


class Segment:
    def __init__(self, data, sequence):
        self.data, self.sequence = data, sequence
        self.has_header = len(data) >= 64
        self.open = self.problem = None
        if self.has_header:
            self.problem = self.check_header()
        if self.has_header and not self.problem:
            frame = self.frame(64)
            if frame and frame.kind == OPEN:
                names = "predecessor nonce end base first epoch through reason".split()
                self.open = dict(zip(names, struct.unpack("<8Q", frame.payload)))

    def damaged(self, position, what):
        return Bad("damaged", self.sequence, position, what)

    def check_header(self):
        """Header: raises what is refused wherever it stands, returns what matters in some places only"""
        fields = struct.unpack_from("<sxxxxxxxIIII16sQQHHI", self.data)
        _, version, size, required, _, self.log, named, self.nonce, codec, key, self.crc = fields
        if not any(self.data[:64]):
            return self.damaged(0, "a header of zeros")
        if self.data[:8] != b"KWAL\r\n\x1a\n":
            raise Bad("refused", self.sequence, 0, "a foreign file")
        if crc32c(self.data[:60]) != self.crc:
            return self.damaged(0, "the checksum of the header")
        if (version, size, required, codec, key) != (1, 64, 0, 0, 0):
            raise Bad("refused", self.sequence, 0, "unknown version, feature, codec or key")
        if named != self.sequence:
            raise self.damaged(0, "the header of segment %d" % named)
        return None

    def frame(self, position):
        """Frame: the whole frame at a position, or None"""
        if position + 24 > len(self.data):
            return None
        length, crc, lsn, lag, kind, flags, extension = struct.unpack_from("<IIQIBBH", self.data, position)
        end = position + (length + 7 & ~7)
        if length < 24 + extension or extension % 8 or end > len(self.data):
            return None
        if kind > CLOSE or flags > 3 or kind != RECORD and flags or lsn >= MAX or lag != UNKNOWN and lag > lsn:
            return None
        salt = (self.crc ^ position >> 3 ^ position >> 35) & 0xFFFFFFFF
        salted = self.data[position:position + 4] + struct.pack("<I", salt) + self.data[position + 8:end]
        if crc32c(salted) != crc:
            return None
        payload = Payload(self.data[position + 24 + extension:position + length])
        payload.words = struct.unpack_from("<%dQ" % (extension // 8), self.data, position + 24)
        if len(payload) != PAYLOAD_BYTES.get(kind, len(payload)) or kind == SEAL and len(payload) % 16 != 8:
            return None
        return Frame(position, end, kind, flags, lsn, lag, payload)

    def frames_behind(self, position):
        """The whole frames at any aligned position from this one on"""
        return filter(None, (self.frame(at) for at in range(position, len(self.data) - 23, 8)))


class Scan:
    """The records of an opened segment before a limit, by the rules of LSNs, HEAD, MARK, Batches and SEAL."""

    def __init__(self, segment, limit):
        self.segment, self.records, self.batch, self.first = segment, [], [], segment.open["first"]
        self.position, self.seal, self.closed = 64, None, False
        base = segment.open["base"]
        self.durable = base - 1
        while self.position < limit:
            frame = segment.frame(self.position)
            if not frame:
                break
            if frame.end > limit:
                raise segment.damaged(frame.position, "a frame goes beyond the end that the successor names")
            if self.seal:
                raise segment.damaged(frame.position, "a frame behind a seal")
            next_lsn = base + len(self.records) + len(self.batch)
            expected = next_lsn if frame.kind == RECORD else next_lsn - 1
            if frame.lsn != expected:
                raise segment.damaged(frame.position, "LSN %d, expected %d" % (frame.lsn, expected))
            self.take(frame, expected)
            self.durable = max(self.durable, frame.durable)
            self.closed = frame.kind == CLOSE
            self.position = frame.end
        self.batch_position = self.batch[0][2] if self.batch else self.position

    def take(self, frame, last):
        broken = None
        if frame.kind == RECORD:
            if (frame.flags in (SINGLE, FIRST)) == bool(self.batch):
                broken = "a batch that is not ended, or has no beginning"
            self.batch.append((frame.lsn, frame.payload, frame.position))
            if frame.flags in (SINGLE, LAST):
                self.records, self.batch = self.records + self.batch, []
        elif self.batch:
            broken = "a control frame in a batch"
        elif frame.kind == OPEN:
            broken = None if frame.position == 64 else "a second OPEN"
        elif frame.kind == HEAD:
            broken = None if frame.number() <= last + 1 else "a first live LSN behind the last record"
            self.first = max(self.first, frame.number())
        elif frame.kind in (MARK, CLOSE):
            broken = None if frame.number() <= frame.position else "a mark for what is behind it"
        elif frame.kind == SEAL:
            self.seal = frame
        if broken:
            raise self.segment.damaged(frame.position, broken)


def segments_of(directory):
    """Files"""
    segments = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if re.fullmatch(r"[0-9]{20}\.wal", name) and os.path.isfile(path) and 1 <= int(name[:20]) <= MAX:
            with open(path, "rb") as file:
                segments[int(name[:20])] = Segment(file.read(), int(name[:20]))
    logs = {}
    for segment in segments.values():
        if segment.has_header and not segment.problem:
            logs.setdefault(segment.log, segment)
    if len(logs) > 1:
        raise Bad("refused", max(segment.sequence for segment in logs.values()), 0, "a segment of another log")
    return segments


def tail_of(segments):
    """What is in effect, 1: the scan of the tail, or None; and what stands in higher segments"""
    newer = []
    for sequence in sorted(segments, reverse=True):
        segment = segments[sequence]
        if segment.problem:
            raise segment.problem
        if segment.open:
            scan = Scan(segment, len(segment.data))
            if segment.open["base"] + len(scan.records) > segment.open["through"]:
                return scan, newer
            judge_copy(segment, scan)
        newer.append(segment)
    return None, newer


def judge_copy(segment, scan):
    """Ends that are torn, ends that are damaged: an opened segment that is not in effect"""
    for frame in segment.frames_behind(64):
        if frame.kind in (MARK, CLOSE) or frame.position >= scan.position and frame.durable >= segment.open["base"]:
            raise segment.damaged(scan.position, "a copy that was completed is not whole")


def judge_newer(newer, tail_sequence, last):
    """The same: segments above the tail. True if something there is torn"""
    sequences = sorted(segment.sequence for segment in newer)
    for missing, sequence in enumerate(sequences, tail_sequence + 1):
        if missing != sequence:
            raise Bad("damaged", missing, 0, "a segment is missing")
    unfinished = [segment for segment in newer if not segment.has_header]
    if len(unfinished) > 1:
        raise unfinished[-1].damaged(0, "several segments have no header")
    for segment in newer:
        if segment.has_header and not segment.open:
            for frame in segment.frames_behind(64):
                if (frame.durable > last or frame.kind in (MARK, CLOSE) and frame.number() > 0
                        or frame.kind == RECORD and frame.lsn <= last):
                    raise segment.damaged(64, "a segment that was opened has no OPEN")
    return bool(unfinished) or any(any(segment.data[64:]) for segment in newer if not segment.open)


def judge_end(scan, last):
    """The same: the end of the tail. True if something there is torn"""
    segment, end = scan.segment, scan.batch_position
    for frame in segment.frames_behind(scan.position):
        if frame.durable > last or frame.kind in (MARK, CLOSE) and frame.number() > end:
            raise segment.damaged(end, "the frame at %d vouches for what is missing" % frame.position)
        scan.durable = max(scan.durable, frame.durable)
    return bool(scan.batch) or any(segment.data[scan.position:])


def predecessor_of(segment, segments):
    """What is in effect, 3; and SEAL: the records of the predecessor that count"""
    link = segment.open
    before = segments.get(link["predecessor"])
    if not before or not before.has_header:
        raise Bad("damaged", link["predecessor"] or segment.sequence, 0, "the predecessor is missing")
    if before.problem:
        raise before.problem
    if before.nonce != link["nonce"]:
        raise before.damaged(0, "not the segment that segment %d follows" % segment.sequence)
    if len(before.data) < link["end"]:
        raise before.damaged(len(before.data), "cut off before %d" % link["end"])
    if not before.open or before.sequence >= segment.sequence or before.open["base"] > link["base"]:
        raise before.damaged(64, "no predecessor of segment %d" % segment.sequence)
    scan = Scan(before, link["end"])
    records = scan.records + scan.batch
    if scan.position != link["end"] or before.open["base"] + len(records) != link["base"]:
        raise before.damaged(scan.position, "not whole up to %d" % link["end"])
    if link["reason"] == 1:
        seal = scan.seal
        if not seal or struct.unpack_from("<QQ", seal.payload) != (before.open["base"], len(records)):
            raise before.damaged(scan.position, "no seal, or one of other records")
    if scan.seal and struct.unpack("<Q", scan.seal.payload[-8:])[0] != scan.seal.position:
        raise before.damaged(scan.seal.position, "a seal for another position")
    return before, records


def read(directory):
    """The live records, and how the log ends"""
    segments = segments_of(directory)
    scan, newer = tail_of(segments)
    if not scan:
        return [], "ends torn before its first record" if judge_newer(newer, 0, 0) else "ends new"
    tail, records = scan.segment, scan.records
    last = tail.open["base"] + len(records) - 1
    torn = judge_newer(newer, tail.sequence, last) | judge_end(scan, last)
    segment = tail
    while segment.open["base"] > scan.first:
        segment, before = predecessor_of(segment, segments)
        records = before + records
    return [record for record in records if record[0] >= scan.first], (
        "ends %s at segment %d byte %d, durable through %d, first live LSN %d, epoch %d" % (
            "torn" if torn else "closed" if scan.closed else "whole",
            tail.sequence, scan.batch_position, scan.durable, scan.first, tail.open["epoch"]))


def text(lsn, payload):
    shown = payload.hex() if len(payload) <= 16 else "sha256 " + hashlib.sha256(payload).hexdigest()[:16]
    return ("%d %d %s" % (lsn, len(payload), shown)).rstrip()


def beside(payload):
    tag, time = payload.word(TAG, range(1, 2**31)), payload.word(TIMESTAMP, range(2**55))
    return (" tag %d" % tag if tag is not None else "") + (" at %d" % time if time is not None else "")


def main(directories):
    status = 0
    for directory in directories:
        if len(directories) > 1:
            print("# " + directory)
        try:
            records, end = read(directory)
            for lsn, payload, _ in records:
                print(text(lsn, payload) + beside(payload))
            print(end)
        except Bad as bad:
            print(bad)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
