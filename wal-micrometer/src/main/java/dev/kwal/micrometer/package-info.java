/** The metrics of the write-ahead log as meters of Micrometer. */
@NullMarked
package dev.kwal.micrometer;

import org.jspecify.annotations.NullMarked;
