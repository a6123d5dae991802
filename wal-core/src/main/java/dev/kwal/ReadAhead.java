package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Reads blocks of a segment before they are asked for, on another thread.
 *
 * <p>Always: each block begins with a frame and follows the one before. A block is checked on the other thread if the one who
 * asks has many to go through meanwhile, and otherwise left to him, so that both have about as much to do. The other
 * thread never waits: it goes back when all blocks are full, so that whoever is forgotten holds no thread.
 *
 * <p>One thread asks.
 */
final class ReadAhead {
    /** So many that the threads, whose pace varies, seldom wait for each other: with 4 they were as slow as one. */
    private static final int COUNT = 16;

    static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    /** For reading that another thread could do as well. */
    static final ThreadPoolExecutor THREADS = Background.upTo(PROCESSORS);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final @Nullable FrameBlock[] blocks = new FrameBlock[COUNT];
    /** Up to where each block was checked; 0 if it was not. */
    private final int[] checkedEnds = new int[COUNT];

    private @Nullable SegmentReader reader;
    private @Nullable FrameCheck check;
    private long nextPosition;
    private boolean isAtEnd;
    private boolean isReading;
    private volatile int fullCount;
    private int firstFull;
    private int nextEmpty;

    private long position;
    private int checkedEnd;

    /** Whether there is another core to read ahead on. */
    static boolean isUseful() {
        return PROCESSORS > 1;
    }

    /** Begins to read a segment, from where a frame is expected. What was under way has been stopped. */
    void begin(SegmentReader itsReader, FrameCheck itsCheck, long from) {
        lock.lock();
        try {
            reader = itsReader;
            check = itsCheck;
            nextPosition = from;
            position = from;
            isAtEnd = false;
            goOn();
        } finally {
            lock.unlock();
        }
    }

    /** Where the next block begins. */
    long position() {
        return position;
    }

    /** Up to where the block that was taken last is checked; 0 if that is still to be done. */
    int checkedEnd() {
        return checkedEnd;
    }

    /**
     * The next block, at {@link #position()}; null when there is no more.
     *
     * @param read a block in exchange, which is not needed any more
     */
    @Nullable
    FrameBlock take(FrameBlock read) {
        lock.lock();
        try {
            while (fullCount == 0 && isReading) {
                changed.awaitUninterruptibly();
            }
            var block = blocks[firstFull];
            if (fullCount == 0 || block == null) {
                return null;
            }
            blocks[firstFull] = read;
            checkedEnd = checkedEnds[firstFull];
            position += block.bytes.position();
            firstFull = (firstFull + 1) % COUNT;
            int left = fullCount - 1;
            fullCount = left;
            if (left <= COUNT / 2) {
                goOn();
            }
            return block;
        } finally {
            lock.unlock();
        }
    }

    /** Ends reading. On return the reader is not used any more. */
    void stop() {
        lock.lock();
        try {
            isAtEnd = true;
            while (isReading) {
                changed.awaitUninterruptibly();
            }
            firstFull = nextEmpty;
            fullCount = 0;
            reader = null;
        } finally {
            lock.unlock();
        }
    }

    /** Where no thread is to be had, nothing is read ahead. */
    private void goOn() {
        var from = reader;
        var with = check;
        if (!isAtEnd && !isReading && from != null && with != null) {
            isReading = true;
            try {
                THREADS.execute(() -> readOn(from, with));
            } catch (RejectedExecutionException | OutOfMemoryError e) {
                isReading = false;
            }
        }
    }

    // -- on the other thread

    private void readOn(SegmentReader from, FrameCheck with) {
        boolean goesOn;
        do {
            boolean isFilled = false;
            try {
                isFilled = fillNext(from, with);
            } catch (IOException e) {
                // Who reads there himself is told.
                isFilled = false;
            } finally {
                goesOn = settle(isFilled);
            }
        } while (goesOn);
    }

    /** Whether there was a frame that fits a block. */
    private boolean fillNext(SegmentReader from, FrameCheck with) throws IOException {
        var block = blocks[nextEmpty];
        if (block == null) {
            block = new FrameBlock(FrameScanner.BLOCK_BYTES);
            blocks[nextEmpty] = block;
        }
        int bytes = from.read(nextPosition, block.bytes.clear());
        int end = Format.endOfFrames(block.array, bytes);
        block.bytes.limit(bytes).position(end);
        checkedEnds[nextEmpty] = fullCount >= COUNT / 2 ? with.endOfWhole(block.array, nextPosition, 0, end) : 0;
        nextPosition += end;
        return end > 0;
    }

    private boolean settle(boolean isFilled) {
        lock.lock();
        try {
            int full = fullCount + (isFilled ? 1 : 0);
            if (isFilled) {
                nextEmpty = (nextEmpty + 1) % COUNT;
                fullCount = full;
            } else {
                isAtEnd = true;
            }
            boolean goesOn = !isAtEnd && full < COUNT;
            isReading = goesOn;
            changed.signalAll();
            return goesOn;
        } finally {
            lock.unlock();
        }
    }
}
