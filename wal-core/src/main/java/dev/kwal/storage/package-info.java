/**
 * The storage interface of a log and the stores that come with it.
 *
 * <p>A store keeps segments as opaque, append-only byte sequences. It knows no record and no frame; what it must
 * promise is told in {@link dev.kwal.storage.WalStore} and tested by the published store contract.
 */
@NullMarked
package dev.kwal.storage;

import org.jspecify.annotations.NullMarked;
