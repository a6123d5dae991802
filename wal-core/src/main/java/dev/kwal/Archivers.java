package dev.kwal;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Those who copy the segments of a log. Thread-safe. */
final class Archivers implements AutoCloseable {
    private static final int MAX_COUNT = 64;

    private final List<WalArchiver> archivers = new CopyOnWriteArrayList<>();

    /** How one is made, which pins its name. */
    interface Start {
        WalArchiver start() throws IOException;
    }

    /** Makes one, unless there are too many or there is one of this name. */
    synchronized WalArchiver add(String name, Start start) throws IOException {
        if (archivers.size() == MAX_COUNT) {
            throw new IllegalStateException("there are " + MAX_COUNT + " archivers already");
        }
        if (archivers.stream().anyMatch(other -> other.pin().name().equals(name))) {
            throw new IllegalStateException("there is an archiver already that is called " + name);
        }
        var archiver = start.start();
        archivers.add(archiver);
        return archiver;
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
