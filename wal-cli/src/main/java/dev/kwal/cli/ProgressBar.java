package dev.kwal.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Shows on the error stream how far a long task is, in one line that is written over. One thread. */
final class ProgressBar {
    private static final int CELLS = 40;

    private final PrintWriter terminal;
    private final long totalBytes;

    private long bytes;
    private long shownPercent = -1;

    private ProgressBar(PrintWriter terminal, long totalBytes) {
        this.terminal = terminal;
        this.totalBytes = totalBytes;
    }

    /**
     * A bar, or null where there is nobody to look at it.
     *
     * @param wanted null to find out whether a terminal is there
     */
    static @Nullable ProgressBar on(@Nullable Boolean wanted, long totalBytes) {
        boolean isShown = wanted == null ? isTerminal() : wanted;
        return isShown ? new ProgressBar(Failures.writer(), totalBytes) : null;
    }

    /** Since Java 22 there can be a console without a terminal, which says so. */
    @SuppressWarnings("SystemConsoleNull") // Until then there is no other sign.
    private static boolean isTerminal() {
        var console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }

    /** So many more are done; any thread may say so. */
    synchronized void advance(long moreBytes) {
        bytes += moreBytes;
        // What the owner of a log changes meanwhile is read twice.
        long percent = totalBytes == 0 ? 100 : Math.min(100, bytes * 100 / totalBytes);
        if (percent > shownPercent) {
            shownPercent = percent;
            int full = (int) (percent * CELLS / 100);
            terminal.print("\r[" + "#".repeat(full) + ".".repeat(CELLS - full)
                    + String.format(Locale.ROOT, "] %3d %%", percent));
            terminal.flush();
        }
    }

    /** Leaves the line empty. */
    void clear() {
        terminal.print("\r" + " ".repeat(CELLS + 8) + "\r");
        terminal.flush();
    }
}
