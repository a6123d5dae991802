package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** Of the records of a cursor that does not wait, those with a tag. One thread. */
final class TaggedCursor implements WalCursor {
    private final WalCursor all;
    private final int tag;

    TaggedCursor(WalCursor all, int tag) {
        this.all = all;
        this.tag = tag;
    }

    @Override
    public boolean next() throws IOException {
        while (all.next()) {
            if (all.tag() == tag) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean next(Duration timeout) throws IOException {
        while (all.next(timeout)) {
            if (all.tag() == tag) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long lsn() {
        return all.lsn();
    }

    @Override
    public int length() {
        return all.length();
    }

    @Override
    public int tag() {
        return all.tag();
    }

    @Override
    public long timestampMillis() {
        return all.timestampMillis();
    }

    @Override
    public ByteBuffer view() {
        return all.view();
    }

    @Override
    public WalRecord record() {
        return all.record();
    }

    @Override
    public void close() {
        all.close();
    }
}
