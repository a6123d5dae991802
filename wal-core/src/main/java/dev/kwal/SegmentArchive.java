package dev.kwal;

import java.io.IOException;
import java.io.InputStream;

/** Where segments are copied to before they are deleted; see {@link Wal#archive}. */
@FunctionalInterface
public interface SegmentArchive {

    /**
     * Keeps a copy of a segment that is complete and durable. On return the copy has to be as durable as it shall be: the
     * segment may be deleted then. May be called again for the same segment, after a crash or an exception, and then replaces
     * what there is.
     *
     * @param segment which one; {@link SegmentInfo#sequence()} is its name
     * @param bytes all of it, {@link SegmentInfo#bytes()} many; good until this method returns. In a file whose name is the
     *     sequence as 20 decimal digits and {@code .wal} they are a segment again, and all from one on make a log
     * @throws IOException if it cannot be kept; it is tried again, a second later
     */
    void archive(SegmentInfo segment, InputStream bytes) throws IOException;
}
