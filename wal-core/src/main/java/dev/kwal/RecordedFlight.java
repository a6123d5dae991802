package dev.kwal;

import java.util.UUID;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;

/**
 * What a log does as events of the flight recorder. While nothing is recorded it allocates nothing and looks at no clock.
 *
 * <p>Each event object but that of slow flushes is used again and again, as its kind happens one after the other.
 */
final class RecordedFlight implements Flight {
    private final RecoveryEvent recovery = new RecoveryEvent();
    private final WriteEvent write = new WriteEvent();
    private final FlushEvent flush = new FlushEvent();
    private final RotationEvent rotation = new RotationEvent();

    @Category("Kwal")
    @StackTrace(false)
    abstract static class LogEvent extends Event {
        @Label("Log")
        String log = "";
    }

    @Name("dev.kwal.Recovery")
    @Label("Recovery")
    @Description("A log was opened and recovered")
    static final class RecoveryEvent extends LogEvent {
        @Label("End")
        @Description("How the log ended: new, clean, unclosed or torn")
        String end = "";

        @Label("Last LSN")
        long lastLsn;

        @Label("Segments")
        int segments;

        @Label("Scanned")
        @DataAmount
        long scannedBytes;

        @Label("Copied Records")
        long copiedRecords;
    }

    @Name("dev.kwal.Write")
    @Label("Write")
    @Description("What was buffered was handed to the store")
    @Threshold("1 ms")
    static final class WriteEvent extends LogEvent {
        @Label("Records")
        long records;

        @Label("Bytes")
        @DataAmount
        long bytes;
    }

    @Name("dev.kwal.Flush")
    @Label("Flush")
    @Description("What was written was made durable")
    @Threshold("1 ms")
    static final class FlushEvent extends LogEvent {
        @Label("Records")
        long records;
    }

    @Name("dev.kwal.SlowFlush")
    @Label("Slow Flush")
    @Description("A flush is still running after the limit of the log's listener")
    static final class SlowFlushEvent extends LogEvent {
        @Label("Running")
        @Timespan
        long running;
    }

    @Name("dev.kwal.Rotation")
    @Label("Rotation")
    @Description("A segment was sealed and the next one begun, while appends waited")
    static final class RotationEvent extends LogEvent {
        @Label("Segment")
        long segment;
    }

    RecordedFlight() {
        recovery.begin();
    }

    @Override
    public void identified(UUID logId) {
        String id = logId.toString();
        recovery.log = id;
        write.log = id;
        flush.log = id;
        rotation.log = id;
    }

    @Override
    public void recovered(RecoveryReport report) {
        recovery.end();
        recovery.end = report.end().name();
        recovery.lastLsn = report.lastLsn();
        recovery.segments = report.segments();
        recovery.scannedBytes = report.scannedBytes();
        recovery.copiedRecords = report.copiedRecords();
        recovery.commit();
    }

    @Override
    public void writing() {
        write.begin();
    }

    @Override
    public void written(long records, long bytes) {
        write.end();
        write.records = records;
        write.bytes = bytes;
        write.commit();
    }

    @Override
    public void flushing() {
        flush.begin();
    }

    @Override
    public void flushed(long records) {
        flush.end();
        flush.records = records;
        flush.commit();
    }

    @Override
    public void slowFlush(long runningNanos) {
        var event = new SlowFlushEvent();
        event.log = flush.log;
        event.running = runningNanos;
        event.commit();
    }

    @Override
    public void rotating() {
        rotation.begin();
    }

    @Override
    public void rotated(long sequence) {
        rotation.end();
        rotation.segment = sequence;
        rotation.commit();
    }
}
