/**
 * A write-ahead log that never loses what it acknowledged.
 *
 * <p>Start at {@link dev.kwal.Wal}.
 */
@NullMarked
package dev.kwal;

import org.jspecify.annotations.NullMarked;
