/** The {@code kwal} command: looks into logs, checks, copies and salvages them. No library. */
@NullMarked
package dev.kwal.cli;

import org.jspecify.annotations.NullMarked;
