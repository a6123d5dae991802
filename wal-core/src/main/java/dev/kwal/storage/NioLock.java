package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The lock of one directory: a lock of the operating system, which dies with its process, on a file that stays.
 *
 * <p>Always: while a lock is held, this class neither opens nor closes its file a second time, because closing any
 * descriptor of a file gives up all locks that the process has on it. Hence the register of directories held here, and
 * hence a channel that met the lock of another class loader in this process stays open for the next try.
 */
final class NioLock implements Closeable {
    /** Far behind the text, which others can then read on systems where locks keep readers out. */
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private static final int MAX_OWNER_BYTES = 256;

    private static final ReentrantLock REGISTER = new ReentrantLock();
    private static final Set<Object> HELD = new HashSet<>();
    private static final Map<Object, AsynchronousFileChannel> KEPT_OPEN = new HashMap<>();

    private final Object directory;
    private final AsynchronousFileChannel channel;

    private NioLock(Object directory, AsynchronousFileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    static NioLock take(Path path, FileAttribute<?>... attributes) throws IOException {
        var directory = identity(path);
        REGISTER.lock();
        try {
            if (HELD.contains(directory)) {
                throw new StoreLockedException(path + ": locked by this process");
            }
            var kept = KEPT_OPEN.remove(directory);
            var lock = new NioLock(directory, kept == null ? open(path, attributes) : kept);
            lock.acquire(path);
            HELD.add(directory);
            return lock;
        } finally {
            REGISTER.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        REGISTER.lock();
        try {
            if (channel.isOpen()) {
                HELD.remove(directory);
                channel.close();
            }
        } finally {
            REGISTER.unlock();
        }
    }

    private void acquire(Path path) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock(LOCKED_BYTE, 1, false);
        } catch (OverlappingFileLockException e) {
            KEPT_OPEN.put(directory, channel);
            throw new StoreLockedException(path + ": locked by this process, from another class loader");
        } catch (Throwable failure) {
            channel.close();
            throw failure;
        }
        if (lock == null) {
            try (channel) {
                throw new StoreLockedException(path + ": locked by " + owner());
            }
        }
        sign();
    }

    /** Tells others who has the lock. Only a courtesy: a full disk keeps nobody from locking. */
    private void sign() {
        var host = host();
        var text = "pid " + ProcessHandle.current().pid() + (host == null ? "" : " on " + host) + "\n";
        var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        try {
            var length = bytes.remaining();
            NioDisk.await(channel.write(bytes, 0));
            channel.truncate(length);
        } catch (IOException unsigned) {
            return;
        }
    }

    private String owner() {
        var bytes = ByteBuffer.allocate(MAX_OWNER_BYTES);
        try {
            NioDisk.await(channel.read(bytes, 0));
        } catch (IOException unreadable) {
            return "another process";
        }
        var text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        var line = text.lines().findFirst().orElse("");
        return line.startsWith("pid ") ? line : "another process";
    }

    /** From the environment alone: asking the network for one's own name can take seconds. */
    private static @Nullable String host() {
        var name = System.getenv("HOSTNAME");
        return name != null ? name : System.getenv("COMPUTERNAME");
    }

    private static AsynchronousFileChannel open(Path path, FileAttribute<?>... attributes) throws IOException {
        var options = Set.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        var file = path.resolve(FileNames.LOCK);
        if (NioDisk.INSTANCE.kind(file) == Disk.Kind.OTHER) {
            throw new FileSystemException(file.toString(), null, "a lock has to be a regular file");
        }
        return NioDisk.open(file, options, attributes);
    }

    /** The same for every path to a directory. */
    private static Object identity(Path directory) throws IOException {
        var key = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
        return key != null ? key : directory.toRealPath();
    }
}
