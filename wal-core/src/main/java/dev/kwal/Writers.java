package dev.kwal;

import java.io.IOException;

/**
 * Begins writers, each of which shuts out those before it; see {@code docs/adr/0012-writers-are-fenced-by-the-term.md}.
 *
 * <p>Always: the epoch of a writer is durable, as far as the store is, before the log goes by it. Thread-safe.
 */
final class Writers {
    private final WalOptions options;
    private final Pins pins;
    private final WritePath path;
    private final Progress progress;
    private final LifeCycle lifeCycle;
    private final Appender appender;

    Writers(WalOptions options, Opening opening, LifeCycle lifeCycle, Appender appender) {
        this.options = options;
        this.pins = opening.pins();
        this.path = opening.path();
        this.progress = opening.progress();
        this.lifeCycle = lifeCycle;
        this.appender = appender;
    }

    WalWriter begin() throws IOException {
        var epoch = new long[1];
        lifeCycle.whole(() -> {
            var table = pins.table().withNextWriter();
            pins.change(table, progress.epoch());
            path.exclusively(() -> {
                path.drain();
                progress.fence(table.writerEpoch());
            });
            epoch[0] = table.writerEpoch();
        });
        return new WalWriter(options, appender, epoch[0]);
    }
}
