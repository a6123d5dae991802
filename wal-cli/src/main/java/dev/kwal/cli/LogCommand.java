package dev.kwal.cli;

import dev.kwal.Wal;
import dev.kwal.WalOptions;
import dev.kwal.WalReader;
import dev.kwal.storage.FileStore;
import dev.kwal.storage.SingleFileStore;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** A command on one log, which it only reads. */
abstract class LogCommand implements Callable<Integer> {
    /** The format allows no longer records than this; a record takes memory only if its bytes are present. */
    static final WalOptions OPTIONS = WalOptions.DEFAULT.withMaxRecordBytes(1 << 30);

    private static final int HEADER_BYTES = 64;

    @Parameters(
            index = "0",
            paramLabel = "DIRECTORY",
            description = "The directory of the log, or the file of a record file.")
    private Path directory;

    @ParentCommand
    private Kwal kwal;

    @Override
    public final Integer call() throws Exception {
        int code = run(kwal.output());
        kwal.output().flush();
        return code;
    }

    /** Does it, and says with which exit code. */
    abstract int run(Output output) throws IOException;

    final Path directory() {
        return directory;
    }

    /** The store of the log, if it may be one. */
    final WalStore store() throws IOException {
        if (!Files.exists(directory)) {
            throw new NoSuchFileException(directory.toString());
        }
        if (Files.isRegularFile(directory)) {
            // A record file gets its name only when its header is there.
            if (Files.size(directory) < HEADER_BYTES) {
                throw new RefusedException(directory + ": shorter than the header of a record file, so not a log");
            }
            return SingleFileStore.of(directory);
        }
        if (!Files.isDirectory(directory)) {
            throw new RefusedException(directory + ": neither a directory nor a file, so not a log");
        }
        var store = FileStore.of(directory);
        // A log without records has no segment, but it was locked once.
        if (store.segments().length == 0 && !Files.exists(directory.resolve("LOCK"))) {
            throw new RefusedException(directory + ": no segment in it, so not a log");
        }
        return store;
    }

    static WalReader open(WalStore store) throws IOException {
        return Wal.openReadOnly(store, OPTIONS);
    }
}
