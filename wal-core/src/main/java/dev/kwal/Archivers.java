package dev.kwal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Those who copy the segments of a log. Thread-safe. */
final class Archivers implements AutoCloseable {
    private static final int MAX_COUNT = 64;

    private final List<WalArchiver> archivers = new CopyOnWriteArrayList<>();

    synchronized void add(WalArchiver archiver) {
        if (archivers.size() == MAX_COUNT) {
            throw new IllegalStateException("there are " + MAX_COUNT + " archivers already");
        }
        String name = archiver.pin().name();
        if (archivers.stream().anyMatch(other -> other.pin().name().equals(name))) {
            throw new IllegalStateException("there is an archiver already that is called " + name);
        }
        archivers.add(archiver);
    }

    void remove(WalArchiver archiver) {
        archivers.remove(archiver);
    }

    void wake() {
        archivers.forEach(WalArchiver::wake);
    }

    /** Copies no more. */
    @Override
    public void close() {
        archivers.forEach(WalArchiver::close);
    }
}
