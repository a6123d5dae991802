package dev.kwal.cli;

/** What the exit code tells a script. */
final class ExitCode {
    /** All is well; for {@code verify}, the log is intact. */
    static final int INTACT = 0;

    /** Data that must be there is damaged or missing. */
    static final int DAMAGED = 1;

    /** The command line makes no sense. */
    static final int USAGE = 2;

    /** The medium failed, a file or directory is missing or is there already, or records were dropped while being read. */
    static final int IO = 3;

    /** Not a log, or one that this version cannot read. */
    static final int REFUSED = 4;

    /** A mistake in this program, or not enough memory for it. */
    static final int BUG = 70;

    /** Nobody reads the output any more: what a shell reports of a process that ended by SIGPIPE. */
    static final int OUTPUT_CLOSED = 141;

    private ExitCode() {}
}
