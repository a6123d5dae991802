"""Reads snapshots by docs/format.md alone, section "Snapshots": read_snapshots.py DIRECTORY

Prints a line for each snapshot: its number, epoch, LSN, length, and bytes or digest; or that it is damaged or refused.
"""
import os, re, struct, sys

sys.dont_write_bytecode = True
from read_log import MAX, crc32c, text

HEADER_BYTES, TRAILER_BYTES = 48, 12


def read(data):
    """The LSN, the epoch and the content; or what is wrong"""
    if len(data) < HEADER_BYTES or data[:8] != b"KWSN\r\n\x1a\n":
        return "damaged"
    version, size, required, _, lsn, epoch, _, checksum = struct.unpack_from("<IIIIQQII", data, 8)
    if crc32c(data[:44]) != checksum:
        return "damaged"
    if (version, size, required) != (1, HEADER_BYTES, 0):
        return "refused"
    if len(data) < HEADER_BYTES + TRAILER_BYTES or lsn > MAX or epoch > MAX:
        return "damaged"
    content_bytes, checksum = struct.unpack_from("<QI", data, len(data) - TRAILER_BYTES)
    if content_bytes != len(data) - HEADER_BYTES - TRAILER_BYTES or crc32c(data[:-4]) != checksum:
        return "damaged"
    return lsn, epoch, data[HEADER_BYTES:-TRAILER_BYTES]


def main(directory):
    for name in sorted(os.listdir(directory)):
        if re.fullmatch(r"[0-9]{20}\.snapshot", name) and 1 <= int(name[:20]) <= MAX:
            with open(os.path.join(directory, name), "rb") as file:
                found = read(file.read())
            if isinstance(found, str):
                print("%d %s" % (int(name[:20]), found))
            else:
                lsn, epoch, content = found
                print("%d epoch %d, LSN %s" % (int(name[:20]), epoch, text(lsn, content)))


if __name__ == "__main__":
    main(sys.argv[1])
