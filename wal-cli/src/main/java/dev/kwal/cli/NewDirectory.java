package dev.kwal.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * A directory that is there whole and durably, or not at all: it is filled under another name, {@code ….partial}, and gets
 * its own when it is complete.
 *
 * <p>Always: nothing that was there before is touched. One thread.
 */
final class NewDirectory implements Closeable {
    private static final boolean WINDOWS =
            System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");

    private final Path target;
    private final Path partial;
    private boolean isComplete;

    private NewDirectory(Path target, Path partial) {
        this.target = target;
        this.partial = partial;
    }

    /**
     * Begins it.
     *
     * @throws FileAlreadyExistsException if it is there, or was begun and not completed
     */
    static NewDirectory at(Path directory) throws IOException {
        requireNew(directory);
        var target = directory.toAbsolutePath().normalize();
        return new NewDirectory(target, partialOf(target));
    }

    /**
     * Says early that it cannot be begun.
     *
     * @throws FileAlreadyExistsException if it is there, or was begun and not completed
     */
    static void requireNew(Path directory) throws IOException {
        var target = directory.toAbsolutePath().normalize();
        if (target.getFileName() == null || Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(directory + ", expected a directory to be made");
        }
        var partial = partialOf(target);
        if (Files.exists(partial, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(partial + ", left by a run that was ended; delete it");
        }
    }

    private static Path partialOf(Path target) {
        return target.resolveSibling(target.getFileName() + ".partial");
    }

    /** Where it is filled. Whoever fills it makes it. */
    Path partial() {
        return partial;
    }

    /** Writes a small file durably. */
    void write(String name, String text) throws IOException {
        var file = partial.resolve(name);
        Files.write(
                file,
                text.getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE,
                StandardOpenOption.SYNC);
    }

    /** Gives it its name, durably. */
    void complete() throws IOException {
        sync(partial);
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        isComplete = true;
        var parent = target.getParent();
        if (parent != null) {
            sync(parent);
        }
    }

    private static void sync(Path directory) throws IOException {
        if (!WINDOWS) {
            try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /** Deletes what is not complete. */
    @Override
    public void close() throws IOException {
        if (isComplete || !Files.exists(partial, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (var files = Files.newDirectoryStream(partial)) {
            for (var file : files) {
                Files.delete(file);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        Files.delete(partial);
    }
}
