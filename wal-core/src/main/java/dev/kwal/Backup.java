package dev.kwal;

import dev.kwal.storage.FileStore;
import dev.kwal.storage.NewDirectory;
import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Copies the segments of a log, each up to where it belongs to the log, and checks the copy before it gets its name.
 *
 * <p>Sealed segments are never written to again, so their files are linked where that is possible. The others are
 * opened before the first is copied, because segments of a live log can be deleted meanwhile, and their files written over
 * when they are recycled. What the copy then has is no frame of its segment, so checking finds it, and the copy is made anew
 * from the log as it is by then. What is really wrong is wrong twice in the same way.
 */
final class Backup {
    private static final int ATTEMPTS = 20;
    private static final int BLOCK_BYTES = 1 << 20;

    private final WalStore source;
    private final WalOptions options;
    private final FileStore target;

    private Backup(WalStore source, WalOptions options, FileStore target) {
        this.source = source;
        // A truncation may have gone below what was expected when the log was opened.
        this.options = options.withVerifyOnOpen(false).withExpectAtLeast(0);
        this.target = target.withPreallocation(false).withReserveBytes(0);
    }

    static WalBackup make(WalStore source, WalOptions options, FileStore target) throws IOException {
        try {
            return new Backup(source, options, target).run();
        } catch (Throwable t) {
            WalException.note(t, source);
            throw t;
        }
    }

    private WalBackup run() throws IOException {
        String last = "";
        for (int attempt = 1; ; attempt++) {
            long[] before = source.segments();
            try (var directory = NewDirectory.of(target);
                    var analysis = ReadOnlyWal.analyse(source, options)) {
                try {
                    return make(directory, analysis);
                } catch (WalException | NoSuchFileException e) {
                    boolean isSame = last.equals(e.toString()) && Arrays.equals(before, source.segments());
                    if (isSame || attempt == ATTEMPTS) {
                        throw e;
                    }
                    last = e.toString();
                }
            }
        }
    }

    private WalBackup make(NewDirectory directory, Analysis analysis) throws IOException {
        var copy = directory.store();
        var segments = analysis.chain().segments();
        List<Segment> copied;
        var lock = copy.lock();
        try {
            copied = notLinked(segments, directory);
            copy(copied, analysis.tail(), copy);
        } finally {
            lock.close();
        }
        var backup = checked(copy, segments.size() - copied.size(), analysis.lastLsn());
        directory.complete();
        return backup;
    }

    /** Links what can be linked, and returns the rest. */
    private List<Segment> notLinked(List<Segment> segments, NewDirectory directory) throws IOException {
        var rest = new ArrayList<Segment>();
        for (int at = 0; at < segments.size(); at++) {
            var segment = segments.get(at);
            // Behind a seal nothing is ever written.
            boolean isFinal = segment.isSealed() && at < segments.size() - 1;
            if (!isFinal || !directory.link(source, segment.sequence())) {
                rest.add(segment);
            }
        }
        return rest;
    }

    private void copy(List<Segment> segments, @Nullable TailScan tail, WalStore copy) throws IOException {
        var block = ByteBuffer.allocate(BLOCK_BYTES);
        try (var opened = new OpenSegments(source, segments)) {
            for (var segment = opened.next(); segment != null; segment = opened.next()) {
                try (var writer = copy(segment, block, copy)) {
                    writer.sync();
                    if (tail != null && tail.header().equals(segment.segment().header())) {
                        mark(writer, tail);
                    }
                }
            }
        }
    }

    /** To a store the header is nothing but the first bytes. */
    private static SegmentWriter copy(OpenSegments.Opened segment, ByteBuffer block, WalStore copy) throws IOException {
        long end = segment.segment().endPosition();
        segment.read(0, block);
        var writer = copy.create(segment.segment().sequence(), block, end);
        try {
            for (long position = block.limit(); position < end; position += block.limit()) {
                segment.read(position, block);
                writer.append(block.duplicate());
            }
            return writer;
        } catch (Throwable t) {
            closeAfter(t, writer);
            throw t;
        }
    }

    private static void closeAfter(Throwable thrown, SegmentWriter writer) {
        try {
            writer.close();
        } catch (IOException e) {
            thrown.addSuppressed(e);
        }
    }

    /** What was copied is durable: damage to its end is noticed, and it can be read without being opened by an owner. */
    private static void mark(SegmentWriter writer, TailScan tail) throws IOException {
        if (!tail.isClosed() && !tail.isSealed()) {
            var frames = FrameBuffer.onHeap(64);
            frames.begin(Format.salt(tail.header()), tail.endPosition());
            frames.putMark(Format.MARK, tail.endPosition(), tail.lastLsn(), tail.lastLsn());
            writer.append(frames.frames());
            writer.sync();
        }
    }

    private WalBackup checked(WalStore copy, int linked, long lastLsn) throws IOException {
        try (var copied = Wal.openReadOnly(copy, options.withVerifyOnOpen(true).withExpectAtLeast(lastLsn))) {
            return new WalBackup(
                    copied.segments().size(),
                    linked,
                    copied.sizeBytes(),
                    copied.firstLsn(),
                    copied.recovery().lastLsn());
        }
    }
}
