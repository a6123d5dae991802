package dev.kwal;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.kwal.storage.StoreCapabilities;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the pins of a log: makes, moves and drops them.
 *
 * <p>Always: a pin is durable before it holds or lets go, and never behind what the log may still lose. Thread-safe.
 */
final class Keeper {
    private final StoreCapabilities capabilities;
    private final Pins pins;
    private final WritePath path;
    private final Progress progress;
    private final Succession succession;
    private final LifeCycle lifeCycle;
    private final Dropping dropping;

    Keeper(StoreCapabilities capabilities, Opening opening, LifeCycle lifeCycle, Dropping dropping) {
        this.capabilities = capabilities;
        this.pins = opening.pins();
        this.path = opening.path();
        this.progress = opening.progress();
        this.succession = opening.succession();
        this.lifeCycle = lifeCycle;
        this.dropping = dropping;
    }

    /** Null is for what there is, or {@link WalPin.Overflow#KEEP}. */
    WalPin pin(String name, WalPin.@Nullable Overflow wanted) throws IOException {
        checkName(name);
        lifeCycle.whole(() -> {
            var table = pins.table();
            var pin = table.pins().get(name);
            if (pin == null && table.pins().size() == PinTable.MAX_PINS) {
                throw new IllegalStateException("there are " + PinTable.MAX_PINS + " pins already");
            }
            long lsn = pin == null ? succession.firstLsn() - 1 : pin.lsn();
            var there = pin == null ? WalPin.Overflow.KEEP : pin.overflow();
            var overflow = wanted == null ? there : wanted;
            pins.change(table.withPin(name, new PinTable.Pin(lsn, overflow)), progress.epoch());
        });
        return new WalPin(this, name);
    }

    private static void checkName(String name) {
        var bytes = UTF_8.encode(name);
        boolean isText = UTF_8.decode(bytes.duplicate()).toString().equals(name);
        if (!isText || bytes.remaining() < 1 || bytes.remaining() > PinTable.MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "the name of a pin has " + bytes.remaining() + " bytes, expected text of 1 to 255");
        }
    }

    List<WalPin> pins() {
        return pins.table().pins().keySet().stream()
                .map(name -> new WalPin(this, name))
                .toList();
    }

    boolean isDropped(String name) {
        return !pins.table().pins().containsKey(name);
    }

    PinTable.Pin pinned(String name) throws WalGoneException {
        var pin = pins.table().pins().get(name);
        if (pin == null) {
            throw new WalGoneException(succession.firstLsn(), "the pin " + name + " was dropped");
        }
        return pin;
    }

    WalPin.Lag lag(String name) throws WalGoneException {
        long lsn = pinned(name).lsn();
        long lastLsn = progress.lastLsn();
        long bytes = 0;
        for (var segment : succession.chain().segments()) {
            long last = segment.isGrowing() ? lastLsn : segment.lastLsn();
            if (last > lsn) {
                bytes += segment.isGrowing() ? path.endPosition() : segment.endPosition();
            }
        }
        return new WalPin.Lag(Math.max(0, lastLsn - lsn), bytes);
    }

    long epoch() {
        return progress.epoch();
    }

    void advance(String name, long lsn) throws IOException {
        boolean isDone = false;
        while (!isDone) {
            isDone = advance(name, lsn, progress.epoch());
        }
    }

    /** Advances unless a truncation came since an epoch, which may have given up what the caller has seen; whether it did. */
    boolean advance(String name, long lsn, long epoch) throws IOException {
        progress.checkUsable();
        if (progress.epoch() != epoch) {
            return false;
        }
        if (lsn < 0 || lsn > progress.lastLsn()) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 0 to " + progress.lastLsn());
        }
        if (lsn <= pinned(name).lsn()) {
            return true;
        }
        sync(lsn);
        var isMoved = new boolean[1];
        lifeCycle.whole(() -> {
            var pin = pinned(name);
            if (progress.epoch() == epoch) {
                var moved = new PinTable.Pin(Math.max(lsn, pin.lsn()), pin.overflow());
                pins.change(pins.table().withPin(name, moved), epoch);
                isMoved[0] = true;
            }
        });
        if (isMoved[0]) {
            dropping.dropDroppable();
        }
        return isMoved[0];
    }

    /** A pin must never be behind what the log may still lose: records would take its place unheld. */
    private void sync(long lsn) throws IOException {
        if (!capabilities.survivesProcessCrash()) {
            return;
        }
        if (succession.isCopyPending()) {
            path.exclusively(succession::copyTail);
        }
        path.commit(lsn, capabilities.survivesPowerLoss() ? Durability.SYNCED : Durability.WRITTEN);
    }

    void drop(String name) throws IOException {
        lifeCycle.whole(() -> pins.change(pins.table().without(name), progress.epoch()));
        dropping.dropDroppable();
    }

    String describe(String name) {
        var pin = pins.table().pins().get(name);
        return "pin " + name + (pin == null ? ", dropped" : " at LSN " + pin.lsn());
    }
}
