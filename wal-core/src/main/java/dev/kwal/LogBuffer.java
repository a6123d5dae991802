package dev.kwal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory that appenders fill side by side and one writer empties. The length word of a frame says that it is whole: it is
 * stored last, and everything that was stored before is seen by whoever sees it.
 *
 * <p>Always: where no frame was published since the buffer was {@linkplain #clear cleared}, it holds zeros.
 */
abstract class LogBuffer {
    private static final byte[] ZEROS = new byte[1 << 14];

    private final ByteBuffer bytes;

    LogBuffer(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A buffer to keep, outside the heap. */
    static LogBuffer direct(int capacity) {
        return new Direct(ByteBuffer.allocateDirect(capacity));
    }

    /** A buffer for one large group, which is put and written under one lock. */
    static LogBuffer onHeap(int capacity) {
        return new Locked(ByteBuffer.allocate(capacity));
    }

    ByteBuffer bytes() {
        return bytes;
    }

    int capacity() {
        return bytes.capacity();
    }

    /** Tells that the frame at {@code at} is whole. */
    abstract void publish(int at, int length);

    /** How long the frame at {@code at} is; 0 if it is not whole yet. */
    abstract int publishedLength(int at);

    /** Zeroes what was used, from one offset to another. */
    void clear(int from, int to) {
        for (int at = from; at < to; at += ZEROS.length) {
            bytes.put(at, ZEROS, 0, Math.min(ZEROS.length, to - at));
        }
    }

    private static final class Direct extends LogBuffer {
        private static final VarHandle LENGTH =
                MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

        Direct(ByteBuffer bytes) {
            super(bytes);
        }

        @Override
        void publish(int at, int length) {
            LENGTH.setRelease(bytes(), at, length);
        }

        @Override
        int publishedLength(int at) {
            return (int) LENGTH.getAcquire(bytes(), at);
        }
    }

    private static final class Locked extends LogBuffer {
        Locked(ByteBuffer bytes) {
            super(bytes);
        }

        @Override
        void publish(int at, int length) {
            bytes().putInt(at, length);
        }

        @Override
        int publishedLength(int at) {
            return bytes().getInt(at);
        }
    }
}
