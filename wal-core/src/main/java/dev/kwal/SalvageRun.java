package dev.kwal;

/**
 * Whole records that stand one after the other in one segment.
 *
 * @param position of the frame of the first, or before it
 * @param isCertain whether nothing that was lost may have given them up
 */
record SalvageRun(SegmentHeader header, long position, long firstLsn, long lastLsn, boolean isCertain) {
    SalvageRun upTo(long lsn) {
        return new SalvageRun(header, position, firstLsn, lsn, isCertain);
    }

    SalvageRun from(long lsn) {
        return new SalvageRun(header, position, lsn, lastLsn, isCertain);
    }

    SalvageRun uncertain() {
        return new SalvageRun(header, position, firstLsn, lastLsn, false);
    }

    WalSalvage.Run info() {
        return new WalSalvage.Run(header.sequence(), firstLsn, lastLsn, isCertain);
    }
}
