/**
 * Not for users: the operating system as {@link dev.kwal.storage.FileStore} sees it, and the way by which the testkit puts
 * a simulated disk in its place. Exported to {@code dev.kwal.testkit} alone; may change with every version.
 */
@NullMarked
package dev.kwal.storage.disk;

import org.jspecify.annotations.NullMarked;
