package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A cursor whose current record is the last frame of a scanner. One thread. */
abstract class FrameCursor implements WalCursor {
    @Nullable
    FrameScanner scanner;

    boolean hasCurrent;
    private boolean isClosed;

    /** Throws if the cursor was closed; from here on there is no current record. */
    void beginStep() {
        if (isClosed) {
            throw new IllegalStateException("the cursor is closed");
        }
        hasCurrent = false;
    }

    /** Closes the scanner, if there is one, and gives it back for its memory. */
    @Nullable
    FrameScanner leaveScanner() {
        var left = scanner;
        scanner = null;
        if (left != null) {
            try {
                left.close();
            } catch (IOException e) {
                // A handle that was only read from has nothing to lose.
                return left;
            }
        }
        return left;
    }

    private FrameScanner current() {
        var frames = scanner;
        if (!hasCurrent || frames == null) {
            throw new IllegalStateException("there is no current record");
        }
        return frames;
    }

    @Override
    public long lsn() {
        return current().lsn();
    }

    @Override
    public int length() {
        return current().payloadBytes();
    }

    @Override
    public int tag() {
        return current().tag();
    }

    @Override
    public long timestampMillis() {
        return current().timestampMillis();
    }

    @Override
    public ByteBuffer view() {
        return current().payload().slice().asReadOnlyBuffer();
    }

    @Override
    public WalRecord record() {
        var frames = current();
        var bytes = new byte[frames.payloadBytes()];
        frames.payload().get(bytes);
        return new WalRecord(frames.lsn(), frames.tag(), frames.timestampMillis(), bytes);
    }

    @Override
    public void close() {
        isClosed = true;
        hasCurrent = false;
        leaveScanner();
    }
}
