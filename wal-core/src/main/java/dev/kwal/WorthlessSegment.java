package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.Arrays;

/** Deletes segments that nothing depends on: dead ones, and ones prepared and not used. */
final class WorthlessSegment {
    private WorthlessSegment() {}

    /**
     * Deletes a segment if that can be done. A store that reports an error may have deleted it all the same.
     *
     * @return whether it is gone
     */
    static boolean delete(WalStore store, long sequence) {
        try {
            store.delete(sequence);
            return true;
        } catch (IOException e) {
            return isGone(store, sequence);
        }
    }

    private static boolean isGone(WalStore store, long sequence) {
        try {
            return Arrays.binarySearch(store.segments(), sequence) < 0;
        } catch (IOException e) {
            return false;
        }
    }
}
