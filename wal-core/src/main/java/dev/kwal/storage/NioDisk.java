package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import dev.kwal.storage.disk.DiskFile;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The disk of this machine.
 *
 * <p>An interrupt closes a {@code FileChannel} for everybody and can hide the failure of a flush. Asynchronous channels
 * know no interrupts, and with an executor that runs everything at once they do their work on the caller's thread. On
 * Windows, where the system itself works asynchronously, the caller waits for it.
 */
final class NioDisk implements Disk {
    static final NioDisk INSTANCE = new NioDisk();

    private static final boolean WINDOWS = File.separatorChar == '\\';
    private static final FileAttribute<?>[] NO_ATTRIBUTES = {};

    /** None on Windows: there it would only run what is done after a transfer, and each channel would take a thread. */
    private static final @Nullable ExecutorService EXECUTOR = WINDOWS ? null : new CallerThread();

    private NioDisk() {}

    @Override
    public DiskFile create(Path file, boolean ownerOnly) throws IOException {
        var options = Set.of(
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        return new NioFile(open(file, options, attributes(file, ownerOnly, "rw-------")));
    }

    @Override
    public DiskFile openForWriting(Path file) throws IOException {
        var options = Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        return new NioFile(open(file, options));
    }

    @Override
    public DiskFile openForReading(Path file) throws IOException {
        return new NioFile(open(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)));
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    /** What stands in the way of a link stands in the way of a copy, too, or is no matter to it. */
    @Override
    public boolean link(Path file, Path name) throws IOException {
        if (!countsLinks(file)) {
            return false;
        }
        try {
            Files.createLink(name, file);
            return true;
        } catch (NoSuchFileException | FileAlreadyExistsException e) {
            throw e;
        } catch (FileSystemException | UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public int linkCount(Path file) throws IOException {
        return countsLinks(file) ? (int) Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS) : 1;
    }

    private static boolean countsLinks(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("unix");
    }

    @Override
    public void delete(Path file) throws IOException {
        Files.delete(file);
    }

    @Override
    public Kind kind(Path file) throws IOException {
        try {
            var attributes = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isRegularFile() ? Kind.FILE : Kind.OTHER;
        } catch (NoSuchFileException absent) {
            return Kind.ABSENT;
        }
    }

    @Override
    public List<String> list(Path directory) throws IOException {
        var names = new ArrayList<String>();
        try (var paths = Files.newDirectoryStream(directory)) {
            for (var path : paths) {
                names.add(path.getFileName().toString());
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return names;
    }

    @Override
    public boolean isDirectory(Path path) {
        return Files.isDirectory(path);
    }

    @Override
    public void createDirectory(Path directory, boolean ownerOnly) throws IOException {
        Files.createDirectory(directory, attributes(directory, ownerOnly, "rwx------"));
    }

    /** Windows opens no directory for flushing; its file systems keep names in a journal of their own. */
    @Override
    public void syncDirectory(Path directory) throws IOException {
        if (WINDOWS) {
            return;
        }
        try (var channel = open(directory, Set.of(StandardOpenOption.READ))) {
            channel.force(true);
        }
    }

    @Override
    public Closeable lock(Path directory, boolean ownerOnly) throws IOException {
        return NioLock.take(directory, attributes(directory, ownerOnly, "rw-------"));
    }

    static AsynchronousFileChannel open(Path file, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        return AsynchronousFileChannel.open(file, options, EXECUTOR, attributes);
    }

    private static FileAttribute<?>[] attributes(Path path, boolean ownerOnly, String permissions) {
        if (!ownerOnly || !path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return NO_ATTRIBUTES;
        }
        return new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        };
    }

    /** Waits for a transfer however often the thread is interrupted, and leaves its flag as it was. */
    static int await(Future<Integer> transfer) throws IOException {
        var interrupted = false;
        try {
            while (true) {
                try {
                    return transfer.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw unwrapped(e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static IOException unwrapped(@Nullable Throwable cause) {
        if (cause instanceof RuntimeException unchecked) {
            throw unchecked;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof IOException failure ? failure : new IOException(cause);
    }

    private record NioFile(AsynchronousFileChannel channel) implements DiskFile {
        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            return await(channel.read(target, position));
        }

        @Override
        public int write(ByteBuffer source, long position) throws IOException {
            return await(channel.write(source, position));
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public void sync(boolean attributes) throws IOException {
            channel.force(attributes);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** Runs every task where it is submitted. A channel never shuts its executor down. */
    private static final class CallerThread extends AbstractExecutorService {
        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return false;
        }
    }
}
